import BatteryEngine
import BMSCore

/// One value of each cell.
struct CellMetric: Sendable {
    /// First part of the path, "/Voltages/Cell1".
    var group: String
    /// Values that a cell can have.
    var shape = ValueShape.number
    /// Unit for people; empty for none.
    var unit: String
    /// Smallest change that is worth a message.
    var deadband: Deadband
    /// Entity of one cell in Home Assistant; `nil`: none.
    var entity: @Sendable (_ padded: String, _ isEnabled: Bool) -> EntityRow?
    /// The value of a cell, from 1.
    var value: @Sendable (BatteryReport, Int) -> MetricValue

    /// Number of a cell in the keys of entities, with as many digits as the largest needs, three at least.
    static func padded(_ number: Int, of count: Int) -> String {
        let digits = max(3, String(count).count)
        return String(repeating: "0", count: max(0, digits - String(number).count)) + String(number)
    }

    /// Path of one cell.
    func path(_ number: Int) -> String { "/\(group)/Cell\(number)" }
}

/// Rows of the `cells` document.
enum CellTable {
    static let rows = [voltage, temperature, balance]

    static let voltage = CellMetric(
        group: "Voltages", unit: "V", deadband: .within(10),
        entity: { padded, isEnabled in
            .measurement(
                "cell_\(padded)_voltage", "Cell {n} voltage", "voltage", "V", precision: 3,
                diagnostic: true, enabled: isEnabled)
        },
        value: { .thousandths($0.cell($1)?.voltage.rawValue, 3) })

    static let temperature = CellMetric(
        group: "Temperatures", unit: "°C", deadband: .within(1000),
        entity: { padded, isEnabled in
            .measurement(
                "cell_\(padded)_temperature", "Cell {n} temperature", "temperature", "°C", precision: 0,
                diagnostic: true, enabled: isEnabled)
        },
        value: { view, number in
            .thousandths(view.cell(number).map { $0.temperature.rawValue }, 1)
        })

    static let balance = CellMetric(
        group: "Balances", shape: .flag, unit: "", deadband: .none, entity: { _, _ in nil },
        value: { view, number in
            guard let reading = view.cell(number), let settings = view.thresholds else { return .null }
            return .flag(reading.voltage >= settings.balanceVoltage)
        })
}

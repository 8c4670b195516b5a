import BMSCore

/// One value of each cell: a row for all of them.
struct CellMetric: Sendable {
    /// First part of the path, "/Voltages/Cell1".
    var group: String
    /// dbus-mqtt-battery takes it (up to cell 24).
    var isInGXFeed: Bool
    /// What of its changes is news.
    var deadband: Deadband
    /// How Home Assistant shows the value of one cell; `nil`: not at all.
    var entity: @Sendable (_ padded: String, _ isEnabled: Bool) -> EntityRow?
    /// The value of a cell, from 1.
    var value: @Sendable (PackView, Int) -> MetricValue

    /// Path of one cell.
    func path(_ number: Int) -> String { "/\(group)/Cell\(number)" }
}

/// Rows of the `cells` document.
enum CellTable {
    static let rows: [CellMetric] = [
        CellMetric(
            group: "Voltages", isInGXFeed: true, deadband: .within(10),
            entity: { padded, isEnabled in
                .measurement(
                    "cell_\(padded)_voltage", "Cell {n} voltage", "voltage", "V", precision: 3,
                    diagnostic: true, enabled: isEnabled)
            },
            value: { .thousandths($0.cell($1)?.voltage.rawValue, 3) }),
        CellMetric(
            group: "Temperatures", isInGXFeed: false, deadband: .within(1000),
            entity: { padded, isEnabled in
                .measurement(
                    "cell_\(padded)_temperature", "Cell {n} temperature", "temperature", "°C", precision: 0,
                    diagnostic: true, enabled: isEnabled)
            },
            value: { view, number in
                .thousandths(view.cell(number).map { $0.temperature.rawValue }, 1)
            }),
        CellMetric(
            group: "Balances", isInGXFeed: true, deadband: .none, entity: { _, _ in nil },
            value: { view, number in
                guard let reading = view.cell(number), let settings = view.snapshot.settings else { return .null }
                return .flag(reading.voltage >= settings.balanceVoltage)
            }),
    ]
}

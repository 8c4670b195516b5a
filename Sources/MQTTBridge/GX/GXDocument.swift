import BatteryEngine
import BMSCore
import ChargeLimits

/// The document that dbus-mqtt-battery takes on a GX device (facts of version 1.0.12, seen on the running driver):
/// complete in every message, numbers as numbers, flags 0 and 1, no key that it does not know, and `Dc.Power`,
/// `Dc.Voltage` and `Soc` never null, because a null there freezes the driver with its old values for ever.
public enum GXDocument {
    /// Cells that the driver takes.
    static let cells = 24
    /// So long before the link counts as lost, ms, the documents say what holds then: one or two do.
    private static let lastWords: Int64 = 1_500
    /// Seconds without a document after which the driver is to drop the battery: its setting `timeout`.
    public static let driverTimeout = 20
    /// Milliseconds from its data until a document must be there: with the driver's time-out no limit is older than 30 s.
    static let latest = Int64(30 - driverTimeout) * 1000

    private static let rows = MetricCatalogue.state.filter { $0.gx != nil }
    /// The cells' voltages stand before this row.
    private static let sum = rows.firstIndex { $0.gx == .voltageSum }
    private static let shapes = [0, cells].map { DocumentShape(layout(cells: $0).map(\.keys)) }
    private static let deadbands = [0, cells].map { layout(cells: $0).map(\.deadband) }

    /// The values of the document. A `nil` among them is a cell that the pack has not.
    ///
    /// - Parameter mostCells: cells that were sent before: the driver keeps the values of cells that are left out.
    /// - Returns: `nil` when silence is the only safe answer: power, voltage or SoC were never known, there is no current sensor, or the
    ///   link is lost.
    static func values(_ report: BatteryReport, _ currents: GXCurrents, mostCells: Int) -> [MetricValue?]? {
        guard
            report.freshness <= .stale, let last = report.lastReadings, let power = report.lastCharge.power,
            let current = last.current, report.limits != nil
        else { return nil }
        // The driver keeps the last document until its time-out, so the last one must be that of a lost link.
        let isLast = (report.linkAge ?? 0) > report.battery.freshness.lost - lastWords
        let count = min(cells, max(mostCells, report.cellCount))
        var values: [MetricValue?] = []
        for (index, row) in rows.enumerated() {
            if index == sum { values += cellValues(CellTable.voltage, count, report) }
            // While the link is stale, or the BMS does not hear its cell boards, the last of these stay, beside limits that are safe and
            // an alarm. Without a document the driver would drop the battery and its limits with it.
            switch row.gx {
            case .voltage: values.append(.thousandths(last.voltage.rawValue, 3))
            case .current: values.append(.thousandths(current.rawValue, 3))
            case .power: values.append(.thousandths(power.rawValue, 1))
            case .soc: values.append(.whole(last.soc))
            case .dischargeLimit where isLast: values.append(.integer(0))
            case .cable where isLast: values.append(.integer(AlarmLevel.alarm.rawValue))
            case .chargeLimit, .dischargeLimit: values.append(currents.value(row))
            case .value, .cable, .voltageSum, nil: values.append(row.value(report))
            }
        }
        return values + cellValues(CellTable.balance, count, report)
    }

    /// The document of these values.
    static func document(_ values: [MetricValue?]) -> [UInt8] { shapes[hasCells(values) ? 1 : 0].document(values) }

    /// Returns `true` where these values differ from older ones by more than their deadbands.
    static func isNews(_ values: [MetricValue?], after old: [MetricValue?], factor: Int) -> Bool {
        guard values.count == old.count else { return true }
        let deadbands = deadbands[hasCells(values) ? 1 : 0]
        return values.indices.contains { index in
            guard let new = values[index], let sent = old[index] else { return values[index] != old[index] }
            return deadbands[index].isNews(new, after: sent, factor: factor)
        }
    }

    private static func hasCells(_ values: [MetricValue?]) -> Bool { values.count > rows.count }

    /// Names and deadbands in the order of the values.
    private static func layout(cells: Int) -> [(keys: [String], deadband: Deadband)] {
        func cellKeys(_ row: CellMetric) -> [(keys: [String], deadband: Deadband)] {
            return (0..<cells).map { ([row.group, "Cell\($0 + 1)"], row.deadband) }
        }
        return rows.enumerated().flatMap { index, row in
            (index == sum ? cellKeys(CellTable.voltage) : []) + [(row.keys, row.deadband)]
        } + cellKeys(CellTable.balance)
    }

    private static func cellValues(_ row: CellMetric, _ count: Int, _ report: BatteryReport) -> [MetricValue?] {
        guard count > 0 else { return [] }
        return (1...cells).map { $0 <= count ? row.value(report, $0) : nil }
    }
}

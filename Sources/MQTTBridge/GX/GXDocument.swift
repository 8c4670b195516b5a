import BMSCore
import ChargeLimits

/// The document that dbus-mqtt-battery takes on a GX device (facts of version 1.0.12, seen on the running driver):
/// complete in every message, numbers as numbers, flags 0 and 1, no key that it does not know, and `Dc.Power`,
/// `Dc.Voltage` and `Soc` never null, because a null there freezes the driver with its old values for ever.
enum GXDocument {
    /// Cells that the driver takes.
    static let cells = 24
    /// So long before the link counts as lost, ms, the documents say what holds then: one or two do.
    private static let lastWords: Int64 = 1_500

    /// One value of the document.
    struct Row {
        var keys: [String]
        var value: MetricValue
        var deadband: Deadband
    }

    /// The values of the document, or `nil` when silence is the only safe thing to say: power, voltage or SoC were never known, there is
    /// no current sensor, or the link is lost.
    ///
    /// - Parameter mostCells: cells that were sent before: the driver keeps the values of cells that are left out.
    static func rows(_ view: PackView, mostCells: Int) -> [Row]? {
        guard
            view.freshness <= .stale, let frame = view.snapshot.frame, let power = view.snapshot.power,
            let current = frame.current, view.limits != nil
        else { return nil }
        // While the link is stale the last of these stays, beside limits that are safe and a BmsCable warning.
        var fixed: [String: MetricValue] = [
            "/Dc/0/Voltage": .thousandths(frame.packVoltage.rawValue, 3),
            "/Dc/0/Current": .thousandths(current.rawValue, 3),
            "/Dc/0/Power": .thousandths(power.rawValue, 1),
            "/Soc": .whole(frame.soc),
        ]
        // What the driver hears last it keeps until its time-out: the last words are those of a link that is lost.
        let age = view.snapshot.age(at: view.now) ?? 0
        if age > view.options.tracker.freshness.lost - lastWords {
            fixed["/Info/MaxDischargeCurrent"] = .integer(0)
            fixed["/Alarms/BmsCable"] = .integer(AlarmLevel.alarm.rawValue)
        }
        var rows: [Row] = []
        for metric in MetricCatalogue.state where metric.isInGXFeed {
            if metric.path == "/Voltages/Sum" { rows += cellRows("Voltages", mostCells, view) }
            rows.append(
                Row(keys: metric.keys, value: value(metric, fixed[metric.path], view), deadband: metric.deadband))
        }
        return rows + cellRows("Balances", mostCells, view)
    }

    /// The document of these values.
    static func document(_ rows: [Row]) -> [UInt8] { Documents.nested(rows.map { ($0.keys, $0.value) }) }

    private static func value(_ metric: Metric, _ fixed: MetricValue?, _ view: PackView) -> MetricValue {
        fixed ?? current(metric, view) ?? metric.value(view)
    }

    /// CCL or DCL as a GX wants them; `nil` for any other value.
    static func current(_ metric: Metric, _ view: PackView) -> MetricValue? {
        switch metric.path {
        case "/Info/MaxChargeCurrent": .whole(view.gxCurrents.ccl)
        case "/Info/MaxDischargeCurrent": .whole(view.gxCurrents.dcl)
        default: nil
        }
    }

    private static func cellRows(_ group: String, _ mostCells: Int, _ view: PackView) -> [Row] {
        guard let row = CellTable.rows.first(where: { $0.group == group && $0.isInGXFeed }) else { return [] }
        let count = min(cells, max(mostCells, view.listedCells))
        return (0..<count).map { index in
            Row(
                keys: [group, "Cell\(index + 1)"], value: row.value(view, index + 1), deadband: row.deadband)
        }
    }
}

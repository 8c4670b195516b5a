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

    /// A value that is not always the one of its row in the catalogue.
    private enum Source {
        case catalogue, voltage, current, power, soc, chargeLimit, dischargeLimit, cable
    }

    private struct Row {
        let metric: Metric
        let source: Source
    }

    private static let rows = MetricCatalogue.state.filter(\.isInGXFeed).map {
        Row(metric: $0, source: source($0.path))
    }
    /// The cells' voltages come before this row.
    private static let sum = rows.firstIndex { $0.metric.path == "/Voltages/Sum" }
    private static let cellRows = CellTable.rows.filter(\.isInGXFeed)
    private static let voltages = cellRows.first { $0.group == "Voltages" }
    private static let balances = cellRows.first { $0.group == "Balances" }
    private static let shapes = [0, cells].map { DocumentShape(layout(cells: $0).map(\.keys)) }
    private static let deadbands = [0, cells].map { layout(cells: $0).map(\.deadband) }

    /// The values of the document. A `nil` among them is a cell that the pack has not.
    ///
    /// - Parameters:
    ///   - mostCells: cells that were sent before: the driver keeps the values of cells that are left out.
    ///   - list: gets the values in place of what it has.
    /// - Returns: `false` when silence is the only safe thing to say: power, voltage or SoC were never known, there is no current sensor, or
    ///   the link is lost.
    static func values(_ view: PackView, mostCells: Int, into list: inout ValueList) -> Bool {
        guard
            view.freshness <= .stale, let measured = view.snapshot.measurements, let power = view.snapshot.power,
            let current = measured.current, view.limits != nil
        else { return false }
        // What the driver hears last it keeps until its time-out: the last words are those of a link that is lost.
        let age = view.snapshot.age(at: view.now) ?? 0
        let isLast = age > view.times.lost - lastWords
        let count = min(cells, max(mostCells, view.listedCells))
        list.begin()
        for (index, row) in rows.enumerated() {
            if index == sum { appendCells(voltages, count, view, to: &list) }
            // While the link is stale the last of these stays, beside limits that are safe and a BmsCable warning.
            switch row.source {
            case .voltage: list.append(.thousandths(measured.packVoltage.rawValue, 3))
            case .current: list.append(.thousandths(current.rawValue, 3))
            case .power: list.append(.thousandths(power.rawValue, 1))
            case .soc: list.append(.whole(measured.soc))
            case .dischargeLimit where isLast: list.append(.integer(0))
            case .cable where isLast: list.append(.integer(AlarmLevel.alarm.rawValue))
            case .chargeLimit: list.append(.whole(view.gxCurrents.ccl))
            case .dischargeLimit: list.append(.whole(view.gxCurrents.dcl))
            case .catalogue, .cable: list.append(row.metric.value(view))
            }
        }
        appendCells(balances, count, view, to: &list)
        list.end()
        return true
    }

    /// The document of these values.
    static func document(_ values: [MetricValue?]) -> [UInt8] { shapes[hasCells(values) ? 1 : 0].document(values) }

    /// Whether these values are news to somebody who was told the others.
    static func isNews(_ values: [MetricValue?], after old: [MetricValue?], factor: Int) -> Bool {
        guard values.count == old.count else { return true }
        let deadbands = deadbands[hasCells(values) ? 1 : 0]
        return values.indices.contains { index in
            guard let new = values[index], let sent = old[index] else { return values[index] != old[index] }
            return deadbands[index].isNews(new, after: sent, factor: factor)
        }
    }

    /// CCL or DCL as a GX wants them; `nil` for any other value.
    static func current(_ metric: Metric, _ view: PackView) -> MetricValue? {
        switch source(metric.path) {
        case .chargeLimit: .whole(view.gxCurrents.ccl)
        case .dischargeLimit: .whole(view.gxCurrents.dcl)
        default: nil
        }
    }

    private static func source(_ path: String) -> Source {
        switch path {
        case "/Dc/0/Voltage": .voltage
        case "/Dc/0/Current": .current
        case "/Dc/0/Power": .power
        case "/Soc": .soc
        case "/Info/MaxChargeCurrent": .chargeLimit
        case "/Info/MaxDischargeCurrent": .dischargeLimit
        case "/Alarms/BmsCable": .cable
        default: .catalogue
        }
    }

    private static func hasCells(_ values: [MetricValue?]) -> Bool { values.count > rows.count }

    /// Names and deadbands in the order of the values.
    private static func layout(cells: Int) -> [(keys: [String], deadband: Deadband)] {
        func cellKeys(_ row: CellMetric?) -> [(keys: [String], deadband: Deadband)] {
            guard let row else { return [] }
            return (0..<cells).map { ([row.group, "Cell\($0 + 1)"], row.deadband) }
        }
        return rows.enumerated().flatMap { index, row in
            (index == sum ? cellKeys(voltages) : []) + [(row.metric.keys, row.metric.deadband)]
        } + cellKeys(balances)
    }

    private static func appendCells(
        _ row: CellMetric?, _ count: Int, _ view: PackView, to list: inout ValueList
    ) {
        guard let row, count > 0 else { return }
        for number in 1...cells { list.append(number <= count ? row.value(view, number) : nil) }
    }
}

/// Values that are written over each second: their room serves again, and with it the memory of most of them.
struct ValueList: Sendable {
    private(set) var values: [MetricValue?] = []
    private var count = 0

    /// Begins anew.
    mutating func begin() { count = 0 }

    mutating func append(_ value: MetricValue?) {
        if count < values.count { values[count] = value } else { values.append(value) }
        count += 1
    }

    /// Nothing more comes: what is left of before goes.
    mutating func end() { values.removeLast(values.count - count) }
}

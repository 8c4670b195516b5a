import BatteryEngine
import BMSCore
import JSON

/// The payloads of layout version 1. Pure: a report in, bytes out.
enum Documents {
    private static let stateShape = DocumentShape(MetricCatalogue.state.map(\.keys) + [["time"]])

    /// The whole pack, nested by path, from the values of the catalogue's rows in their order.
    static func state(_ values: [MetricValue], at now: Moment) -> [UInt8] {
        stateShape.document(values + [time(now)])
    }

    /// Every cell.
    static func cells(_ report: BatteryReport, at now: Moment) -> [UInt8] {
        let count = report.cellCount
        var writer = JSONWriter(reserving: 64 + count * 64)
        writer.beginObject()
        for row in CellTable.rows {
            writer.key(row.group)
            writer.beginObject()
            for number in 0..<count { writer.member("Cell\(number + 1)", row.value(report, number + 1)) }
            writer.endObject()
        }
        writer.member("time", time(now))
        writer.endObject()
        return writer.bytes
    }

    /// Something happened: what, when, to which pack.
    static func event(_ kind: String, _ text: String, at now: Moment) -> [UInt8] {
        var writer = JSONWriter(reserving: 256)
        writer.beginObject()
        writer.member("event", kind)
        writer.member("text", text)
        writer.member("time", time(now))
        writer.endObject()
        return writer.bytes
    }

    /// Seconds since 1970 UTC, to the millisecond.
    static func time(_ now: Moment) -> MetricValue { .decimal(thousandths: Int(now.wall), decimals: 3) }
}

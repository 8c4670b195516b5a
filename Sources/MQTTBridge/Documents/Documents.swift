import BMSCore
import JSON

/// The payloads of layout version 1. Pure: a view in, bytes out.
enum Documents {
    private static let stateShape = DocumentShape(MetricCatalogue.state.map(\.keys))

    /// The whole pack, nested by path, from the values of the catalogue's rows in their order.
    static func state(_ values: [MetricValue]) -> [UInt8] {
        // Not left to the compiler, which casts an array element by element.
        stateShape.document(values.map(Optional.some))
    }

    /// Every cell.
    static func cells(_ view: PackView) -> [UInt8] {
        let count = view.listedCells
        var writer = JSONWriter(reserving: 64 + count * 64)
        writer.beginObject()
        for row in CellTable.rows {
            writer.key(row.group)
            writer.beginObject()
            for number in 0..<count { writer.member("Cell\(number + 1)", row.value(view, number + 1)) }
            writer.endObject()
        }
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

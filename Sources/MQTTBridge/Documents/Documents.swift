import BMSCore
import ChargeLimits

/// The payloads of layout version 1. Pure: a view in, bytes out.
enum Documents {
    private static let stateShape = DocumentShape(MetricCatalogue.state.map(\.keys))

    /// The whole pack, nested by path, from the values of the catalogue's rows in their order.
    static func state(_ values: [MetricValue]) -> [UInt8] {
        stateShape.document(values)
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

    /// CVL, CCL, DCL with reasons and every constraint; also the answer of the `limits` filter.
    ///
    /// - Parameters:
    ///   - step: time of a filter's step, first member; `nil`: left out.
    ///   - time: wall time, last member; `nil`: left out.
    static func limits(_ limits: Limits?, step: MetricValue? = nil, time: MetricValue? = nil) -> [UInt8] {
        var writer = JSONWriter(reserving: 3072)
        writer.beginObject()
        if let step { writer.member("t", step) }
        self.limits(limits, into: &writer)
        if let time { writer.member("time", time) }
        writer.endObject()
        return writer.bytes
    }

    /// The members of a limits document, without its time.
    static func limits(_ limits: Limits?, into writer: inout JSONWriter) {
        for kind in LimitKind.allCases { writer.member(kind.rawValue, number(limits?.value(kind), kind)) }
        writer.member("chargeState", .text((limits?.state ?? .stale).rawValue))
        writer.key("reasons")
        writer.beginObject()
        for kind in LimitKind.allCases {
            writer.member(kind.rawValue, .text(limits?.reason(kind) ?? "no good frame from the BMS yet"))
        }
        writer.endObject()
        writer.key("constraints")
        writer.beginArray()
        for constraint in limits?.constraints ?? [] {
            writer.beginObject()
            writer.member("limit", constraint.limit.rawValue)
            writer.member("name", constraint.name)
            writer.member("value", number(constraint.value, constraint.limit))
            writer.member("text", constraint.reason)
            writer.endObject()
        }
        writer.endArray()
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

    private static func number(_ value: Int?, _ kind: LimitKind) -> MetricValue {
        .thousandths(value, kind == .cvl ? 2 : 1)
    }
}

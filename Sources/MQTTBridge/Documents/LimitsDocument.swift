import BMSCore
import JSON
import ChargeLimits

/// CVL, CCL, DCL with reasons and every constraint; also the answers of the `limits` filters.
struct LimitsDocument: Sendable {
    /// The whole document.
    ///
    /// - Parameters:
    ///   - step: time of a filter's step, first member; `nil`: left out.
    ///   - time: wall time, last member; `nil`: left out.
    func bytes(_ limits: Limits?, step: MetricValue? = nil, time: MetricValue? = nil) -> [UInt8] {
        var writer = JSONWriter(reserving: 4096)
        writer.beginObject()
        if let step { writer.member("t", step) }
        write(limits, into: &writer)
        if let time { writer.member("time", time) }
        writer.endObject()
        return writer.bytes
    }

    /// The members of the document without its time.
    func write(_ limits: Limits?, into writer: inout JSONWriter) {
        for kind in LimitKind.allCases { writer.member(kind.rawValue, Self.number(limits?.value(kind), kind)) }
        writer.member("chargeState", .text((limits?.state ?? .stale).rawValue))
        writer.member("chargeRequest", limits?.isChargeRequested ?? false)
        writer.key("reasons")
        writer.beginObject()
        for kind in LimitKind.allCases {
            writer.member(kind.rawValue, limits?.reason(kind) ?? "no good frame from the BMS yet")
        }
        writer.endObject()
        writer.key("names")
        writer.beginObject()
        for kind in LimitKind.allCases { writer.member(kind.rawValue, .string(limits?.boundName(kind))) }
        writer.endObject()
        writer.key("constraints")
        writer.beginArray()
        for bound in limits?.constraints ?? [] { Self.write(bound, into: &writer) }
        writer.endArray()
    }

    private static func write(_ bound: Bound, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("limit", bound.limit.rawValue)
        writer.member("name", bound.fullName)
        writer.member("value", number(bound.value, bound.limit))
        writer.member("text", bound.reason)
        writer.endObject()
    }

    private static func number(_ value: Int?, _ kind: LimitKind) -> MetricValue {
        .thousandths(value, kind == .cvl ? 2 : 1)
    }
}

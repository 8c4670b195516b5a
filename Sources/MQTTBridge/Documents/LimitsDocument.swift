import BMSCore
import ChargeLimits

/// CVL, CCL, DCL with reasons and every constraint; also the answers of the `limits` filters.
///
/// What was written for a bound or a reason is kept until it changes: most stay the same for hours, and wording them was the dearest
/// part of a frame.
struct LimitsDocument: Sendable {
    private struct Kept<Key: Equatable & Sendable>: Sendable {
        var key: Key
        var text: [UInt8]
    }

    /// By their place among the calculator's bounds.
    private var bounds: [Kept<NamedConstraint>] = []
    private var reasons: [Kept<NamedReason>] = []

    /// The whole document.
    ///
    /// - Parameters:
    ///   - step: time of a filter's step, first member; `nil`: left out.
    ///   - time: wall time, last member; `nil`: left out.
    mutating func bytes(_ limits: Limits?, step: MetricValue? = nil, time: MetricValue? = nil) -> [UInt8] {
        var writer = JSONWriter(reserving: 4096)
        writer.beginObject()
        if let step { writer.member("t", step) }
        write(limits, into: &writer)
        if let time { writer.member("time", time) }
        writer.endObject()
        return writer.bytes
    }

    /// The members of the document without its time.
    mutating func write(_ limits: Limits?, into writer: inout JSONWriter) {
        for kind in LimitKind.allCases { writer.member(kind.rawValue, Self.number(limits?.value(kind), kind)) }
        writer.member("chargeState", .text((limits?.state ?? .stale).rawValue))
        writer.key("reasons")
        writer.beginObject()
        for (index, kind) in LimitKind.allCases.enumerated() {
            writer.key(kind.rawValue)
            guard let reason = limits?.named(kind) else {
                writer.value(.text("no good frame from the BMS yet"))
                continue
            }
            Self.keep(reason, at: index, in: &reasons) { $0.value(.text(reason.description)) }
            writer.element(reasons[index].text)
        }
        writer.endObject()
        writer.key("constraints")
        writer.beginArray()
        if let limits {
            for index in limits.bounds.indices {
                let bound = limits.named(index)
                Self.keep(bound, at: index, in: &bounds) { Self.write(bound, into: &$0) }
            }
            for index in limits.order { writer.element(bounds[index].text) }
        }
        writer.endArray()
    }

    /// Has the text of a key ready at its place: as it was, or written anew.
    private static func keep<Key>(
        _ key: Key, at index: Int, in kept: inout [Kept<Key>], _ write: (inout JSONWriter) -> Void
    ) {
        if index < kept.count, kept[index].key == key { return }
        var writer = JSONWriter(reserving: 192)
        write(&writer)
        let new = Kept(key: key, text: writer.bytes)
        if index < kept.count { kept[index] = new } else { kept.append(new) }
    }

    private static func write(_ bound: NamedConstraint, into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("limit", bound.limit.rawValue)
        writer.member("name", bound.name)
        writer.member("value", number(bound.value, bound.limit))
        writer.member("text", bound.reason)
        writer.endObject()
    }

    private static func number(_ value: Int?, _ kind: LimitKind) -> MetricValue {
        .thousandths(value, kind == .cvl ? 2 : 1)
    }
}

import BMSCore
import SmartBMS
import JSON

/// A consumer's view of a bridge, with a verdict on each pack. The model is pure: time is a parameter.
struct HealthModel: Sendable {
    private struct Pack: Sendable {
        var status: String?
        var limits: JSONValue?
        /// Wall time of the limits, milliseconds: the time in a retained document, the arrival of a live one.
        var limitsAt: Int64?
        /// The limits were retained by the broker, which must then retain the state, too.
        var isKept = false
        var hasState = false
        /// The CAN bus on which its limits are told does not work: which, and how.
        var bus: String?
    }

    /// The verdict on a pack.
    struct Verdict: Hashable, Sendable {
        var pack: String
        var isHealthy: Bool
        /// The limits in force, or the reason why the pack is not healthy.
        var text: String
    }

    let base: String
    /// Largest age of healthy limits, milliseconds.
    let patience: Int64
    /// Reason why there is no connection; `nil` while connected, and before the first attempt.
    var failure: String?
    private let ids: [String]
    private var packs: [String: Pack]
    private var bridge: String?

    /// - Parameters:
    ///   - ids: packs that must be healthy.
    ///   - interval: the longest time between two documents with limits, milliseconds.
    init(base: String, ids: [String], interval: Int64) {
        self.base = base
        self.ids = ids
        packs = Dictionary(ids.map { ($0, Pack()) }) { first, _ in first }
        patience = max(5_000, interval) + 5_000
    }

    /// Topic filters to subscribe to; several packs share three filters with wildcards.
    var subscriptions: [String] {
        guard ids.count > 1 else {
            return ["\(base)/bridge/status"]
                + ids.flatMap { id in ["status", "limits", "state"].map { "\(base)/\(id)/\($0)" } }
        }
        return ["\(base)/+/status", "\(base)/+/limits", "\(base)/+/state"]
    }

    /// Takes a message; messages of other packs are ignored.
    mutating func take(topic: String, payload: [UInt8], isRetained: Bool, wall: Int64) {
        guard topic.hasPrefix(base + "/") else { return }
        let parts = topic.dropFirst(base.count + 1).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return }
        let text = String(decoding: payload.prefix(32), as: UTF8.self).plain
        if parts[0] == "bridge" {
            if parts[1] == "status" { bridge = text }
            return
        }
        let id = String(parts[0])
        guard var pack = packs[id] else { return }
        switch parts[1] {
        case "status": pack.status = text
        case "state":
            pack.hasState = !payload.isEmpty
            pack.bus = Self.bus(JSONValue(parsing: payload))
        case "limits":
            if isRetained { pack.isKept = true }
            pack.limits = JSONValue(parsing: payload)
            // A live document is fresh, whatever this machine's clock says.
            pack.limitsAt =
                isRetained ? pack.limits?["time"]?.number.flatMap { Int64(exactly: ($0 * 1000).rounded()) } : wall
        default: return
        }
        packs[id] = pack
    }

    /// Returns `true` if all packs are healthy.
    func isHealthy(wall: Int64) -> Bool {
        !ids.isEmpty && ids.allSatisfy { id in packs[id].map { fault($0, wall) == nil } ?? false }
    }

    /// Verdicts on all packs, in the order of the configuration.
    func verdicts(wall: Int64) -> [Verdict] {
        ids.map { id in
            let pack = packs[id] ?? Pack()
            if let fault = fault(pack, wall) { return Verdict(pack: id, isHealthy: false, text: fault) }
            let limits = ["ccl", "dcl"].map { name in
                "\(name.uppercased()) \(pack.limits?[name]?.number.map(Self.amperes) ?? "-")"
            }
            return Verdict(pack: id, isHealthy: true, text: limits.joined(separator: ", "))
        }
    }

    private func fault(_ pack: Pack, _ wall: Int64) -> String? {
        if let failure { return failure }
        guard let bridge else {
            return
                "no bridge on '\(base)/bridge/status': is it running with this base topic, and may this user read it?"
        }
        guard bridge == "online" else { return "the bridge is \(bridge)" }
        guard let status = pack.status else { return "the bridge does not know this pack" }
        guard status == "online" else {
            let reason = pack.limits?["reasons.ccl"]?.text.map { ": \($0.prefix(200).plain)" } ?? ""
            let other = pack.limits == nil ? ", or the broker refuses its limits (see the bridge's log)" : ""
            return "no data from the BMS\(reason)\(other)"
        }
        guard let limits = pack.limits, let limitsAt = pack.limitsAt else { return "no limits" }
        let age = abs(wall - limitsAt)
        guard age <= patience else { return "the limits are \(age / 1000) s old" }
        guard limits["cvl"]?.number != nil, limits["ccl"]?.number != nil, limits["dcl"]?.number != nil else {
            return "the limits are not numbers"
        }
        guard limits["chargeState"]?.text != "stale" else { return "the limits are those for missing data" }
        guard pack.hasState || !pack.isKept else {
            return
                "limits but no 'state' of the pack: the broker refuses it or this user may not read it; see the bridge's log"
        }
        return pack.bus
    }

    /// The fault of the CAN bus in a `state` document; `nil`: there is none.
    private static func bus(_ state: JSONValue?) -> String? {
        guard let name = state?["Can.Interface"]?.text, let status = state?["Can.Status"]?.text,
            !["sending", "silent"].contains(status)
        else { return nil }
        return
            "its limits do not reach an inverter: \(name.prefix(200).plain) is \(status.prefix(40).plain); see the bridge's log"
    }

    private static func amperes(_ value: Double) -> String {
        guard value.magnitude < 1e6 else { return "-" }
        return "\(FixedPoint.text(thousandths: Int((value * 1000).rounded()), decimals: 1)) A"
    }
}

import BMSCore
import SmartBMS
import JSON

/// What a consumer sees of a bridge, and whether it may rely on it. Pure: time is a parameter.
struct HealthModel: Sendable {
    private struct Pack: Sendable {
        var status: String?
        var limits: JSONValue?
        /// Wall time of the limits, milliseconds: as they say, or when they came if they came live.
        var limitsAt: Int64?
        /// The limits are what the broker keeps: then it keeps the state, too.
        var isKept = false
        var hasState = false
    }

    /// How a pack stands.
    struct Verdict: Hashable, Sendable {
        var pack: String
        var isHealthy: Bool
        /// Limits in force, or why the pack cannot be relied on.
        var text: String
    }

    let base: String
    /// Age that limits may have, milliseconds.
    let patience: Int64
    /// Why there is no connection; `nil`: there is one, or none was tried yet.
    var failure: String?
    private let ids: [String]
    private var packs: [String: Pack]
    private var bridge: String?
    /// Index of a pack that was not well when it was looked at: the first to be looked at again.
    private var awaited = 0

    /// - Parameters:
    ///   - ids: packs that must be well.
    ///   - interval: the longest time between two documents with limits, milliseconds.
    init(base: String, ids: [String], interval: Int64) {
        self.base = base
        self.ids = ids
        packs = Dictionary(ids.map { ($0, Pack()) }) { first, _ in first }
        patience = max(5_000, interval) + 5_000
    }

    /// Topic filters to subscribe to: few, however many packs there are.
    var subscriptions: [String] {
        guard ids.count > 1 else {
            return ["\(base)/bridge/status"]
                + ids.flatMap { id in ["status", "limits", "state"].map { "\(base)/\(id)/\($0)" } }
        }
        return ["\(base)/+/status", "\(base)/+/limits", "\(base)/+/state"]
    }

    /// Takes a message; what does not belong to the packs in question is ignored.
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
        case "state": pack.hasState = !payload.isEmpty
        case "limits":
            if isRetained { pack.isKept = true }
            pack.limits = JSONValue(parsing: payload)
            // What comes live is fresh, whatever this machine's clock says.
            pack.limitsAt =
                isRetained ? pack.limits?["time"]?.number.flatMap { Int64(exactly: ($0 * 1000).rounded()) } : wall
        default: return
        }
        packs[id] = pack
    }

    /// Whether all packs are well; cheap to ask after each message, however many packs there are.
    mutating func isHealthy(wall: Int64) -> Bool {
        func isWell(_ index: Int) -> Bool { packs[ids[index]].map { fault($0, wall) == nil } ?? false }
        guard !ids.isEmpty, isWell(awaited) else { return false }
        guard let index = ids.indices.first(where: { !isWell($0) }) else { return true }
        awaited = index
        return false
    }

    /// How each pack stands, in the order of the configuration.
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
            let other = pack.limits == nil ? ", or the broker refuses its limits (the bridge's log tells)" : ""
            return "no data from the BMS\(reason)\(other)"
        }
        guard let limits = pack.limits, let limitsAt = pack.limitsAt else { return "no limits" }
        let age = abs(wall - limitsAt)
        guard age <= patience else { return "the limits are \(age / 1000) s old" }
        guard limits["cvl"]?.number != nil, limits["ccl"]?.number != nil, limits["dcl"]?.number != nil else {
            return "the limits are no numbers"
        }
        guard limits["chargeState"]?.text != "stale" else { return "the limits are those for missing data" }
        guard pack.hasState || !pack.isKept else {
            return
                "no 'state' of the pack beside its limits: the broker refuses it or this user may not read it; the bridge's log tells why"
        }
        return nil
    }

    private static func amperes(_ value: Double) -> String {
        guard value.magnitude < 1e6 else { return "-" }
        return "\(FixedPoint.text(thousandths: Int((value * 1000).rounded()), decimals: 1)) A"
    }
}

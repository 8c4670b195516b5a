import BMSCore
import JSONInput

/// What somebody else says on topics where only this bridge speaks: how often the truth is said again, and what a person is told.
struct StrangerWatch: Sendable {
    /// Milliseconds for which another bridge counts as being there after limits of its making.
    private static let presence: Int64 = 30_000
    /// Topics that are told of in one life of the bridge.
    private static let mostTold = 32
    private static let longestDocument = 4_096

    /// The truth is said again, but not fought for: a second bridge would answer each time.
    private var corrections: [String: CommandGate] = [:]
    private var announcements: [String: CommandGate] = [:]
    private var told: Set<String> = []
    /// When somebody else's limits of a pack came.
    private var limitsAt: [String: Timestamp] = [:]

    /// One more word on a pack may be answered with the truth.
    mutating func mayCorrect(_ pack: String, at now: Timestamp) -> Bool {
        corrections[pack, default: CommandGate(burst: 5, perSecond: 0.2)].check(at: now) == .pass
    }

    /// The pack may be announced once more; each time its entities are unavailable for a moment.
    mutating func mayAnnounce(_ pack: String, at now: Timestamp) -> Bool {
        announcements[pack, default: CommandGate(burst: 3, perSecond: 1.0 / 60)].check(at: now) == .pass
    }

    /// Somebody else published on the topic of a pack's limits.
    mutating func heardLimits(_ payload: [UInt8], of pack: String, at now: Timestamp) {
        if isLimits(payload) { limitsAt[pack] = now }
    }

    /// Somebody else has data of the pack, or acts as if.
    func hasRival(_ pack: String, at now: Timestamp) -> Bool {
        limitsAt[pack].map { (0..<Self.presence).contains(now - $0) } ?? false
    }

    /// A sentence for the log, once for each topic.
    mutating func sentence(_ topic: String, _ pack: String, _ payload: [UInt8]) -> String? {
        guard told.count < Self.mostTold, told.insert(topic).inserted else { return nil }
        if isLimits(payload) {
            return
                "somebody else publishes limits of '\(pack)' on \(topic), probably a second bridge with another client id: give one of the two "
                + "another id of the pack or another mqtt.base, or keep it out with the broker's access rules ('bms-mqtt acl'); until then "
                + "inverters may follow either"
        }
        return
            "somebody else publishes on \(topic), where only this bridge should, and is followed until the bridge says what is true: if that is "
            + "a second bridge, give it another id of the pack or another mqtt.base, else keep it out with the broker's access rules "
            + "('bms-mqtt acl')"
    }

    /// Whether that is what a bridge of this kind says.
    private func isLimits(_ payload: [UInt8]) -> Bool {
        guard payload.count <= Self.longestDocument, let value = JSONValue(parsing: payload) else { return false }
        return value["cvl"]?.number != nil && value["ccl"]?.number != nil && value["reasons"] != nil
    }
}

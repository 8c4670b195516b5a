import BatteryEngine
import BMSCore
import JSON

/// Messages of somebody else on topics where only this bridge should publish: the corrections that they need, the rate of corrections, and
/// the sentences for a person.
///
/// No correction is forgotten: one that may not go out now goes out later.
struct StrangerWatch: Sendable {
    /// A kind of word on a pack.
    enum Word: Hashable, Comparable, Sendable {
        case status
        case document(DocumentKind)
        case announcement
    }

    /// A word on a pack that is not what this bridge says.
    struct Debt: Hashable, Comparable, Sendable {
        var pack: String
        var word: Word

        static func < (left: Debt, right: Debt) -> Bool { (left.pack, left.word) < (right.pack, right.word) }
    }

    /// Milliseconds for which another bridge counts as being there after a word of its making.
    static let presence: Int64 = 30_000
    /// Topics that are reported in one life of the bridge.
    private static let mostReported = 32
    private static let longestDocument = 4_096

    /// Times from which each may be corrected where this bridge has no data itself; of known packs alone, so they are few.
    private var debts: [Debt: Timestamp] = [:]
    /// The truth is said again, but not fought for: a second bridge would answer each time.
    private var gates: [Debt: RateLimiter] = [:]
    private var reported: Set<String> = []
    /// Times of the last limits of somebody else, by pack.
    private var limitsAt: [String: Timestamp] = [:]
    /// The sentence about another bridge and the time of its last word, by pack.
    private var others: [String: (text: String, at: Timestamp)] = [:]
    /// Milliseconds for which the owner is told of another bridge after its last word.
    private static let memory: Int64 = 3_600_000

    private static func gate(_ word: Word) -> RateLimiter {
        switch word {
        // Consumers go by it.
        case .status: RateLimiter(burst: 5, perSecond: 1)
        // Of two bridges neither would give in.
        case .document(.settings): RateLimiter(burst: 5, perSecond: 1.0 / 60)
        case .document: RateLimiter(burst: 5, perSecond: 0.2)
        // Neither here, and each time the entities are unavailable for a moment.
        case .announcement: RateLimiter(burst: 3, perSecond: 1.0 / 3600)
        }
    }

    /// A word is to be put right.
    ///
    /// - Parameter moment: not before that, where this bridge has nothing to say in its place.
    mutating func owe(_ word: Word, of pack: String, from moment: Timestamp) {
        debts[Debt(pack: pack, word: word)] = moment
    }

    /// Forgets all corrections, because everything is published again.
    mutating func forgive() { debts = [:] }

    var owesNothing: Bool { debts.isEmpty }

    /// Corrections that may go out now, the statuses first; they count as done.
    ///
    /// - Parameter speaks: this bridge has data for it. Of two bridges the one with data has the last word.
    mutating func pay(at now: Timestamp, _ speaks: (Debt) -> Bool) -> [Debt] {
        var paid: [Debt] = []
        for (debt, moment) in debts.sorted(by: { $0.key < $1.key }) {
            guard speaks(debt) || (now >= moment && !hasRival(debt.pack, at: now)) else { continue }
            guard gates[debt, default: Self.gate(debt.word)].check(at: now) == .pass else { continue }
            debts[debt] = nil
            paid.append(debt)
        }
        return paid
    }

    /// Somebody else published on the topic of a pack's limits.
    mutating func heardLimits(_ payload: [UInt8], of pack: String, at now: Timestamp) {
        if isLimits(payload) { limitsAt[pack] = now }
    }

    /// Somebody else has data of the pack, or acts as if.
    private func hasRival(_ pack: String, at now: Timestamp) -> Bool {
        limitsAt[pack].map { (0..<Self.presence).contains(now - $0) } ?? false
    }

    /// Advice about another bridge of a pack.
    func advice(_ pack: String, at now: Timestamp) -> [Advice] {
        guard let other = others[pack], (0..<Self.memory).contains(now - other.at) else { return [] }
        return [Advice(.secondBridge, other.text)]
    }

    /// A sentence for the log, once for each topic.
    mutating func sentence(_ topic: String, _ pack: String, _ payload: [UInt8], at now: Timestamp) -> String? {
        if isLimits(payload) {
            let text =
                "somebody else publishes limits of '\(pack)' on \(topic), probably a second bridge with another client id: give one of the two "
                + "another id of the pack or another mqtt.base, or keep it out with the broker's access rules ('bms-mqtt acl'); until then "
                + "inverters may follow either"
            return tell(text, topic, pack, at: now)
        }
        guard markReported(topic) else { return nil }
        return
            "somebody else publishes on \(topic), where only this bridge should, and is followed until the bridge says what is true: if that is "
            + "a second bridge, give it another id of the pack or another mqtt.base, else keep it out with the broker's access rules "
            + "('bms-mqtt acl')"
    }

    /// A sentence for the log about another bridge that announces a pack of the same id below another base, once for each topic.
    mutating func sameName(_ topic: String, _ pack: String, at now: Timestamp) -> String? {
        let text =
            "another bridge, with another mqtt.base, announces '\(pack)' on \(topic), too: Home Assistant takes both for one device, so give one "
            + "of the two packs another id"
        return tell(text, topic, pack, at: now)
    }

    /// Notes another bridge of a pack for the owner.
    ///
    /// - Returns: the sentence, once for each topic.
    private mutating func tell(_ text: String, _ topic: String, _ pack: String, at now: Timestamp) -> String? {
        others[pack] = (text, now)
        return markReported(topic) ? text : nil
    }

    /// Marks a topic as reported.
    ///
    /// - Returns: `false` if it was, or if too many topics were.
    private mutating func markReported(_ topic: String) -> Bool {
        reported.count < Self.mostReported && reported.insert(topic).inserted
    }

    /// The payload is a limits document of a bridge of this kind.
    private func isLimits(_ payload: [UInt8]) -> Bool {
        guard payload.count <= Self.longestDocument, let value = JSONValue(parsing: payload) else { return false }
        return value["cvl"]?.number != nil && value["ccl"]?.number != nil && value["reasons"] != nil
    }
}

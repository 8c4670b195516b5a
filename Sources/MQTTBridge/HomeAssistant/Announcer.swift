import BatteryEngine
import BMSCore
import JSON

/// Decides when a battery is announced to Home Assistant, and which messages take back an earlier announcement.
///
/// Once its cells are counted (or after half a minute without a frame, then without cells), when what it depends on changes,
/// once more 3 s later, and after each start of Home Assistant. Facts that shape it (seen in real releases): two different
/// announcements closer than 3 s lose the second; leaving a component out does not remove it, naming it with its platform
/// alone does; and that works only for what this run of Home Assistant has seen, so a removal that it may have missed is
/// made of two steps: everything in full, then the removal.
struct Announcer: Sendable {
    private static let spacing: Int64 = 3_000
    /// Entities that become known one by one are announced together, when nothing new came for so long, or after so long in all: each
    /// announcement makes entities unavailable for a moment.
    private static let gathering: Int64 = 30_000
    private static let longestGathering: Int64 = 120_000
    private static let patience: Int64 = 30_000
    /// Time between two looks at the entities that are known, ms.
    private static let look: Int64 = 5_000
    /// Home Assistant takes an entity out of the old form within a second.
    private static let migration: Int64 = 1_000
    private static let mostKeys = 2_000

    /// Everything on which an announcement depends.
    struct Content: Hashable, Sendable {
        /// 0: not known.
        var cellCount: Int
        var firmware: String?
        /// Entities without a fixed place that have had a value.
        var known: Set<String> = []
        /// Basis of the bounds of controls.
        var basis: SettingContext.Basis?
    }

    /// One thing to say.
    enum Step: Hashable {
        /// The announcement, removals included.
        case announce
        /// The same with what is to be removed still there.
        case revive
        /// The announcements of the other form are given up, and forgotten, before the new ones come.
        case migrate([String])
        case clear([String])
    }

    private(set) var content: Content?
    /// Every key that was ever announced for this pack, as far as it was heard, with its platform.
    private(set) var announced: [String: String] = [:]
    private let topics: Topics
    private var mode: DiscoveryMode
    /// The broker keeps an announcement in one piece.
    private var hasDevice = false
    private let node: String
    private var startedAt: Timestamp?
    private var due: Timestamp?
    /// Time since which something waits to be announced together.
    private var gathersSince: Timestamp?
    private var sentAt: Timestamp?
    private var repeats = 0
    private var needsRevival = false
    /// Retained announcements of the other form.
    private var leftovers: Set<String> = []
    private var hasAsked = false
    private var lookedAt: Timestamp?
    private var settings: PackSettings?

    init(_ topics: Topics, _ mode: DiscoveryMode, node: String) {
        self.topics = topics
        self.mode = mode
        self.node = node
    }

    /// The content must be worked out again: at once for other settings of the pack, else now and then.
    func needsLook(_ settings: PackSettings?, at now: Timestamp) -> Bool {
        guard content != nil, settings == self.settings, let lookedAt else { return true }
        return !(0..<Self.look).contains(now - lookedAt)
    }

    /// Records the content as of now; `nil` before the first frame.
    mutating func record(_ new: Content?, of settings: PackSettings?, at now: Timestamp) {
        (self.settings, lookedAt) = (settings, now)
        let started = startedAt ?? now
        startedAt = started
        guard var new = new ?? (now - started >= Self.patience ? Content(cellCount: 0) : nil) else { return }
        if let content {
            // What is not repeated for a while has not changed.
            new.firmware = new.firmware ?? content.firmware
            // The union of equal sets would still be a new one.
            if new.known != content.known { new.known.formUnion(content.known) }
            if new.cellCount == 0 { new.cellCount = content.cellCount }
        }
        guard new != content else { return }
        let isUrgent = content?.cellCount != new.cellCount
        content = new
        repeats = 1
        guard !isUrgent else {
            due = later(now)
            gathersSince = nil
            return
        }
        let since = gathersSince ?? now
        // What is due for another reason takes it along.
        guard due == nil || gathersSince != nil else { return }
        gathersSince = since
        due = later(min(now + Self.gathering, since + Self.longestGathering))
    }

    /// Records the keys of an announcement of this bridge.
    mutating func record(announced keys: [String: String]) {
        guard announced.count + keys.count <= Self.mostKeys else { return }
        announced.merge(keys) { _, new in new }
    }

    /// Records a retained announcement, of an earlier run perhaps.
    mutating func receive(_ topic: String, _ payload: [UInt8], at now: Timestamp) {
        guard !payload.isEmpty, let value = JSONValue(parsing: payload) else { return }
        var keys: [String: String] = [:]
        if topic == topics.deviceDiscovery(node) {
            guard case .object(let components)? = value["components"], components.count <= Self.mostKeys else { return }
            for (key, component) in components { keys[key] = component["platform"]?.text }
            hasDevice = true
            if mode == .entities { leftovers.insert(topic) }
        } else {
            let levels = topic.split(separator: "/").map(String.init)
            guard levels.count >= 4 else { return }
            keys[levels[levels.count - 2]] = levels[levels.count - 4]
            if mode == .device, leftovers.count < Self.mostKeys { leftovers.insert(topic) }
        }
        record(
            announced: keys.filter { key, platform in
                [key, platform].allSatisfy { Topics.isIdentifier($0, longest: 64) }
            })
        guard content != nil else { return }
        due = later(now)
        repeats = 1
    }

    /// Announces in another form from now on.
    mutating func change(to mode: DiscoveryMode) {
        self.mode = mode
        leftovers = mode == .entities && hasDevice ? [topics.deviceDiscovery(node)] : []
        hasAsked = false
        reconnect(at: Timestamp(milliseconds: 0))
    }

    /// Forgets what the broker of the connection before had kept.
    mutating func forgetBroker() {
        hasDevice = false
        leftovers = []
        hasAsked = false
    }

    /// Announces at once, for what was announced before may never have arrived; and once more for the case that another announcement came
    /// through just before.
    mutating func reconnect(at now: Timestamp) {
        guard content != nil else { return }
        sentAt = nil
        due = now
        repeats = 1
    }

    /// Stops announcements until the next connection or change.
    mutating func pause() {
        due = nil
        repeats = 0
    }

    /// Announces to a Home Assistant that starts from nothing, or from entities that are gone.
    mutating func homeAssistantStarted(at moment: Timestamp) {
        guard content != nil else { return }
        needsRevival = true
        due = later(moment)
    }

    /// Something may have to be said now.
    func isDue(at now: Timestamp) -> Bool { content != nil && due.map { now >= $0 } ?? false }

    /// The next step; `nil`: none is due.
    ///
    /// - Parameter hasGone: something was announced that is no more.
    mutating func next(hasGone: Bool, at now: Timestamp) -> Step? {
        guard isDue(at: now) else { return nil }
        // Cleared before the other form is announced: a start of Home Assistant that finds both complains of each entity.
        if !leftovers.isEmpty {
            self.due = now + (hasAsked ? Self.spacing : Self.migration)
            defer { if hasAsked { leftovers = [] } else { hasAsked = true } }
            return hasAsked ? .clear(leftovers.sorted()) : .migrate(leftovers.sorted())
        }
        hasAsked = false
        gathersSince = nil
        let mustRevive = needsRevival && hasGone
        needsRevival = false
        if mustRevive {
            sentAt = now
            self.due = now + Self.spacing
            return .revive
        }
        sentAt = now
        if repeats > 0 {
            repeats -= 1
            self.due = now + Self.spacing
        } else {
            self.due = nil
        }
        return .announce
    }

    private func later(_ moment: Timestamp) -> Timestamp {
        guard let sentAt else { return moment }
        return max(moment, sentAt + Self.spacing)
    }
}

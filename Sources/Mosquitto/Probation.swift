import MQTT

/// Subscriptions after a message that was too large to take. Nothing shows which subscription brought it, and a retained message comes on
/// every connection. So the subscriptions that were asked for shortly before are suspected, and from then on asked for one by one. A
/// subscription that brings such a message twice, alone, is left out for a while. Pure.
struct Probation: Sendable {
    /// Seconds for which suspicion lasts after such a message.
    private static let length = 3600.0
    /// Seconds for which a filter is left out.
    static let rest = 3600.0
    /// Seconds within which the message of a subscription has begun to come, and seconds between two suspected subscriptions. A broker
    /// copies a large message before it sends the first byte.
    static let patience = 3.0
    /// Number of times that a filter, alone, brings such a message until it is left out: one message may have come for another filter by
    /// chance.
    private static let strikes = 2

    private var end = 0.0
    /// Filters that may have brought such a message, with the number of times that no other filter can have brought it.
    private var suspects: [String: Int] = [:]
    private var resting: [(subscription: Subscription, end: Double)] = []
    private var waiting: [Subscription] = []
    /// Subscriptions that were recently asked for on this connection.
    private var asked: [(subscription: Subscription, at: Double)] = []

    /// Seconds after which the network thread should look again; `nil` where nothing waits.
    var turn: Double? { waiting.isEmpty ? nil : 0.2 }

    /// Takes subscriptions and returns those to ask for at once; the others wait for their turn.
    mutating func admit(_ subscriptions: [Subscription], at now: Double) -> [Subscription] {
        if now >= end { suspects = [:] }
        resting.removeAll { $0.end <= now }
        let welcome = subscriptions.filter { one in !resting.contains { $0.subscription == one } }
        waiting += welcome.filter { suspects[$0.filter] != nil }
        let trusted = welcome.filter { suspects[$0.filter] == nil }
        note(trusted, at: now)
        return trusted
    }

    /// The next subscription whose turn has come.
    mutating func next(at now: Double) -> Subscription? {
        waiting += resting.filter { $0.end <= now }.map(\.subscription)
        resting.removeAll { $0.end <= now }
        guard !waiting.isEmpty, now - (asked.last?.at ?? -.infinity) >= Self.patience else { return nil }
        acquit(before: now - Self.patience)
        let subscription = waiting.removeFirst()
        note([subscription], at: now)
        return subscription
    }

    /// Notes that a message too large to take ended the connection.
    ///
    /// - Returns: the filter that is left out now, because its subscription brings the message.
    mutating func blame(at now: Double) -> String? {
        end = now + Self.length
        acquit(before: now - Self.patience)
        for one in asked { suspects[one.subscription.filter, default: 0] += asked.count == 1 ? 1 : 0 }
        guard asked.count == 1, let one = asked.first?.subscription, suspects[one.filter, default: 0] >= Self.strikes
        else { return nil }
        suspects[one.filter] = nil
        resting.append((one, now + Self.rest))
        return one.filter
    }

    mutating func forgetConnection() {
        waiting = []
        asked = []
    }

    private mutating func note(_ subscriptions: [Subscription], at now: Double) {
        asked += subscriptions.map { ($0, now) }
    }

    /// Clears subscriptions that were asked for at a moment or before: they have brought everything that they had to bring.
    private mutating func acquit(before moment: Double) {
        for one in asked where one.at <= moment { suspects[one.subscription.filter] = nil }
        asked.removeAll { $0.at <= moment }
    }
}

/// Subscriptions after a message too large to take. Nothing tells which of them brought it, and a retained one meets every connection: so
/// those that were asked for shortly before are suspected, and from then on asked for one by one. One that brings such a message twice,
/// alone, is left out for a while. Pure.
struct Probation: Sendable {
    /// Seconds after such a message in which suspicion lasts.
    private static let length = 3600.0
    /// Seconds that a filter is left out.
    static let rest = 3600.0
    /// Seconds in which the message of a subscription has begun to come, and between two that are suspected. A broker copies a large one
    /// before it sends the first byte.
    static let patience = 3.0
    /// Times that a filter brings such a message, alone, until it is left out: one may have come for another by chance.
    private static let strikes = 2

    private var end = 0.0
    /// Filters that may have brought one, with the times that nothing else can have.
    private var suspects: [String: Int] = [:]
    private var resting: [(subscription: Subscription, end: Double)] = []
    private var waiting: [Subscription] = []
    /// Asked for on this connection, of late.
    private var asked: [(subscription: Subscription, at: Double)] = []

    /// Seconds in which the network thread should look again; `nil`: nothing waits.
    var turn: Double? { waiting.isEmpty ? nil : 0.2 }

    /// Subscriptions to ask for at once, of those that shall be; the rest waits for its turn.
    mutating func admit(_ subscriptions: [Subscription], at now: Double) -> [Subscription] {
        if now >= end { suspects = [:] }
        resting.removeAll { $0.end <= now }
        let welcome = subscriptions.filter { one in !resting.contains { $0.subscription == one } }
        waiting += welcome.filter { suspects[$0.filter] != nil }
        let trusted = welcome.filter { suspects[$0.filter] == nil }
        note(trusted, at: now)
        return trusted
    }

    /// The next one whose turn has come.
    mutating func next(at now: Double) -> Subscription? {
        waiting += resting.filter { $0.end <= now }.map(\.subscription)
        resting.removeAll { $0.end <= now }
        guard !waiting.isEmpty, now - (asked.last?.at ?? -.infinity) >= Self.patience else { return nil }
        acquit(before: now - Self.patience)
        let subscription = waiting.removeFirst()
        note([subscription], at: now)
        return subscription
    }

    /// A message too large to take ended the connection.
    ///
    /// - Returns: the filter that is left out now, for its subscription brings the message.
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

    /// Those that were asked for so long ago have brought what they had to bring.
    private mutating func acquit(before moment: Double) {
        for one in asked where one.at <= moment { suspects[one.subscription.filter] = nil }
        asked.removeAll { $0.at <= moment }
    }
}

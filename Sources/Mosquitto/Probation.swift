/// Subscriptions after a message too large to take: they are asked for one by one, so that a retained one that meets every
/// connection tells its filter, and that filter is left out for a while. Pure.
struct Probation: Sendable {
    /// Seconds after such a message in which subscriptions are asked for one by one.
    private static let length = 3600.0
    /// Seconds that a filter is left out.
    static let rest = 3600.0
    /// Seconds after which the next one is asked for without an answer, and after which one is no longer suspected.
    private static let patience = 2.0

    private struct Resting: Sendable {
        var subscription: Subscription
        var end: Double
    }

    private var end = 0.0
    private var resting: [Resting] = []
    private var waiting: [Subscription] = []
    private var asked: (subscription: Subscription, at: Double)?
    private var isAnswered = true

    /// Seconds in which the network thread should look again; `nil`: nothing waits.
    var turn: Double? { waiting.isEmpty ? nil : 0.02 }

    /// Subscriptions to ask for at once, of those that shall be; the rest waits for its turn.
    mutating func admit(_ subscriptions: [Subscription], at now: Double) -> [Subscription] {
        let welcome = subscriptions.filter { one in !resting.contains { $0.subscription == one && $0.end > now } }
        guard now < end else { return welcome }
        waiting += welcome
        return []
    }

    /// The next one whose turn has come.
    ///
    /// - Parameters:
    ///   - hasAnswer: the broker answered a subscription since the last call.
    ///   - isQuiet: nothing of the broker's waits to be read: what an answered subscription brings has come.
    mutating func next(hasAnswer: Bool, isQuiet: Bool, at now: Double) -> Subscription? {
        if hasAnswer { isAnswered = true }
        waiting += resting.filter { $0.end <= now }.map(\.subscription)
        resting.removeAll { $0.end <= now }
        guard !waiting.isEmpty else { return nil }
        guard (isAnswered && isQuiet) || now - (asked?.at ?? 0) >= Self.patience else { return nil }
        let subscription = waiting.removeFirst()
        asked = (subscription, now)
        isAnswered = false
        return subscription
    }

    /// A message too large to take ended the connection.
    ///
    /// - Returns: the filter that is left out now, for its subscription seems to have brought the message.
    mutating func blame(at now: Double) -> String? {
        defer { end = now + Self.length }
        guard now < end, let asked, now - asked.at < Self.patience else { return nil }
        resting.append(Resting(subscription: asked.subscription, end: now + Self.rest))
        return asked.subscription.filter
    }

    mutating func forgetConnection() {
        waiting = []
        asked = nil
        isAnswered = true
    }
}

import MQTT

/// Control of a line that may be slow: it decides which messages wait, and whether large ones make sense now.
///
/// ``LinkThroughput`` measures the line by receipts; ``HeldMessages`` keeps the newest message of each topic that waits.
struct LineControl: Sendable {
    var throughput = LinkThroughput()
    var held = HeldMessages()
    /// Large messages may go out, as reported last on this connection; `nil`: nothing was reported yet.
    private var takesLarge: Bool?

    /// The control of the connection after this one. Nothing is kept for it but what the end of this one teaches.
    func next(isOverdue: Bool, at now: Double) -> LineControl {
        var next = LineControl()
        next.throughput = throughput.next(isOverdue: isOverdue, at: now)
        return next
    }

    /// A message must wait: urgent messages wait for the line and for each other, other messages for everything that waits.
    ///
    /// - Parameter isFull: the socket takes nothing.
    func mustWait(_ precedence: MQTTMessage.Precedence, isFull: Bool, at now: Double) -> Bool {
        isFull || held.holds(precedence <= .early ? .first ... .early : .first ... .normal)
            || throughput.mustWait(precedence, at: now)
    }

    /// True or false where large messages may go out or not, and that has changed since the last call; else `nil`.
    mutating func change() -> Bool? {
        guard let isNarrow = throughput.isNarrow, takesLarge != !isNarrow else { return nil }
        takesLarge = !isNarrow
        return takesLarge
    }
}

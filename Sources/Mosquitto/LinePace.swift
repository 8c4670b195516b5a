/// Whether the broker keeps up, by receipts: once a second, and every two kilobytes, a message of quality 0 goes out with quality 1
/// instead, and the broker's acknowledgement says that it has arrived. No buffer on the way can hide from that, as it can from the socket.
///
/// A line is slow while a receipt takes longer than a second. From then on one batch is sent at a time, all of it with receipts, and the
/// rest waits for them: what arrives is then new, instead of the end of a queue of what was. Times in seconds of the monotonic clock.
struct LinePace: Sendable {
    /// What is on its way to the broker, and not yet acknowledged.
    struct Awaited: Sendable {
        /// The library's identifier of the newest message with a receipt.
        var identifier: Int32
        /// When the oldest was sent.
        var since: Double
        var bytes: Int
    }

    /// Frames come once a second, and a little early at times.
    private static let interval = 0.9
    /// Bytes between two receipts: a line that becomes narrow in the midst of a step is heard from within the keepalive.
    private static let stride = 2048
    private static let patience = 1.0
    private static let narrowFrom = 3.0
    /// Messages with an acknowledgement that the library sends at once; those beyond it keeps back.
    private static let quota = 20

    private(set) var awaited: Awaited?
    /// The last receipt took longer than ``patience``.
    private(set) var isSlow = false
    /// Bytes of a batch without anything urgent: as many as a slow line carries in a second.
    private(set) var room = 0
    /// The last receipt took so long that nothing large may be sent, and that a person should know; `nil`: none has come yet.
    private(set) var isNarrow: Bool?
    private var askedAt = -Double.infinity
    private var sentSince = 0
    private var wasUrgent = false
    /// Unacknowledged messages up to which one more is sent at once.
    private var most = quota / 2

    /// The broker said how many messages it takes unacknowledged.
    mutating func limit(to maximum: Int) { most = max(1, min(maximum, Self.quota) / 2) }

    /// Nothing but a receipt may let more go out.
    func mustWait(at now: Double) -> Bool {
        guard let awaited else { return false }
        return isSlow || now - awaited.since > Self.patience
    }

    /// Whether a message that is sent now is to carry a receipt.
    ///
    /// - Parameter pending: messages that the broker has yet to acknowledge. Of many the library would keep the last back, and a later one
    ///   of its topic without a receipt would overtake it.
    func wantsReceipt(at now: Double, pending: @autoclosure () -> Int) -> Bool {
        (isSlow || sentSince >= Self.stride || now - askedAt >= Self.interval) && pending() < most
    }

    /// A message was sent.
    ///
    /// - Parameter identifier: of one with a receipt.
    mutating func sent(_ bytes: Int, receipt identifier: Int32?, at now: Double) {
        sentSince += bytes
        awaited?.bytes += bytes
        guard let identifier else { return }
        askedAt = now
        sentSince = 0
        awaited = Awaited(identifier: identifier, since: awaited?.since ?? now, bytes: awaited?.bytes ?? bytes)
    }

    /// The newest receipt came.
    mutating func received(at now: Double) {
        guard let awaited else { return }
        self.awaited = nil
        let took = now - awaited.since
        isSlow = took > Self.patience
        isNarrow = took >= Self.narrowFrom
        room = isSlow ? Int(Double(awaited.bytes) / took) : 0
    }

    /// The broker gives no receipts: nothing is known, and nothing held back.
    mutating func giveUp() { isNarrow = false }

    /// What the next batch of a slow line holds: urgent messages and others by turns, so that neither waits for ever.
    mutating func nextBatch() -> ClosedRange<OutgoingMessage.Precedence> {
        wasUrgent.toggle()
        return wasUrgent ? .first ... .early : .normal ... .normal
    }
}

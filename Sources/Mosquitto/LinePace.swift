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
        /// When the broker acknowledged one of them, or the oldest was sent.
        var heardAt: Double
        var bytes: Int
        /// One of them is so large that on a line that has just become narrow whatever follows would come minutes late.
        var holdsAll: Bool
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
    /// Bytes of a batch beside what is urgent: as many as a slow line carries in a second.
    private(set) var room = 0
    /// The last receipt took so long that nothing large may be sent, and that a person should know; `nil`: none has come yet.
    private(set) var isNarrow: Bool?
    private var askedAt = -Double.infinity
    private var sentSince = 0
    /// Unacknowledged messages up to which one more is sent at once.
    private var most = quota / 2

    /// The broker said how many messages it takes unacknowledged.
    mutating func limit(to maximum: Int) { most = max(1, min(maximum, Self.quota) / 2) }

    /// Nothing but a receipt may let such a message go out.
    ///
    /// While a receipt is awaited, at once or late, what nobody obeys waits for it: a line that has just become narrow then carries
    /// what is urgent in the first place.
    func mustWait(_ precedence: OutgoingMessage.Precedence, at now: Double) -> Bool {
        if precedence == .large, isNarrow != false { return true }
        guard let awaited else { return false }
        return precedence > .early || isSlow || awaited.holdsAll || now - awaited.since > Self.patience
    }

    /// The broker was not heard for so long, though it has something to acknowledge, that the connection is of no use.
    func isOverdue(_ seconds: Double, at now: Double) -> Bool { awaited.map { now - $0.heardAt > seconds } ?? false }

    /// The broker acknowledged a message.
    mutating func heard(at now: Double) { awaited?.heardAt = now }

    /// Seconds that a message of so many bytes will be on its way, by the last batch.
    func transit(_ bytes: Int) -> Double {
        isSlow ? Double(bytes + (awaited?.bytes ?? 0)) / Double(max(1, room)) : 0
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
    /// - Parameters:
    ///   - identifier: of one with a receipt.
    ///   - isLarge: nothing else is sent before its receipt.
    mutating func sent(_ bytes: Int, receipt identifier: Int32?, isLarge: Bool = false, at now: Double) {
        sentSince += bytes
        awaited?.bytes += bytes
        guard let identifier else { return }
        askedAt = now
        sentSince = 0
        awaited = Awaited(
            identifier: identifier, since: awaited?.since ?? now, heardAt: awaited?.heardAt ?? now,
            bytes: awaited?.bytes ?? bytes, holdsAll: isLarge || awaited?.holdsAll ?? false)
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
}

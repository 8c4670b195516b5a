/// Whether the broker keeps up, by receipts: once a second, and every two kilobytes, a message of quality 0 goes out with quality 1
/// instead, and the broker's acknowledgement says that it has arrived. No buffer on the way can hide from that, as it can from the socket.
///
/// A line is slow while a receipt takes longer than 0.9 s, and until the first has come. Then one batch is sent at a time, all of it
/// with receipts, and the rest waits for them: what arrives is then new, instead of the end of a queue of what was. Times in seconds of
/// the monotonic clock.
struct LinePace: Sendable {
    private struct Awaited: Sendable {
        /// The library's identifier of the message.
        var identifier: Int32
        var since: Double
        /// ``sentBytes`` with this message.
        var mark: Int
        /// Bytes that were on their way with it.
        var bytes: Int
        /// So large that on a line that has just become narrow whatever follows would come minutes late.
        var isLarge: Bool
    }

    /// Frames come once a second, and a little early at times.
    private static let interval = 0.9
    /// Bytes with which there is a receipt.
    private static let stride = 2048
    /// Bytes on their way that say something of a rate: fewer say how long the way is.
    private static let leastMeasured = 1024
    /// Less than a second: the step after the one that was caught by a narrow line must wait.
    private static let patience = 0.9
    private static let narrowFrom = 3.0
    /// Seconds of slowness after which nothing better is to be expected.
    private static let narrowAfter = 60.0
    /// Bytes that may follow a quick receipt at once, whatever the rate.
    private static let leastRoom = 4096
    /// Messages with an acknowledgement that the library sends at once; those beyond it keeps back.
    private static let quota = 20
    /// Seconds for which nothing large is tried where one ended a connection.
    private static let largePause = 600.0

    /// Receipts that are to come, in order.
    private var awaited: [Awaited] = []
    /// The last receipt took longer than ``patience``, or none has come yet: what is said first may meet a line that carries next to
    /// nothing.
    private(set) var isSlow = true
    /// When receipts began to take so long, for as long as they do.
    private var slowSince: Double?
    /// Bytes that the line carries in a second, as far as receipts tell.
    private(set) var rate = LinePace.leastRoom
    private var hasMeasured = false
    /// The last receipt took so long, or receipts have been slow for so long, that nothing large may be sent, and that a person should
    /// know; `nil`: none has come yet.
    private(set) var isNarrow: Bool?
    /// The broker gives no receipts: nothing is known, and nothing held back.
    private(set) var isGivenUp = false
    private var askedAt = -Double.infinity
    /// When the broker was last heard of, or was asked while it owed nothing.
    private var heardAt = 0.0
    private var sentBytes = 0
    private var arrivedBytes = 0
    private var hasReceived = false
    /// No message that is large before this.
    private var largeFrom = -Double.infinity
    /// Unacknowledged messages up to which one more is sent at once.
    private var most = quota / 2

    /// The pace of the connection after this one.
    ///
    /// What ended it teaches: a broker that never gave a receipt is not asked again, and nothing large is sent soon where it got no further.
    func next(isOverdue: Bool, at now: Double) -> LinePace {
        var pace = LinePace()
        pace.largeFrom = isOverdue && awaited.contains(where: \.isLarge) ? now + Self.largePause : largeFrom
        pace.hasReceived = hasReceived
        if isGivenUp || (isOverdue && !hasReceived) { pace.giveUp() }
        return pace
    }

    /// The broker said how many messages it takes unacknowledged.
    mutating func limit(to maximum: Int) { most = max(1, min(maximum, Self.quota) / 2) }

    /// The broker gives no receipts.
    mutating func giveUp() {
        isGivenUp = true
        isNarrow = false
        isSlow = false
        awaited = []
    }

    /// The message of the next receipt.
    var nextReceipt: Int32? { awaited.first?.identifier }

    /// The broker owes a receipt.
    var isAwaiting: Bool { !awaited.isEmpty }

    /// Nothing but a receipt may let such a message go out.
    ///
    /// While a receipt is awaited, at once or late, what nobody obeys waits for it: a line that has just become narrow then carries
    /// what is urgent in the first place.
    ///
    /// - Parameter hasReceived: a receipt has just come. Where something is always on its way, what nobody obeys goes then.
    func mustWait(_ precedence: OutgoingMessage.Precedence, at now: Double, hasReceived: Bool = false) -> Bool {
        if precedence == .large, isSlow || isNarrow != false || now < largeFrom { return true }
        guard let oldest = awaited.first else { return false }
        return isSlow || awaited.contains(where: \.isLarge) || now - oldest.since > Self.patience
            || (precedence > .early && !hasReceived)
    }

    /// The broker was not heard for so long, though it owes a receipt, that the connection is of no use.
    func isOverdue(_ seconds: Double, at now: Double) -> Bool { isAwaiting && now - heardAt > seconds }

    /// Bytes of what nobody obeys that may go out after a receipt.
    var room: Int { isSlow ? rate : max(Self.leastRoom, rate) }

    /// Seconds that a message of so many bytes will be on its way on a slow line.
    func transit(_ bytes: Int) -> Double {
        isSlow ? Double(sentBytes - arrivedBytes + bytes) / Double(max(1, rate)) : 0
    }

    /// Whether one more message may carry a receipt.
    ///
    /// - Parameter pending: messages that the broker has yet to acknowledge. Of many the library would keep the last back, and a later one
    ///   of its topic without a receipt would overtake it.
    func hasQuota(pending: Int) -> Bool { pending < most }

    /// Whether a message of so many bytes that is sent now is to carry a receipt.
    func wantsReceipt(_ bytes: Int, at now: Double, pending: @autoclosure () -> Int) -> Bool {
        let last = awaited.last?.mark ?? arrivedBytes
        return !isGivenUp && (isSlow || sentBytes + bytes - last >= Self.stride || now - askedAt >= Self.interval)
            && hasQuota(pending: pending())
    }

    /// A message was sent.
    ///
    /// - Parameters:
    ///   - identifier: of one with a receipt.
    ///   - isLarge: nothing else is sent before its receipt.
    mutating func sent(_ bytes: Int, receipt identifier: Int32?, isLarge: Bool = false, at now: Double) {
        sentBytes += bytes
        guard let identifier, !isGivenUp else { return }
        askedAt = now
        if awaited.isEmpty { heardAt = now }
        awaited.append(
            Awaited(
                identifier: identifier, since: now, mark: sentBytes, bytes: sentBytes - arrivedBytes, isLarge: isLarge))
    }

    /// The next receipt came.
    mutating func received(at now: Double) {
        guard let first = awaited.first else { return }
        awaited.removeFirst()
        (heardAt, arrivedBytes, hasReceived) = (now, first.mark, true)
        let took = max(0.001, now - first.since)
        let measured = Double(first.bytes) / took
        if first.bytes >= Self.leastMeasured || !hasMeasured {
            rate = max(1, Int(measured))
            hasMeasured = first.bytes >= Self.leastMeasured
        }
        // A few bytes that came soon prove nothing: the line is slow until it carried what is sent in a second.
        isSlow = took > Self.patience || (isSlow && measured < Double(Self.stride) / Self.patience)
        slowSince = took > Self.patience ? slowSince ?? first.since : nil
        isNarrow = took >= Self.narrowFrom || slowSince.map { now - $0 >= Self.narrowAfter } ?? false
    }
}

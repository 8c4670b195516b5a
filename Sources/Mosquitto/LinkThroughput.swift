import MQTT

/// The throughput of the line to the broker, measured by receipts: once a second, and every two kilobytes, a QoS 0 message goes out with QoS 1 instead, and
/// the broker's acknowledgement says that it has arrived. No buffer on the way can hide from a receipt, as it can from the socket.
///
/// A line is slow while a receipt takes longer than 0.9 s, and until the first has come. Then one batch is sent at a time, all of it with
/// receipts, and all other messages wait for these receipts: the data that arrives is then new, instead of the end of a queue of old data.
/// Times are in seconds of the monotonic clock.
struct LinkThroughput: Sendable {
    private struct Awaited: Sendable {
        /// The library's identifier of the message.
        var identifier: Int32
        var since: Double
        /// ``sentBytes`` including this message.
        var mark: Int
        /// Bytes that were on their way together with this message.
        var bytes: Int
        /// The message is so large that, on a line that has just become narrow, everything after it would come minutes late.
        var isLarge: Bool
    }

    /// Seconds after which a message carries a receipt: frames come once a second, and a little early at times.
    private static let interval = 0.9
    /// Bytes after which a message carries a receipt.
    private static let stride = 2048
    /// Smallest number of bytes on their way that shows a rate: fewer bytes show how long the way is.
    private static let leastMeasured = 1024
    /// Seconds after which a receipt is late. Less than a second, because the step after the one that was caught by a narrow line must
    /// wait.
    private static let patience = 0.9
    private static let narrowFrom = 3.0
    /// Seconds of slowness after which no improvement is expected.
    private static let narrowAfter = 60.0
    /// Bytes that may follow a quick receipt at once, whatever the rate.
    private static let leastRoom = 4096
    /// Messages with an acknowledgement that the library sends at once; it keeps further ones back.
    private static let quota = 20
    /// Seconds for which no large message is tried after one of them ended a connection.
    private static let largePause = 600.0

    /// Receipts that are to come, in order.
    private var awaited: [Awaited] = []
    /// The last receipt took longer than ``patience``, or none has come yet: the first messages may meet a line that carries next to
    /// nothing.
    private(set) var isSlow = true
    /// Time since which receipts have taken longer than ``patience``; `nil` while they do not.
    private var slowSince: Double?
    /// Bytes that the line carries in a second, as far as receipts show.
    private(set) var rate = LinkThroughput.leastRoom
    private var hasMeasured = false
    /// The last receipt took so long, or receipts have been slow for so long, that nothing large may be sent, and that a person should
    /// know; `nil` until the first receipt has come.
    private(set) var isNarrow: Bool?
    /// The broker gives no receipts: nothing is known of the line, and nothing is held back.
    private(set) var isGivenUp = false
    private var askedAt = -Double.infinity
    /// Time at which the broker was last heard, or was asked while it owed nothing.
    private var heardAt = 0.0
    private var sentBytes = 0
    private var arrivedBytes = 0
    private var hasReceived = false
    /// Time before which no large message is sent.
    private var largeFrom = -Double.infinity
    /// Number of unacknowledged messages below which one more may carry a receipt.
    private var most = quota / 2

    /// The measurement of the connection after this one.
    ///
    /// The end of this connection teaches: a broker that never gave a receipt is not asked again, and no large message is sent soon after
    /// one that did not arrive.
    func next(isOverdue: Bool, at now: Double) -> LinkThroughput {
        var next = LinkThroughput()
        next.largeFrom = isOverdue && awaited.contains(where: \.isLarge) ? now + Self.largePause : largeFrom
        next.hasReceived = hasReceived
        if isGivenUp || (isOverdue && !hasReceived) { next.giveUp() }
        return next
    }

    /// Takes the number of unacknowledged messages that the broker allows.
    mutating func limit(to maximum: Int) { most = max(1, min(maximum, Self.quota) / 2) }

    /// Notes that the broker gives no receipts.
    mutating func giveUp() {
        isGivenUp = true
        isNarrow = false
        isSlow = false
        awaited = []
    }

    /// Notes that the broker acknowledged a message: one that gave no receipts gives them again.
    mutating func noteAcknowledgement() {
        guard isGivenUp else { return }
        var next = LinkThroughput()
        (next.largeFrom, next.most) = (largeFrom, most)
        self = next
    }

    /// Identifier of the message whose receipt comes next; `nil` where no receipt is awaited.
    var nextReceipt: Int32? { awaited.first?.identifier }

    /// The line carried what was sent without delay, as far as receipts show: where no receipt comes now, the line is not just narrow.
    var isQuick: Bool { !isSlow && !isGivenUp }

    /// The broker owes a receipt.
    var isAwaiting: Bool { !awaited.isEmpty }

    /// A message of this precedence may not go out before the next receipt.
    ///
    /// While a receipt is awaited, late or not, messages that nobody obeys wait for it: a line that has just become narrow then carries the
    /// urgent messages first.
    ///
    /// - Parameter hasReceived: a receipt has just come. Where something is always on its way, messages that nobody obeys go out at this
    ///   moment.
    func mustWait(_ precedence: MQTTMessage.Precedence, at now: Double, hasReceived: Bool = false) -> Bool {
        if precedence == .large, isSlow || isNarrow != false || now < largeFrom { return true }
        guard let oldest = awaited.first else { return false }
        return isSlow || awaited.contains(where: \.isLarge) || now - oldest.since > Self.patience
            || (precedence > .early && !hasReceived)
    }

    /// The broker owes a receipt and was not heard for so long that the connection is of no use.
    func isOverdue(_ seconds: Double, at now: Double) -> Bool { isAwaiting && now - heardAt > seconds }

    /// Bytes that may go out after a receipt, of messages that nobody obeys.
    var room: Int { isSlow ? rate : max(Self.leastRoom, rate) }

    /// Seconds that a message of so many bytes will be on its way on a slow line.
    func transit(_ bytes: Int) -> Double {
        isSlow ? Double(sentBytes - arrivedBytes + bytes) / Double(max(1, rate)) : 0
    }

    /// One more message may carry a receipt.
    ///
    /// - Parameter pending: number of messages that the broker has yet to acknowledge. With too many, the library would keep the last one
    ///   back, and a later message of the same topic without a receipt would overtake it.
    func hasQuota(pending: Int) -> Bool { pending < most }

    /// A message of so many bytes that is sent now should carry a receipt.
    func wantsReceipt(_ bytes: Int, at now: Double, pending: @autoclosure () -> Int) -> Bool {
        let last = awaited.last?.mark ?? arrivedBytes
        return !isGivenUp && (isSlow || sentBytes + bytes - last >= Self.stride || now - askedAt >= Self.interval)
            && hasQuota(pending: pending())
    }

    /// Notes that a message was sent.
    ///
    /// - Parameters:
    ///   - identifier: the library's identifier of a message with a receipt; `nil` for a message without one.
    ///   - isLarge: true where nothing else may be sent before the receipt.
    mutating func sent(_ bytes: Int, receipt identifier: Int32?, isLarge: Bool = false, at now: Double) {
        sentBytes += bytes
        guard let identifier, !isGivenUp else { return }
        askedAt = now
        if awaited.isEmpty { heardAt = now }
        awaited.append(
            Awaited(
                identifier: identifier, since: now, mark: sentBytes, bytes: sentBytes - arrivedBytes, isLarge: isLarge))
    }

    /// Notes that the next receipt came.
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
        // A few bytes that came soon prove nothing: the line is slow until it has carried as much as is sent in a second.
        isSlow = took > Self.patience || (isSlow && measured < Double(Self.stride) / Self.patience)
        slowSince = took > Self.patience ? slowSince ?? first.since : nil
        isNarrow = took >= Self.narrowFrom || slowSince.map { now - $0 >= Self.narrowAfter } ?? false
    }
}

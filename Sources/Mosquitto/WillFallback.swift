/// The will as the broker takes it: as it is wanted, and where the broker refuses that, with quality 0, not retained, or both.
///
/// A will that reaches those who listen is better than no service: without a connection nobody would hear anything.
struct WillFallback: Sendable {
    private var isPlain = false
    private var isUnretained = false
    /// Reasons that were told.
    private var told: Set<Int32> = []
    private var untold: [Int32] = []

    /// The broker refused the connection with this reason.
    ///
    /// - Returns: another attempt, at once, asks for less.
    mutating func refused(_ reason: Int32, _ will: OutgoingMessage?) -> Bool {
        guard let will = will.map(taken) else { return false }
        switch reason {
        case 155 where will.qos > 0: isPlain = true
        case 154 where will.retain: isUnretained = true
        default: return false
        }
        if told.insert(reason).inserted { untold.append(reason) }
        return true
    }

    /// The will in the form that was not refused.
    func taken(_ will: OutgoingMessage) -> OutgoingMessage {
        var will = will
        if isPlain { will.qos = 0 }
        if isUnretained { will.retain = false }
        return will
    }

    /// What is lost, for people; `nil`: nothing, or it was told before.
    mutating func note() -> String? {
        defer { untold = [] }
        return untold.isEmpty
            ? nil : untold.map { $0 == 155 ? Self.lostQuality : Self.lostRetention }.joined(separator: "; it ")
    }

    /// A connection was lost: the broker may have been changed, and is asked for all again.
    mutating func reset() { (isPlain, isUnretained) = (false, false) }

    private static let lostQuality =
        "takes messages of quality 0 only: the will, its word for a bridge that died, goes with quality 0 (mosquitto: max_qos 1 "
        + "allows more)"
    private static let lostRetention =
        "keeps no retained messages: whoever subscribes later hears nothing until the next document, and the will reaches only "
        + "those who listen when the bridge dies; allow them (mosquitto: retain_available true)"
}

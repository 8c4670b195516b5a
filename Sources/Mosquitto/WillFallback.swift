import MQTT

/// The will in the form that the broker takes: as configured, or, where the broker refuses this form, with QoS 0, not retained, or both.
///
/// A will that reaches those who listen is better than no service: without a connection nobody would hear anything.
struct WillFallback: Sendable {
    private var isPlain = false
    private var isUnretained = false
    /// Reasons that were reported.
    private var told: Set<Int32> = []
    private var untold: [Int32] = []

    /// Notes that the broker refused the connection with this reason.
    ///
    /// - Returns: true where another attempt, at once, asks for less.
    mutating func refused(_ reason: Int32, _ will: MQTTMessage?) -> Bool {
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
    func taken(_ will: MQTTMessage) -> MQTTMessage {
        var will = will
        if isPlain { will.qos = 0 }
        if isUnretained { will.retain = false }
        return will
    }

    /// The loss, for people; `nil` where nothing is lost, or where the loss was reported before.
    mutating func note() -> String? {
        defer { untold = [] }
        return untold.isEmpty
            ? nil : untold.map { $0 == 155 ? Self.lostQuality : Self.lostRetention }.joined(separator: "; it ")
    }

    /// Asks for the whole will again after a lost connection: the broker may have been changed.
    mutating func reset() { (isPlain, isUnretained) = (false, false) }

    private static let lostQuality =
        "takes messages of quality 0 only: the will, its word for a bridge that died, goes with quality 0 (mosquitto: max_qos 1 "
        + "allows more)"
    private static let lostRetention =
        "keeps no retained messages: whoever subscribes later hears nothing until the next document, and the will reaches only "
        + "those who listen when the bridge dies; allow them (mosquitto: retain_available true)"
}

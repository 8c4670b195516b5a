/// The network thread's knowledge of one broker, which it tries first on the next connection to it.
struct BrokerKnowledge: Sendable {
    /// The version to ask for.
    var version: ProtocolVersion
    /// Connections in MQTT 5 that the broker closed without a word, one after the other.
    private var silentRefusals = 0
    /// Connections in MQTT 5 on which the broker said nothing at all, one after the other.
    var unanswered = 0
    /// The broker has accepted a connection in MQTT 5: it is silent for another reason than its age.
    private var hasSpoken5 = false
    /// Connections that ended soon after they were accepted, one after the other.
    var shortSessions = 0
    /// Accepted connections that ended without a word while a large message was on its way, one after the other.
    private var largeEnds = 0
    /// MQTT 3.1.1 is asked for because MQTT 5 had no answer, which a broker that hangs or starts does not give, either.
    var isOldBySilence = false
    /// The will in the form that the broker takes.
    var fallback = WillFallback()

    /// Seconds before which the end of a connection comes soon: two clients of one identifier throw each other off at their pace of
    /// reconnecting.
    private static let shortSeconds = 12.0

    /// CONNECTs in MQTT 5 without an answer after which MQTT 3.1.1 is tried once.
    private var patience: Int { hasSpoken5 ? 6 : 2 }
    /// Connections that end at a large message until that is taken for the cause.
    private static let mostLargeEnds = 2

    init(_ preference: ProtocolPreference) { version = preference == .v311 ? .v311 : .v5 }

    /// Notes that the broker said nothing on a connection in MQTT 5.
    ///
    /// - Returns: true where MQTT 3.1.1 should be tried.
    mutating func noteSilence() -> Bool {
        unanswered += 1
        isOldBySilence = unanswered.isMultiple(of: patience)
        return isOldBySilence
    }

    /// Notes that the broker hung up on a connection in MQTT 5 without a word.
    ///
    /// - Returns: true where MQTT 3.1.1 should be tried.
    mutating func noteHangUp() -> Bool {
        silentRefusals += 1
        isOldBySilence = silentRefusals.isMultiple(of: patience)
        return isOldBySilence
    }

    /// Notes that the broker answered CONNECT, with a refusal: the next attempt may use MQTT 5 again.
    mutating func noteRefused(_ preference: ProtocolPreference) {
        guard version == .v311, preference == .automatic else { return }
        version = .v5
        // Where MQTT 5 had no answer before, one more silence is enough.
        unanswered = min(unanswered, 1)
    }

    /// Notes the end of an accepted connection about which the broker said nothing.
    ///
    /// - Parameter owesLarge: a large message was not acknowledged.
    /// - Returns: true where the size of that message is probably the cause: a broker of MQTT 3.1.1 cannot say so.
    mutating func noteEnd(owesLarge: Bool) -> Bool {
        largeEnds = owesLarge ? largeEnds + 1 : 0
        return largeEnds >= Self.mostLargeEnds
    }

    /// Notes that the broker had accepted a connection that has ended.
    mutating func noteAccepted(after seconds: Double) {
        silentRefusals = 0
        if version == .v5 { (hasSpoken5, isOldBySilence) = (true, false) }
        // Where MQTT 5 had no answer before, one more silence is enough.
        unanswered = version == .v5 ? 0 : min(unanswered, 1)
        // A connection that ended before the broker answered proves nothing: the other client may have been that quick.
        shortSessions = seconds < Self.shortSeconds ? shortSessions + 1 : 0
    }
}

import MQTT
import CMosquitto
import Glibc

/// Sentences for people that say which broker, what happened and what to do. Pure.
struct FailureText {
    var configuration: LinkConfiguration
    /// Place of the broker in the configuration.
    var place = 0

    /// Number of connections that ended soon, one after the other, from which a second client of this identifier is likely.
    static let suspiciousSessions = 3

    private var broker: String { "broker \(configuration.brokers[place])" }
    /// The key that names brokers.
    private var key: String { configuration.others.isEmpty ? "mqtt.host" : "mqtt.hosts" }

    func unknownHost(_ reason: String) -> LinkFailure {
        failure(
            .connect, MOSQ_ERR_EAI.rawValue,
            "\(broker): the host name cannot be found (\(reason)): check \(key) and the name server")
    }

    func refused(_ number: Int32) -> LinkFailure {
        let text =
            switch number {
            case ECONNREFUSED: "nobody listens there: is the broker running, and is its port right?"
            case ETIMEDOUT: "no answer in time: check the address, the network and firewalls"
            default: "\(String(cString: strerror(number))): check the address and the network"
            }
        return failure(.connect, MOSQ_ERR_ERRNO.rawValue, "\(broker): \(text)")
    }

    /// The broker answered CONNECT with a refusal.
    func connack(_ reason: Int32) -> LinkFailure {
        let user = configuration.username.map { "user \"\($0)\"" } ?? "a client without user name"
        let text: String? =
            switch reason {
            case 4, 5, 134, 135: "refused \(user): check mqtt.username and the password"
            case 2, 133: "refused the client identifier \"\(configuration.clientID)\": set mqtt.clientId"
            default: ReasonText.connack[reason]
            }
        let sentence =
            text ?? "refused the connection for a reason that this bridge does not know: the broker's log tells why"
        var result = failure(
            .handshake, reason, "\(broker) \(sentence.replacing(ReasonText.key, with: key)) (reason \(reason))",
            isRetryable: ReasonText.isPassing(reason))
        result.pause = ReasonText.pause(connack: reason)
        return result
    }

    /// The broker did not answer in MQTT 5, so that the other version has its turn.
    var unanswered: LinkFailure {
        failure(
            .handshake, MOSQ_ERR_KEEPALIVE.rawValue,
            "\(broker) does not answer in MQTT 5: it hangs, or knows only an older MQTT: 3.1.1 is tried next (mqtt.protocol: 3.1.1 saves "
                + "this wait)")
    }

    /// The broker is left for another one.
    ///
    /// - Parameter isFirst: the other one is the first of the list, and listens again.
    func left(for other: BrokerAddress, isFirst: Bool) -> LinkFailure {
        failure(
            .session, MOSQ_ERR_SUCCESS.rawValue,
            isFirst
                ? "\(broker) is left, because the first broker of the list listens again"
                : "\(broker) is left, because the bridge is at \(other) now")
    }

    /// The broker is left for a moment, so that it publishes the will.
    var leftForWill: LinkFailure {
        failure(
            .session, MOSQ_ERR_SUCCESS.rawValue,
            "the connection was ended so that \(broker) sends its will, because the bridge has no connection")
    }

    /// The broker refused a subscription, or a message, on an accepted connection.
    func refusal(of request: PendingRequests.Request, _ reason: Int32) -> String {
        refusals.sentence(request, reason, name: String(cString: mosquitto_reason_string(reason)))
    }

    /// A message is larger than the broker said that it takes.
    func tooLarge(_ message: MQTTMessage, limit: Int?) -> String { refusals.tooLarge(message, limit: limit) }

    private var refusals: RefusalText { RefusalText(broker: broker, username: configuration.username) }

    /// The broker ended an accepted connection and said why (MQTT 5).
    func dismissed(_ reason: Int32) -> LinkFailure {
        let text =
            reason == 142
            ? "another client with the identifier \"\(configuration.clientID)\" took over: give each client, and each bridge, its own "
                + "mqtt.clientId"
            : ReasonText.disconnect[reason]
                ?? "ended the connection for a reason that this bridge does not know: its log tells why"
        var result = failure(
            .session, reason, "\(broker) \(text.replacing(ReasonText.key, with: key)) (reason \(reason))")
        result.pause = ReasonText.pause(disconnect: reason)
        return result
    }

    /// TLS failed; the library gives the reason in its log lines only.
    func tls(_ lines: [String]) -> LinkFailure {
        let all = lines.joined(separator: "; ")
        let text =
            if all.contains("host name verification failed") || all.contains("hostname mismatch") {
                "its certificate is not for this host name: \(key) must give a name in the certificate"
            } else if all.contains("certificate verify failed") {
                "its certificate is not trusted: check mqtt.tls.caFile, and the certificate's dates"
            } else if ["bad password read", "problems getting password", "interrupted or cancelled", "bad decrypt"]
                .contains(
                    where: { all.contains($0) })
            {
                "the key \(configuration.tls?.keyFile ?? "") has a passphrase, and nobody is there to type it: write one "
                    + "without ('openssl pkey -in KEY -out NEW', chmod 600), and name it in mqtt.tls.keyFile"
            } else if all.contains("Unable to load client key") {
                "the key \(configuration.tls?.keyFile ?? "") cannot be used: it must be a PEM key, and that of the certificate "
                    + "in mqtt.tls.certFile"
            } else if all.contains("alert") {
                "it refused this client's certificate: check mqtt.tls.certFile and keyFile (\(last(lines)))"
            } else if all.contains("wrong version number") || all.contains("packet length too long") {
                "it does not speak TLS on this port: check mqtt.port (usually 8883)"
            } else {
                "no TLS connection (\(last(lines)))"
            }
        return failure(.handshake, MOSQ_ERR_TLS.rawValue, "\(broker): \(text)", isRetryable: false)
    }

    /// The files named for TLS cannot be used.
    func tlsFiles(_ code: Int32) -> LinkFailure {
        let files = [
            configuration.tls?.caFile, configuration.tls?.certificateFile, configuration.tls?.keyFile,
        ].compactMap { $0 }
        return failure(
            .handshake, code,
            "cannot use the TLS files \(files.joined(separator: ", ")): they must exist, be readable and be PEM",
            isRetryable: false)
    }

    /// A file named for TLS cannot be read.
    func tlsFile(_ key: String, _ reason: String) -> LinkFailure {
        failure(.handshake, MOSQ_ERR_INVAL.rawValue, "mqtt.tls.\(key): \(reason)", isRetryable: false)
    }

    /// A message was too large to take. Its topic is not known, because the topic comes after the size.
    ///
    /// - Parameter leftOut: the filter that brought the message, and that is not asked for in the next hour.
    func tooLarge(_ size: Int, leftOut filter: String?) -> LinkFailure {
        let limit = configuration.maximumPacket
        let message = size > 0 ? "a message of \(size) bytes" : "a message"
        let consequence =
            filter.map { ". It came with the subscription to \($0), so nothing of that is heard for an hour" } ?? ""
        return failure(
            .session, MOSQ_ERR_OVERSIZE_PACKET.rawValue,
            "\(broker) sent \(message), where \(limit) are taken at most: its topic is unknown, and probably somebody who may write "
                + "to a topic of this bridge sent it\(consequence). Clear it if it is retained, let the broker refuse such messages "
                + "(mosquitto: message_size_limit), and see with 'bms-mqtt acl' who may write")
    }

    /// The library ended the connection.
    ///
    /// - Parameter shortSessions: number of connections, this one the last, that ended soon after they were accepted.
    func ended(_ code: Int32, wasAccepted: Bool, number: Int32, isTLS: Bool, lines: [String], shortSessions: Int = 0)
        -> LinkFailure
    {
        let operation: LinkFailure.Operation = wasAccepted ? .session : .handshake
        switch mosq_err_t(rawValue: code) {
        case MOSQ_ERR_TLS: return tls(lines)
        case MOSQ_ERR_KEEPALIVE:
            return failure(operation, code, "\(broker) does not answer: it hangs, or the network between is cut")
        case MOSQ_ERR_CONN_LOST where !wasAccepted && isTLS && Self.isHangUp(lines):
            return failure(
                operation, code,
                "\(broker) closed the connection without an answer: does it expect a certificate of this client (mqtt.tls.certFile), no TLS on "
                    + "this port, or MQTT 3.1.1 (mqtt.protocol: 3.1.1)?")
        case MOSQ_ERR_CONN_LOST where !wasAccepted && isTLS,
            MOSQ_ERR_CONN_LOST where lines.contains { $0.contains("OpenSSL") }:
            return tls(lines)
        case MOSQ_ERR_CONN_LOST where !wasAccepted:
            return failure(
                operation, code,
                "\(broker) closed the connection without an answer: does it expect TLS on this port, or an older MQTT?")
        case MOSQ_ERR_CONN_LOST, MOSQ_ERR_NO_CONN:
            let text = "\(broker) closed the connection"
            guard shortSessions >= Self.suspiciousSessions else {
                return failure(operation, code, "\(text): stopped, restarted, or network lost")
            }
            return failure(
                operation, code,
                "\(text) soon after it was made, \(shortSessions) times one after the other: probably a second client with the identifier "
                    + "\"\(configuration.clientID)\" takes over (give each client, and each bridge, its own mqtt.clientId), or a "
                    + "broker that closes where its access rules refuse a topic, as RabbitMQ does: its log tells why")
        case MOSQ_ERR_ERRNO:
            return failure(operation, code, "\(broker): \(String(cString: strerror(number)))")
        case MOSQ_ERR_EAI: return unknownHost("name server")
        default:
            return failure(operation, code, "\(broker): \(String(cString: mosquitto_strerror(code)))")
        }
    }

    /// The library's lines tell of no failure of TLS but the end of the connection.
    private static func isHangUp(_ lines: [String]) -> Bool { lines.allSatisfy { $0.contains("unexpected eof") } }

    /// The failure of a connection that ended, as others before, while a large message was on its way.
    static func atLarge(_ failure: LinkFailure) -> LinkFailure {
        var failure = failure
        failure.endsAtLarge = true
        failure.description +=
            "; again an announcement for Home Assistant was on its way: perhaps the broker takes no packet of that size (mosquitto: "
            + "max_packet_size), so it goes in pieces from now on"
        return failure
    }

    private func last(_ lines: [String]) -> String { lines.last ?? "no reason given" }

    private func failure(
        _ operation: LinkFailure.Operation, _ code: some BinaryInteger, _ text: String, isRetryable: Bool = true
    ) -> LinkFailure {
        LinkFailure(
            operation: operation, code: Int32(truncatingIfNeeded: code), description: text, isRetryable: isRetryable,
            retryIn: 0)
    }
}

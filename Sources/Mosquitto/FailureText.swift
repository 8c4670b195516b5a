import CMosquitto
import Glibc

/// Sentences for people: which broker, what happened, what to do. Pure.
struct FailureText {
    var configuration: LinkConfiguration

    private var broker: String { "broker \(configuration.address)" }

    func unknownHost(_ reason: String) -> LinkFailure {
        failure(
            .connect, MOSQ_ERR_EAI.rawValue,
            "\(broker): the host name cannot be found (\(reason)): check mqtt.host and the name server")
    }

    func refused(_ number: Int32) -> LinkFailure {
        let text =
            switch number {
            case ECONNREFUSED: "nobody listens there: is the broker running, and is mqtt.port right?"
            case ETIMEDOUT: "no answer in time: check the address, the network and firewalls"
            default: "\(String(cString: strerror(number))): check the address and the network"
            }
        return failure(.connect, MOSQ_ERR_ERRNO.rawValue, "\(broker): \(text)")
    }

    /// The broker answered CONNECT with a refusal.
    func connack(_ reason: Int32) -> LinkFailure {
        let user = configuration.username.map { "user \"\($0)\"" } ?? "a client without user name"
        let text =
            switch reason {
            case 4, 5, 134, 135: "refused \(user): check mqtt.username and the password (reason \(reason))"
            case 1, 132: "does not speak this version of MQTT: set mqtt.protocol (reason \(reason))"
            case 2, 133:
                "refused the client identifier \"\(configuration.clientID)\": set mqtt.clientId (reason \(reason))"
            case 3, 136, 137: "says that it is unavailable or busy (reason \(reason))"
            case 154:
                "keeps no retained messages, and availability needs them: allow them (mosquitto: retain_available true)"
            case 155:
                "takes messages of quality 0 only, and the will, its word for a bridge that died, needs 1: allow it "
                    + "(mosquitto: max_qos 1)"
            case 138: "has banned this client (reason \(reason))"
            case 151, 159: "has no room for another connection now (reason \(reason))"
            default: "refused the connection: \(reasonText(reason)) (reason \(reason))"
            }
        let canHeal = [3, 136, 137, 151, 159].contains(reason)
        return failure(.handshake, reason, "\(broker) \(text)", isRetryable: canHeal)
    }

    /// The broker refused a subscription, or a message, on an accepted connection.
    func refusal(of request: PendingRequests.Request, _ reason: Int32) -> String {
        let user = configuration.username.map { "user \"\($0)\"" } ?? "clients without user name"
        let cause = String(cString: mosquitto_reason_string(reason))
        let text = "(\(cause), reason \(reason)): its access rules must allow"
        return switch request {
        case .subscribe(let filter):
            "\(broker) refuses the subscription to \(filter), so nothing of it is heard \(text) \(user) to read it; "
                + "'bms-mqtt acl' prints the rules"
        case .publish(let topic):
            "\(broker) refuses messages on \(topic) \(text) \(user) to write it; 'bms-mqtt acl' prints the rules"
        }
    }

    /// TLS failed; the library tells the reason in its log lines only.
    func tls(_ lines: [String]) -> LinkFailure {
        let all = lines.joined(separator: "; ")
        let text =
            if all.contains("host name verification failed") || all.contains("hostname mismatch") {
                "its certificate is not for this host name: mqtt.host must be a name in the certificate"
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

    /// A file named for TLS is none that can be read.
    func tlsFile(_ key: String, _ reason: String) -> LinkFailure {
        failure(.handshake, MOSQ_ERR_INVAL.rawValue, "mqtt.tls.\(key): \(reason)", isRetryable: false)
    }

    /// The library ended the connection.
    func ended(_ code: Int32, wasAccepted: Bool, number: Int32, isTLS: Bool, lines: [String]) -> LinkFailure {
        let operation: LinkFailure.Operation = wasAccepted ? .session : .handshake
        switch mosq_err_t(rawValue: code) {
        case MOSQ_ERR_TLS: return tls(lines)
        case MOSQ_ERR_KEEPALIVE:
            return failure(operation, code, "\(broker) does not answer: it hangs, or the network between is cut")
        case MOSQ_ERR_CONN_LOST where !wasAccepted && isTLS,
            MOSQ_ERR_CONN_LOST where lines.contains { $0.contains("OpenSSL") }:
            return tls(lines)
        case MOSQ_ERR_CONN_LOST where !wasAccepted:
            return failure(
                operation, code,
                "\(broker) closed the connection without an answer: does it expect TLS on this port, or an older MQTT?")
        case MOSQ_ERR_CONN_LOST, MOSQ_ERR_NO_CONN:
            return failure(operation, code, "\(broker) closed the connection: stopped, restarted, or network lost")
        case MOSQ_ERR_ERRNO:
            return failure(operation, code, "\(broker): \(String(cString: strerror(number)))")
        case MOSQ_ERR_EAI: return unknownHost("name server")
        default:
            return failure(operation, code, "\(broker): \(String(cString: mosquitto_strerror(code)))")
        }
    }

    private func last(_ lines: [String]) -> String { lines.last ?? "no reason given" }

    private func reasonText(_ reason: Int32) -> String {
        reason >= 128
            ? String(cString: mosquitto_reason_string(reason)) : String(cString: mosquitto_connack_string(reason))
    }

    private func failure(
        _ operation: LinkFailure.Operation, _ code: some BinaryInteger, _ text: String, isRetryable: Bool = true
    ) -> LinkFailure {
        LinkFailure(
            operation: operation, code: Int32(truncatingIfNeeded: code), description: text, isRetryable: isRetryable,
            retryIn: 0)
    }
}

import MQTTBridge
import Mosquitto

/// The bridge's transport over libmosquitto: the only place that knows both.
struct MosquittoTransport: Transport {
    let link: MosquittoLink

    func publish(_ message: OutboundMessage) -> Bool { link.publish(OutgoingMessage(message)) == .queued }
}

extension OutgoingMessage {
    /// The same message in the client's words.
    init(_ message: OutboundMessage) {
        self.init(
            topic: message.topic, payload: message.payload, qos: message.qos, retain: message.retain,
            expiry: message.expiry, correlationData: message.correlationData,
            precedence: Precedence(message.precedence))
    }
}

extension OutgoingMessage.Precedence {
    init(_ precedence: OutboundMessage.Precedence) {
        switch precedence {
        case .first: self = .first
        case .early: self = .early
        case .large: self = .large
        case .normal: self = .normal
        }
    }
}

import MQTT
import CMosquitto
import Glibc

/// MQTT 5 properties of a message: freed with its owner, exactly once.
struct PropertyList: ~Copyable {
    /// The C list; `nil` while empty.
    private(set) var head: OpaquePointer?

    init() {}

    /// The properties of CONNECT.
    init(maximumPacket: Int?) {
        if let size = maximumPacket.flatMap({ UInt32(exactly: $0) }) {
            mosquitto_property_add_int32(&head, Int32(MQTT_PROP_MAXIMUM_PACKET_SIZE.rawValue), size)
        }
    }

    /// The properties of a message.
    init(_ message: MQTTMessage) {
        if let expiry = message.expiry, let seconds = UInt32(exactly: expiry) {
            mosquitto_property_add_int32(&head, Int32(MQTT_PROP_MESSAGE_EXPIRY_INTERVAL.rawValue), seconds)
        }
        if let data = message.correlationData, let length = UInt16(exactly: data.count) {
            mosquitto_property_add_binary(&head, Int32(MQTT_PROP_CORRELATION_DATA.rawValue), data, length)
        }
    }

    deinit { mosquitto_property_free_all_of(head) }

    /// Hands the list over to C, which frees it from now on.
    consuming func take() -> OpaquePointer? {
        let list = head
        discard self
        return list
    }
}

private func mosquitto_property_free_all_of(_ head: OpaquePointer?) {
    var list = head
    mosquitto_property_free_all(&list)
}

/// Reads the properties that the broker, or the sender of a message, has set.
enum IncomingProperties {
    /// Number of unacknowledged messages that the broker takes, by its answer to CONNECT; `nil` where the answer does not say.
    static func receiveMaximum(_ list: OpaquePointer?) -> Int? {
        var value: UInt16 = 0
        let identifier = Int32(MQTT_PROP_RECEIVE_MAXIMUM.rawValue)
        return mosquitto_property_read_int16(list, identifier, &value, false) == nil ? nil : Int(value)
    }

    /// Largest packet that the broker takes, in bytes, by its answer to CONNECT; `nil` where the answer does not say.
    static func maximumPacket(_ list: OpaquePointer?) -> Int? {
        var value: UInt32 = 0
        let identifier = Int32(MQTT_PROP_MAXIMUM_PACKET_SIZE.rawValue)
        return mosquitto_property_read_int32(list, identifier, &value, false) == nil ? nil : Int(value)
    }

    static func read(_ list: OpaquePointer?, into message: inout MQTTMessage) {
        guard list != nil else { return }
        var text: UnsafeMutablePointer<CChar>?
        if mosquitto_property_read_string(list, Int32(MQTT_PROP_RESPONSE_TOPIC.rawValue), &text, false) != nil,
            let text
        {
            // The library copies with malloc and has no free of its own.
            message.responseTopic = String(cString: text)
            free(text)
        }
        var data: UnsafeMutableRawPointer?
        var length: UInt16 = 0
        let identifier = Int32(MQTT_PROP_CORRELATION_DATA.rawValue)
        if mosquitto_property_read_binary(list, identifier, &data, &length, false) != nil, let data {
            message.correlationData = Array(UnsafeRawBufferPointer(start: data, count: Int(length)))
            free(data)
        }
        var expiry: UInt32 = 0
        if mosquitto_property_read_int32(list, Int32(MQTT_PROP_MESSAGE_EXPIRY_INTERVAL.rawValue), &expiry, false) != nil
        {
            message.expiry = Int(expiry)
        }
    }
}

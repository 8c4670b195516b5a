/// Bytes that no broker should send.
public struct HostilePacket: Sendable, CustomStringConvertible {
    /// Description of the fault.
    public var description: String
    /// Bytes of the packet.
    public var bytes: [UInt8]
    /// The packet replaces the answer to CONNECT; else it follows a good answer.
    public var isAnswer = false
    /// The client speaks MQTT 3.1.1.
    public var isOld = false

    init(_ description: String, _ bytes: [UInt8], isAnswer: Bool = false, isOld: Bool = false) {
        self.description = description
        self.bytes = bytes
        self.isAnswer = isAnswer
        self.isOld = isOld
    }

    /// The first bytes of a message of 256 MB.
    public static let hugeMessage = HostilePacket("a message of 256 MB", [0x30, 0xFF, 0xFF, 0xFF, 0x7F, 0, 1, 0x74])

    /// Packets of every kind.
    public static let all = answers + messages + acknowledgements + others + old

    private static func answer(_ description: String, _ bytes: [UInt8]) -> HostilePacket {
        HostilePacket(description, bytes, isAnswer: true)
    }

    private static let answers = [
        answer("CONNACK with an unknown property", [0x20, 5, 0, 0, 2, 0x7E, 1]),
        answer("CONNACK with properties beyond its end", [0x20, 5, 0, 0, 0x7F, 0x21, 0]),
        answer("CONNACK cut within a property", [0x20, 4, 0, 0, 3]),
        answer("CONNACK of no bytes", [0x20, 0]),
        answer("CONNACK of one byte", [0x20, 1, 0]),
        answer("CONNACK with a property twice", [0x20, 9, 0, 0, 6, 0x21, 0, 20, 0x21, 0, 20]),
        answer("CONNACK with a property of PUBLISH", [0x20, 5, 0, 0, 2, 0x01, 1]),
        answer("CONNACK with another client id", [0x20, 8, 0, 0, 5, 0x12, 0, 2, 0x78, 0x79]),
        answer("CONNACK with texts that are no UTF-8", [0x20, 11, 0, 0, 8, 0x26, 0, 1, 0xFF, 0, 2, 0xC0, 0x80]),
        answer("CONNACK with a length of five bytes", [0x20, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]),
        answer("CONNACK with an overlong property length", [0x20, 5, 0, 0, 0x82, 0x00, 0x21]),
        answer("CONNACK with Receive Maximum 0", [0x20, 6, 0, 0, 3, 0x21, 0, 0]),
        answer("CONNACK with Maximum Packet Size 0", [0x20, 8, 0, 0, 5, 0x27, 0, 0, 0, 0]),
        answer("CONNACK with quality 2 as Maximum QoS", [0x20, 5, 0, 0, 2, 0x24, 2]),
        answer("CONNACK with properties shorter than the first", [0x20, 6, 0, 0, 1, 0x21, 0, 20]),
        answer("CONNACK of 256 MB", [0x20, 0xFF, 0xFF, 0xFF, 0x7F, 0, 0]),
        answer("HTTP", Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)),
        answer("a packet of type 0", [0, 0, 0, 0, 0, 0]),
        answer("AUTH before CONNACK", [0xF0, 2, 0x18, 0]),
        answer("CONNECT", [0x10, 0]),
        answer("PUBLISH before CONNACK", [0x30, 5, 0, 1, 0x74, 0, 0x78]),
    ]

    private static let messages = [
        HostilePacket("PUBLISH with an unknown property", [0x30, 7, 0, 1, 0x74, 2, 0x7E, 1, 0x78]),
        HostilePacket("PUBLISH without a topic", [0x30, 4, 0, 0, 0, 0x78]),
        HostilePacket("PUBLISH with a topic beyond its end", [0x30, 4, 0xFF, 0xFF, 0x74, 0x78]),
        HostilePacket("PUBLISH with a topic that is no UTF-8", [0x30, 5, 0, 2, 0xC3, 0x28, 0]),
        HostilePacket("PUBLISH with a topic that holds NUL", [0x30, 5, 0, 2, 0x61, 0, 0]),
        HostilePacket("PUBLISH of quality 3", [0x36, 6, 0, 1, 0x74, 0, 1, 0]),
        HostilePacket("PUBLISH of quality 1 with identifier 0", [0x32, 6, 0, 1, 0x74, 0, 0, 0]),
        HostilePacket("PUBLISH without properties", [0x30, 3, 0, 1, 0x74]),
        HostilePacket("PUBLISH with properties beyond its end", [0x30, 8, 0, 1, 0x74, 0x7F, 0x26, 0, 0, 0x78]),
        HostilePacket("PUBLISH with a property of CONNACK", [0x30, 7, 0, 1, 0x74, 3, 0x21, 0, 20]),
        HostilePacket("PUBLISH with a topic alias alone", [0x30, 6, 0, 0, 3, 0x23, 0, 7]),
        HostilePacket("PUBLISH with 11,000 user properties", manyProperties),
        hugeMessage,
        HostilePacket(
            "messages of quality 2 that nobody releases, and releases of unknown ones",
            (1...2000).flatMap { identifier -> [UInt8] in
                let (high, low) = (UInt8(identifier >> 8), UInt8(identifier & 0xFF))
                return [0x34, 6, 0, 1, 0x74, high, low, 0, 0x62, 2, 0xFF, 0xFF]
            }),
    ]

    private static let acknowledgements = [
        HostilePacket("PUBACK for an unknown message", [0x40, 2, 0x30, 0x39]),
        HostilePacket("PUBACK for message 0", [0x40, 2, 0, 0]),
        HostilePacket("PUBACK with an unknown property", [0x40, 6, 0, 1, 0, 2, 0x7E, 1]),
        HostilePacket("PUBACK of one byte", [0x40, 1, 0]),
        HostilePacket("PUBREC for an unknown message", [0x50, 2, 0x30, 0x39]),
        HostilePacket("PUBREL with wrong flags", [0x60, 2, 0, 1]),
        HostilePacket("PUBCOMP for an unknown message", [0x70, 2, 0x30, 0x39]),
        HostilePacket("SUBACK without codes", [0x90, 3, 0, 1, 0]),
        HostilePacket("SUBACK for an unknown subscription", [0x90, 6, 0x30, 0x39, 0, 0, 0x80, 0x97]),
        HostilePacket("SUBACK with identifier 0", [0x90, 4, 0, 0, 0, 0]),
        HostilePacket("SUBACK with an unknown property", [0x90, 6, 0, 1, 2, 0x7E, 1, 0]),
        HostilePacket("UNSUBACK for nothing", [0xB0, 4, 0, 1, 0, 0]),
    ]

    private static let others = [
        HostilePacket("PINGREQ", [0xC0, 0]),
        HostilePacket("PINGREQ without end", (0..<20_000).flatMap { _ in [0xC0, 0] as [UInt8] }),
        HostilePacket("PINGRESP with a body", [0xD0, 2, 0, 0]),
        HostilePacket("DISCONNECT with an unknown reason", [0xE0, 2, 0xFF, 0]),
        HostilePacket("DISCONNECT of no bytes", [0xE0, 0]),
        HostilePacket("DISCONNECT with an unknown property", [0xE0, 4, 0x8E, 2, 0x7E, 1]),
        HostilePacket("AUTH", [0xF0, 6, 0x18, 4, 0x15, 0, 1, 0x61]),
        HostilePacket("a second CONNACK", [0x20, 3, 0, 0, 0]),
        HostilePacket("a second CONNACK that refuses", [0x20, 3, 0, 0x87, 0]),
        HostilePacket("SUBSCRIBE", [0x82, 6, 0, 1, 0, 0, 0, 0]),
        HostilePacket("packets of type 0", [UInt8](repeating: 0, count: 4096)),
        HostilePacket("0xFF without end", [UInt8](repeating: 0xFF, count: 4096)),
    ]

    private static let old = [
        HostilePacket("MQTT 3.1.1: CONNACK with properties", [0x20, 5, 0, 0, 2, 0x7E, 1], isAnswer: true, isOld: true),
        HostilePacket("MQTT 3.1.1: a message of 256 MB", hugeMessage.bytes, isOld: true),
        HostilePacket("MQTT 3.1.1: PUBACK with properties", [0x40, 6, 0, 1, 0, 2, 0x7E, 1], isOld: true),
        HostilePacket("MQTT 3.1.1: DISCONNECT", [0xE0, 0], isOld: true),
        HostilePacket(
            "MQTT 3.1.1: messages of quality 2 that nobody releases",
            (1...2000).flatMap { [0x34, 6, 0, 1, 0x74, UInt8($0 >> 8), UInt8($0 & 0xFF), 0x78] as [UInt8] }, isOld: true
        ),
    ]

    /// Properties of five bytes each: 26, an empty name, an empty value.
    private static var manyProperties: [UInt8] {
        let list = [UInt8](repeatElement([0x26, 0, 0, 0, 0] as [UInt8], count: 11_000).joined())
        return [0x30] + length(3 + length(list.count).count + list.count) + [0, 1, 0x74] + length(list.count) + list
    }

    private static func length(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = count
        repeat {
            bytes.append(UInt8(rest % 128) | (rest >= 128 ? 0x80 : 0))
            rest /= 128
        } while rest > 0
        return bytes
    }
}

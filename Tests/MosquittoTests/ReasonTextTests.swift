import Testing

@testable import Mosquitto

@Suite("Reasons of a broker")
struct ReasonTextTests {
    /// Every reason from 128 on that MQTT 5 (sections 2.4, 3.2.2.2 and 3.14.2.1) lets a broker give.
    private static let connack: [Int32] = [
        128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 140, 144, 149, 151, 153, 154, 155, 156, 157, 159,
    ]
    private static let disconnect: [Int32] = [
        128, 129, 130, 131, 135, 137, 139, 140, 141, 142, 143, 144, 147, 148, 149, 150, 151, 152, 153, 154, 155, 156,
        157, 158, 159, 160, 161, 162,
    ]

    private func texts(brokers: Int = 1) -> FailureText {
        var configuration = LinkConfiguration(host: "a", clientID: "bridge")
        configuration.others = (1..<brokers).map { BrokerAddress(host: "b", port: $0) }
        return FailureText(configuration: configuration)
    }

    @Test("Every reason of MQTT 5 has a sentence of its own, with its number and without a mark to fill in")
    func sentences() {
        let refused = Self.connack.map { texts().connack($0).description }
        let ended = Self.disconnect.map { texts().dismissed($0).description }
        for (reason, text) in zip(Self.connack + Self.disconnect, refused + ended) {
            #expect(text.hasSuffix("(reason \(reason))") && text.hasPrefix("broker a:1883 "), "\(text)")
            #expect(!text.contains("{") && !text.contains("does not know: the broker"), "\(text)")
        }
        #expect(texts().connack(200).description.contains("a reason that this bridge does not know"))
        #expect(texts().dismissed(200).description.contains("a reason that this bridge does not know"))
    }

    @Test("Where the file has a list, the remedy names the list")
    func key() {
        #expect(texts().connack(157).description.contains("in mqtt.host (reason"))
        #expect(texts(brokers: 2).connack(157).description.contains("in mqtt.hosts (reason"))
        #expect(texts(brokers: 2).dismissed(156).description.contains("in mqtt.hosts (reason"))
        #expect(texts(brokers: 2).unknownHost("x").description.contains("check mqtt.hosts"))
    }

    @Test("Where only a person can help, the pause is the longest; a broker that is busy is tried again soon")
    func pauses() {
        for reason: Int32 in [1, 132, 133, 134, 135, 138, 140, 144, 149, 153, 154, 155, 157, 159] {
            #expect(texts().connack(reason).pause == 8, "\(reason)")
        }
        for reason: Int32 in [3, 128, 136, 137, 151] { #expect(texts().connack(reason).pause == 0, "\(reason)") }
        for reason: Int32 in [140, 150, 156, 157, 159] { #expect(texts().dismissed(reason).pause == 8, "\(reason)") }
        for reason: Int32 in [139, 141, 142, 147, 160] { #expect(texts().dismissed(reason).pause == 0, "\(reason)") }
    }
}

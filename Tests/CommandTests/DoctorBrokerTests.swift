import Testing

@testable import Mosquitto
@testable import bms_mqtt

@Suite("doctor and brokers")
struct DoctorBrokerTests: ConfigurationReading {
    @Test("doctor asks first for what the bridge's own rules allow, and the packs' topics are among that")
    func doctorFilters() throws {
        let filters = DoctorCommand.filters(try load("gx: { tree: false }\n\(Self.pack)"))
        #expect(filters.granted.starts(with: ["bms/bridge/status", "bms/garage/status", "bms/garage/limits"]))
        #expect(filters.granted.contains("homeassistant/status"))
        #expect(filters.others == ["N/+/system/0/Serial", "R/+/keepalive", "$SYS/broker/version"])
        let tree = DoctorCommand.filters(try load("gx: { tree: true, portalId: c0619ab3f2e1 }\n\(Self.pack)"))
        #expect(tree.granted.contains("N/+/system/0/Serial") && tree.granted.contains("R/c0619ab3f2e1/keepalive"))
        #expect(tree.others == ["$SYS/broker/version"])
    }

    @Test("The bridge is where its limits are: a broker may have kept an old 'online' through a power cut")
    func home() throws {
        let configuration = try load("mqtt: { hosts: [a, b, c] }\n\(Self.pack)")
        func probe(_ messages: [String: String]) -> BrokerProbe {
            var probe = BrokerProbe()
            (probe.version, probe.messages) = (.v5, messages)
            return probe
        }
        let online = ["bms/bridge/status": "online"]
        let alive = online.merging(["bms/garage/status": "online", "bms/garage/limits": "{}"]) { $1 }
        #expect(BrokerCheck.home(configuration, [probe([:]), probe(online), probe(alive)]) == 2)
        #expect(BrokerCheck.home(configuration, [probe([:]), probe(online), probe([:])]) == 1)
        #expect(BrokerCheck.home(configuration, [probe([:]), probe(["bms/bridge/status": "offline"])]) == nil)
        let findings = BrokerCheck.findings(configuration, [probe([:]), probe(online), probe(alive)])
        #expect(findings.contains { $0.text.hasPrefix("it is at c:1883") })
        #expect(findings.contains { $0.text == "online, and so is every battery" })
    }

    @Test(
        "A connection that a broker ended after it had accepted it is reported, and no pack is called silent because of it"
    )
    func cutOff() throws {
        var probe = BrokerProbe()
        (probe.version, probe.messages) = (.v311, ["bms/bridge/status": "online"])
        probe.failure = FailureText(configuration: LinkConfiguration(host: "a", clientID: "x")).dismissed(135)
        let findings = BrokerCheck.findings(try load(Self.pack), [probe])
        #expect(findings.contains { $0.level == .warning && $0.text.hasPrefix("it ended the connection again") })
        #expect(findings.contains { $0.text == "online; nothing was heard of garage until the connection ended" })
        #expect(!findings.contains { $0.text.contains("without data of") })
    }

    @Test("A broker that hangs up on MQTT 5 is looked at until MQTT 3.1.1 has had its turn")
    func hangUps() {
        let texts = FailureText(configuration: LinkConfiguration(host: "a", clientID: "x"))
        let hangUp = texts.ended(7, wasAccepted: false, number: 0, isTLS: false, lines: [])
        var probe = BrokerProbe()
        var ends: [Bool] = []
        for event: LinkEvent in [.disconnected(hangUp), .connected(.v311, note: nil, place: 0)] {
            ends.append(probe.take(event))
        }
        #expect(ends == [false, false] && probe.version == .v311 && probe.failure == nil)
        var refused = BrokerProbe()
        ends = []
        for failure in [hangUp, hangUp, texts.connack(135)] { ends.append(refused.take(.disconnected(failure))) }
        #expect(ends == [false, true, true])
    }
}

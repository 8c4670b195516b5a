import BatteryEngine
import LinuxIO
import MQTTBridge
import Mosquitto
import TestSupport
import Testing
import Viewer

@testable import bms_mqtt

@Suite("A list of brokers in the configuration")
struct BrokerListTests: ConfigurationReading {
    private func brokers(_ line: String) throws -> [String] {
        try load("mqtt: { \(line) }\n\(Self.pack)").plan.link.brokers.map(\.description)
    }

    @Test("The order is that of the file; a broker without a port takes that of `port`, or the usual one")
    func order() throws {
        let list = "hosts: [broker-a, \"192.0.2.7:1884\", \"[2001:db8::7]:1885\", \"2001:db8::8\"]"
        #expect(
            try brokers(list) == ["broker-a:1883", "192.0.2.7:1884", "[2001:db8::7]:1885", "[2001:db8::8]:1883"])
        #expect(try brokers("hosts: [a, b:1884], port: 2000") == ["a:2000", "b:1884"])
        #expect(try brokers("hosts: [a, b:1884], tls: true") == ["a:8883", "b:1884"])
        #expect(try load("mqtt:\n  hosts:\n    - a\n    - b:1884\n\(Self.pack)").plan.link.brokers.count == 2)
    }

    @Test("host and port go on to work, and are a list of one")
    func single() throws {
        #expect(try brokers("host: a, port: 1884") == ["a:1884"])
        #expect(try load(Self.pack).plan.link.brokers.map(\.description) == ["localhost:1883"])
    }

    @Test(
        "A list that cannot be used is refused with its remedy",
        arguments: [
            ("hosts: broker-a", "expected a list of 1 to 16 brokers like [broker-a,"), ("hosts: []", "expected a list"),
            ("hosts: [a, 'mqtt://b']", "leave 'mqtt://' out"), ("hosts: [a, 'b:99999']", "found 'b:99999'"),
            ("hosts: [a, [b]]", "expected a name or an address"), ("hosts: [a, '']", "expected a broker like"),
            ("hosts: [a, b, a]", "a:1883 is there twice: name each broker once"),
            ("hosts: [a, 'a:1883']", "a:1883 is there twice"),
        ])
    func refused(_ line: String, _ words: String) {
        let lines = faults("mqtt: { \(line) }\n\(Self.pack)")
        #expect(lines.count == 1 && lines[0].contains("mqtt.hosts: ") && lines[0].contains(words), "\(lines)")
    }

    @Test("host and hosts in one file are a fault that names both and the remedy")
    func both() {
        let lines = faults("mqtt: { host: a, hosts: [b, c] }\n\(Self.pack)")
        #expect(
            lines == [
                "c.yaml:1:15: mqtt.host and mqtt.hosts are both given: write the broker of mqtt.host into the list of mqtt.hosts, and take "
                    + "mqtt.host out"
            ])
    }

    @Test("A password in plain text is warned of for each broker elsewhere, and for those alone")
    func plainPassword() throws {
        let file = "mqtt: { hosts: [localhost, b, c], username: u, password: p }\n\(Self.pack)"
        #expect(try load(file).notices.contains { $0.contains("goes to b:1883, c:1883 in plain text") })
    }

    @Test("The page gets the whole list")
    func page() throws {
        var plan = WebPlan()
        plan.others = [WebPlan.Broker(host: "b", port: 1884), WebPlan.Broker(host: "2001:db8::7", port: 1883)]
        #expect(WebPlan(text: plan.text) == plan)
    }
}

@Suite("The guards of relays and the broker of the bridge")
struct GuardPlacesTests {
    /// What was told and steered, in order.
    private typealias Record = Journal<String>

    private func places(_ record: Record) -> (GuardPlaces, [RelayGuard]) {
        var pack = PackOptions(id: "garage")
        pack.relays = ["a", "b"].map { name in
            var relay = RelayOptions(name: name)
            relay.commandTopic = "cmnd/\(name)/POWER"
            return relay
        }
        let guards = Bridge(BridgeOptions(), packs: [pack]).guards
        let places = GuardPlaces(guards) {
            record.add("\($0.relay) \($1 ? "up" : "down")")
        } steer: {
            record.add("\($0) to \($1)")
        } sendWill: {
            record.add("will of \($0)")
        }
        return (places, guards)
    }

    @Test("With one broker, each connection counts as it comes and goes")
    func single() {
        let record = Record()
        let (places, guards) = places(record)
        places.guardConnected(guards[0], at: 0)
        places.bridgeConnected(at: 0)
        places.guardConnected(guards[1], at: 0)
        places.guardDisconnected(guards[0])
        places.bridgeConnected(at: 0)
        #expect(record.all == ["a up", "a up", "0 to 0", "1 to 0", "b up", "a down"])
    }

    @Test("A connection at another broker than the bridge's does not count, from before the bridge speaks there")
    func moved() {
        let record = Record()
        let (places, guards) = places(record)
        places.bridgeConnected(at: 0)
        for relayGuard in guards { places.guardConnected(relayGuard, at: 0) }
        record.forget()
        places.bridgeConnected(at: 1)
        #expect(record.all == ["a down", "0 to 1", "b down", "1 to 1"])
        record.forget()
        // A late word of the old broker.
        places.guardConnected(guards[0], at: 0)
        places.guardDisconnected(guards[0])
        places.guardConnected(guards[0], at: 1)
        #expect(record.all == ["a down", "a down", "a up"])
    }

    @Test("Where the bridge alone loses its connection for fifteen seconds, the wills open the relays, once")
    func alone() {
        let record = Record()
        let (places, guards) = places(record)
        places.bridgeDisconnected(at: 0)
        places.step(at: 100)
        places.bridgeConnected(at: 0)
        places.guardConnected(guards[1], at: 0)
        record.forget()
        places.bridgeDisconnected(at: 200)
        places.step(at: 214)
        places.bridgeConnected(at: 0)
        places.step(at: 300)
        #expect(record.all.isEmpty, "it came back in time")
        places.bridgeDisconnected(at: 400)
        // Attempts in vain are no new loss.
        places.bridgeDisconnected(at: 408)
        places.step(at: 415)
        places.step(at: 416)
        places.bridgeDisconnected(at: 420)
        places.step(at: 500)
        #expect(record.all == ["will of 1"])
        // The other guard had no connection: its broker may have been killed, and has sent no will then.
        record.forget()
        for relayGuard in guards { places.guardConnected(relayGuard, at: 0) }
        places.guardConnected(guards[0], at: 0)
        #expect(record.all.filter { $0.hasPrefix("will") } == ["will of 0"])
        record.forget()
        places.bridgeDisconnected(at: 600)
        places.guardDisconnected(guards[0])
        places.step(at: 700)
        places.bridgeConnected(at: 0)
        places.guardConnected(guards[0], at: 0)
        #expect(!record.all.contains("will of 0"), "the bridge is back")
    }

    @Test("A return to a first broker that does not answer opens no relay")
    func returning() {
        // Two seconds are for the way back and for the clock's step.
        #expect(GuardPlaces.longestAbsence >= MosquittoLink.longestReturn + 2)
    }
}

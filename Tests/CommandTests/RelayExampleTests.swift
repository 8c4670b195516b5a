import MQTT
import BMSCore
import SmartBMS
import JSON
import BatteryEngine
import MQTTBridge
import TestSupport
import Testing

@testable import bms_mqtt

@Suite("examples/relays")
struct RelayExampleTests {
    /// Answers of each device to the command that closes it, and to the command that opens it, by its vendor's page.
    private static let answers: [(file: String, closed: String, open: String)] = [
        ("tasmota", "ON", "OFF"),
        (
            "shelly-gen2", #"{"id":0,"source":"MQTT","output":true,"apower":3.2,"temperature":{"tC":41.2,"tF":106.2}}"#,
            #"{"id":0,"source":"timer","output":false,"apower":0.0}"#
        ),
        (
            "zigbee2mqtt", #"{"linkquality":120,"power_on_behavior":"off","state":"ON"}"#,
            #"{"linkquality":118,"power_on_behavior":"off","state":"OFF"}"#
        ),
        ("victron-gx", #"{"value":1}"#, #"{"value":0}"#),
    ]

    @Test("each example is valid, and understands the answers of its device", arguments: answers)
    func understood(file: String, closed: String, open: String) throws {
        let path = Repository.path("examples/relays/\(file).yaml")
        let configuration = try ConfigurationFile.load(path)
        let pack = configuration.plan.packs[0].options
        let relay = try #require(pack.relays.first)
        var bridge = Bridge(configuration.plan.bridge, packs: [pack])
        func moment(_ milliseconds: Int64) -> Moment {
            Moment(monotonic: Timestamp(milliseconds: milliseconds), wall: 1_795_000_000_000 + milliseconds)
        }
        _ = bridge.connected(canExpire: true, at: moment(0))
        for (index, (payload, expected)) in [(closed, true), (open, false)].enumerated() {
            let outbox = bridge.receive(
                MQTTMessage(relay.stateTopic ?? "", Array(payload.utf8)), at: moment(Int64(index + 1) * 1000))
            let document = outbox.messages.last { $0.topic == "bms/garage/relays" }
            let state = JSONValue(parsing: document?.payload ?? [])
            #expect(state?[relay.name]?["readBack"] == .flag(expected))
            #expect(state?[relay.name]?["faults"] == .number(0))
        }
        #expect(bridge.subscriptions.map(\.filter).contains(relay.stateTopic ?? ""))
    }
}

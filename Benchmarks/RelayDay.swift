import MQTT
import BMSCore
import SmartBMS
import BatteryEngine
import MQTTBridge
import PackSimulator
import Rehearsal

/// Every transition of a relay with the function `chargeAllowed`, with its cause, over a simulated day and over each fault. The device
/// answers each command, and a charger behind it gets no current while it is open.
enum RelayDay {
    static func run() {
        for (scenario, minutes) in [(Scenario.day, 1440), (.cold, 360), (.fault, 8), (.silence, 6)] {
            for line in transitions(scenario, seconds: minutes * 60) { print("| \(scenario.rawValue) | \(line) |") }
        }
    }

    private static func transitions(_ scenario: Scenario, seconds: Int) -> [String] {
        var relay = RelayOptions(name: "charger")
        relay.commandTopic = "cmnd/charger/POWER"
        relay.stateTopic = "stat/charger/POWER"
        var options = PackOptions(id: "garage")
        options.relays = [relay]
        var pack = Rehearsal(BridgeOptions(), options, scenario)
        var isClosed = false
        var lines: [String] = []
        func take(_ outbox: Outbox) {
            for message in outbox.messages where message.topic == relay.commandTopic {
                isClosed = message.payload == Array("ON".utf8)
                _ = pack.bridge.receive(MQTTMessage(relay.stateTopic ?? "", message.payload), at: pack.now)
            }
            for notice in outbox.notices where notice.text.contains("relay") {
                let time = pack.simulator.truth.timeOfDay
                let clock = [time / 3600, time / 60 % 60, time % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
                lines.append("\(clock.joined(separator: ":")) \(notice.text)")
            }
        }
        take(pack.bridge.connected(canExpire: true, at: pack.now))
        for relayGuard in pack.bridge.guards {
            take(pack.bridge.guardChanged(relayGuard, isUp: true, at: pack.now))
        }
        for _ in 1...seconds { take(pack.step(mayCharge: isClosed)) }
        return lines
    }
}

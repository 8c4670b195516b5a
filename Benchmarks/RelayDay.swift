import BMSCore
import ChargeLimits
import MQTTBridge
import PackSimulator

/// A relay with the function `chargeAllowed` over a simulated day and over each fault: every transition with its cause. The
/// device answers each command, and a charger behind it gets no current while it is open.
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
        var pack = PackOptions(id: "garage")
        pack.relays = [relay]
        var bridge = Bridge(BridgeOptions(), packs: [pack])
        var simulator = Simulator(scenario: scenario)
        var isClosed = false
        var lines: [String] = []
        func moment(_ second: Int) -> Moment {
            Moment(monotonic: Timestamp(milliseconds: Int64(second) * 1000), wall: Int64(second) * 1000)
        }
        func take(_ outbox: Outbox, _ second: Int) {
            for message in outbox.messages where message.topic == relay.commandTopic {
                isClosed = message.payload == Array("ON".utf8)
                _ = bridge.message(
                    topic: relay.stateTopic ?? "", payload: message.payload, isRetained: false, at: moment(second))
            }
            for notice in outbox.notices where notice.text.contains("relay") {
                let time = simulator.truth.timeOfDay
                let clock = [time / 3600, time / 60 % 60, time % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
                lines.append("\(clock.joined(separator: ":")) \(notice.text)")
            }
        }
        take(bridge.connected(canExpire: true, at: moment(0)), 0)
        for relayGuard in bridge.guards { take(bridge.guardChanged(relayGuard, isUp: true, at: moment(0)), 0) }
        for second in 1...seconds {
            let limits = bridge.limits(ofPack: 0)
            let given = GivenLimits(cvl: limits?.cvl, ccl: isClosed ? limits?.ccl : .zero, dcl: limits?.dcl)
            if let frame = simulator.step(limits: given) {
                take(bridge.receive(frame, pack: 0, at: moment(second)), second)
            } else {
                take(bridge.tick(at: moment(second)), second)
            }
        }
        return lines
    }
}

import MQTT
import BMSCore
import SmartBMS
import ChargeLimits
import BatteryEngine
import MQTTBridge
import TestSupport

/// A million random and adversarial commands with some frames in between: no limit may ever leave the file's caps. This is not a benchmark,
/// but it is too long for a test; the test suite has a short run of the same kind.
enum CommandFuzz {
    private static let settings = [
        "maxChargeCurrent", "maxDischargeCurrent", "maxChargeVoltage", "chargeEnabled", "dischargeEnabled",
        "chargeMode",
        "fullChargeInterval", "reserveSoc", "customName", "clearPeaks", "republish", "purgeDiscovery", "", "#", "+",
        "Vmax",
        "../state", "maxChargeCurrent/x",
    ]
    private static let relays = ["relay/pump", "relay/charger", "relay/none"]
    private static let payloads = [
        "0", "1", "-1", "54.2", "100", "100.5", "999999999", "99999999999999999999", "1e9", "nan", "-inf", "ON", "OFF",
        "float",
        "full", "auto", "on", "off", "{}", "[", #"{"value":1e308}"#, #"{"value":100000}"#,
        #"{"value":80,"value":90000}"#,
        #"{"value":null}"#, #"{"value":"ON"}"#, "\u{0}", "🔋", " 80 ", "",
    ]

    static func run() {
        var pack = PackOptions(id: "garage")
        pack.limits.maximumChargeCurrent = Milliamperes(60_000)
        pack.limits.maximumDischargeCurrent = Milliamperes(80_000)
        pack.limits.maximumChargeVoltage = Millivolts(54_500)
        for (name, function) in [("charger", RelayOptions.Function.chargeAllowed), ("pump", .manual)] {
            var relay = RelayOptions(name: name)
            (relay.function, relay.commandTopic, relay.stateTopic, relay.dwell) = (
                function, "to/\(name)", "from/\(name)", 0
            )
            pack.relays.append(relay)
        }
        var bridge = Bridge(BridgeOptions(), packs: [pack])
        let start = Moment(monotonic: Timestamp(milliseconds: 0), wall: 0)
        _ = bridge.connected(canExpire: true, at: start)
        for relayGuard in bridge.guards { _ = bridge.guardChanged(relayGuard, isUp: true, at: start) }
        let frames = SampleFrames.make(1000).map(FrameEncoder.encode)
        var random = SeededRandom(1)
        var violations = 0
        var answers = 0
        var closings = 0
        var wrongClosings = 0
        let count = 1_000_000
        for round in 0..<count {
            let now = Moment(
                monotonic: Timestamp(milliseconds: Int64(round) * 220), wall: 1_795_000_000_000 + Int64(round) * 220)
            // Every hundredth stretch is silent until its data is stale.
            let isSilent = round / 100 % 100 == 99
            var sent: [MQTTMessage] = []
            if round.isMultiple(of: 4), !isSilent {
                sent += bridge.receive(frames[round / 4 % frames.count], pack: 0, at: now).messages
            }
            let payload =
                random.oneIn(3)
                ? random.bytes(Int.random(in: 0...300, using: &random))
                : Array((payloads.randomElement(using: &random) ?? "").utf8)
            let outbox = bridge.receive(
                MQTTMessage(
                    random.oneIn(20)
                        ? "from/charger" : "bms/garage/set/\((settings + relays).randomElement(using: &random) ?? "")",
                    payload, retain: random.oneIn(20), responseTopic: random.oneIn(10) ? "bms/garage/set/x" : nil),
                at: now)
            answers += outbox.answers.count
            sent += outbox.messages
            for topic in ["to/charger", "to/pump"] {
                // A frame may close a relay that the next command opens.
                let message = sent.last { $0.topic == topic }
                guard message?.payload == Array("ON".utf8) else { continue }
                closings += 1
                let limits = bridge.limits(of: 0)
                let current = topic == "to/charger" ? limits?.ccl : limits?.dcl
                if isSilent && round % 100 > 60 || current == .zero { wrongClosings += 1 }
            }
            guard let limits = bridge.limits(of: 0) else { continue }
            let isInside =
                limits.cvl <= Millivolts(54_500) && limits.ccl <= Milliamperes(60_000)
                && limits.dcl <= Milliamperes(80_000) && limits.ccl >= .zero && limits.dcl >= .zero
            if !isInside { violations += 1 }
        }
        print("| \(count) commands, \(answers) answered: limits outside the file's caps | \(violations) |")
        print("| of \(closings) commands that close a relay: without permission or fresh data | \(wrongClosings) |")
    }
}

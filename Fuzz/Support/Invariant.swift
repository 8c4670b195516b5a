public import MQTT
import BMSCore
import SmartBMS
public import ChargeLimits
import BatteryEngine
import MQTTBridge

/// Rules that hold after any input. A broken rule ends the process, which libFuzzer treats as a crash and whose input it keeps.
public enum Invariant {
    /// Ends the process unless the rule holds.
    public static func hold(_ isHeld: Bool, _ rule: @autoclosure () -> String) {
        if !isHeld { fatalError("invariant: \(rule())") }
    }

    /// Checks that no limit is negative or above the owner's caps.
    public static func check(_ limits: Limits?, _ caps: LimitConfiguration) {
        guard let limits else { return }
        hold(limits.ccl >= .zero && limits.dcl >= .zero && limits.cvl >= .zero, "a negative limit: \(limits)")
        if let cap = caps.maximumChargeVoltage { hold(limits.cvl <= cap, "CVL \(limits.cvl) above the file's \(cap)") }
        if let cap = caps.maximumChargeCurrent { hold(limits.ccl <= cap, "CCL \(limits.ccl) above the file's \(cap)") }
        if let cap = caps.maximumDischargeCurrent {
            hold(limits.dcl <= cap, "DCL \(limits.dcl) above the file's \(cap)")
        }
    }

    /// Checks that any broker accepts a message: a bounded topic without wildcards, a bounded payload, and valid JSON if it begins like
    /// JSON.
    public static func check(_ message: MQTTMessage) {
        let topic = message.topic
        hold(!topic.isEmpty && topic.utf8.count <= 65_535, "a topic of \(topic.utf8.count) bytes")
        hold(
            !topic.utf8.contains { $0 == 0 || $0 == UInt8(ascii: "#") || $0 == UInt8(ascii: "+") }, "wildcard: \(topic)"
        )
        hold(message.payload.count <= 1 << 20, "\(message.payload.count) bytes on \(topic)")
        hold((0...1).contains(message.qos), "QoS \(message.qos) on \(topic)")
        if message.payload.first == UInt8(ascii: "{") { checkJSON(message.payload, topic) }
    }

    /// Checks that bytes are JSON by its grammar, in valid UTF-8, without a member twice.
    public static func checkJSON(_ bytes: [UInt8], _ place: String) {
        hold(JSONGrammar.isValid(bytes), "no JSON on \(place): \(String(decoding: bytes.prefix(400), as: UTF8.self))")
    }
}

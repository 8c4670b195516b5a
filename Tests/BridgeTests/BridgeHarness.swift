import MQTT
import BMSCore
import SmartBMS
import GoldenSupport
import JSON
import TestSupport
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

/// A bridge with one pack, a manual clock, and everything it sent.
struct BridgeHarness {
    var bridge: Bridge
    var milliseconds: Int64 = 1_000_000
    /// Wall time of its own, so that it can jump.
    var wall: Int64 = 1_795_000_000_250
    var sent: [MQTTMessage] = []
    var notices: [Notice] = []
    var saves: Set<String> = []
    var answers: [CommandAnswer] = []
    /// The newest report of the pack.
    private(set) var report: BatteryReport?
    /// Recording of all messages; `nil`: none.
    var recording: MessageRecording?

    init(
        _ change: (inout BridgeOptions, inout PackOptions) -> Void = { _, _ in }, isConnected: Bool = true,
        state: PackState = PackState(), recording: MessageRecording? = nil
    ) {
        self.recording = recording
        var options = BridgeOptions()
        var pack = PackOptions(id: "garage", name: "Garage battery")
        change(&options, &pack)
        bridge = Bridge(options, packs: [pack], states: ["garage": state])
        if isConnected { connect() }
    }

    var now: Moment { Moment(monotonic: Timestamp(milliseconds: milliseconds), wall: wall) }

    mutating func connect(canExpire: Bool = true, takesLarge: Bool? = true) {
        take(bridge.connected(canExpire: canExpire, takesLarge: takesLarge, at: now))
    }

    mutating func pass(_ seconds: Double) {
        milliseconds += Int64(seconds * 1000)
        wall += Int64(seconds * 1000)
    }

    /// Delivers a frame now.
    mutating func frame(_ change: (inout Frame) -> Void = { _ in }) {
        take(bridge.receive(FrameFixture.bytes(change), pack: 0, at: now))
    }

    /// Delivers any bytes now.
    mutating func bytes(_ bytes: [UInt8]) { take(bridge.receive(bytes, pack: 0, at: now)) }

    mutating func tick() { take(bridge.tick(at: now)) }

    /// Delivers a frame each second.
    mutating func frames(_ count: Int, _ change: (inout Frame) -> Void = { _ in }) {
        for _ in 0..<count {
            pass(1)
            frame(change)
        }
    }

    /// Passes a silence, with a tick each half second.
    mutating func silence(_ seconds: Int) {
        for _ in 0..<(seconds * 2) {
            pass(0.5)
            tick()
        }
    }

    mutating func birth() {
        take(
            bridge.receive(MQTTMessage("homeassistant/status", Array("online".utf8)), at: now))
    }

    /// Connects or disconnects the connections that guard the relays.
    mutating func guards(isUp: Bool) {
        for relayGuard in bridge.guards { take(bridge.guardChanged(relayGuard, isUp: isUp, at: now)) }
    }

    /// Delivers a message on any topic.
    mutating func message(_ topic: String, _ payload: String, isRetained: Bool = false) {
        message(topic, Array(payload.utf8), isRetained: isRetained)
    }

    mutating func message(_ topic: String, _ payload: [UInt8], isRetained: Bool = false) {
        take(bridge.receive(MQTTMessage(topic, payload, retain: isRetained), at: now))
    }

    /// Delivers a command now.
    ///
    /// - Returns: the answer.
    @discardableResult
    mutating func command(
        _ setting: String, _ payload: [UInt8], retained: Bool = false, pack: String = "garage",
        response: String? = nil, correlation: [UInt8]? = nil
    ) -> [MQTTMessage] {
        answers(
            MQTTMessage(
                "bms/\(pack)/set/\(setting)", payload, retain: retained, responseTopic: response,
                correlationData: correlation))
    }

    /// Delivers a message now.
    ///
    /// - Returns: the answers to the commands in it.
    mutating func answers(_ message: MQTTMessage) -> [MQTTMessage] {
        let outbox = bridge.receive(message, at: now)
        take(outbox)
        return outbox.answers.flatMap { $0.messages(failure: nil) }
    }

    @discardableResult
    mutating func command(_ setting: String, _ payload: String) -> [MQTTMessage] {
        command(setting, Array(payload.utf8))
    }

    mutating func forget() { sent = [] }

    mutating func take(_ outbox: Outbox) {
        recording?.add(outbox, at: milliseconds)
        report = outbox.updates.last { $0.battery == 0 }?.report ?? report
        sent += outbox.messages
        notices += outbox.notices
        saves.formUnion(outbox.saves)
        answers += outbox.answers
    }

    /// Messages on a topic of the pack.
    func on(_ name: String) -> [MQTTMessage] { sent.filter { $0.topic == "bms/garage/\(name)" } }

    /// The newest document on a topic.
    func document(_ name: String) throws -> Document { try Document(on(name).last?.payload ?? []) }
}

/// A JSON document whose values are read by path.
struct Document {
    private let value: JSONValue

    init(_ bytes: [UInt8]) throws { value = try #require(JSONValue(parsing: bytes)) }

    subscript(path: String) -> JSONValue? { value[path] }

    func number(_ path: String) -> Double? { value[path]?.number }
    func text(_ path: String) -> String? { value[path]?.text }
    func flag(_ path: String) -> Bool? { value[path]?.flag }
    func isNull(_ path: String) -> Bool { value[path] == .null }

    func object(_ path: String) -> [String: JSONValue] {
        if case .object(let members)? = path.isEmpty ? value : self[path] { members } else { [:] }
    }

    /// Paths of all values.
    var paths: Set<String> {
        func walk(_ value: JSONValue, _ prefix: String) -> [String] {
            guard case .object(let members) = value else { return [prefix] }
            return members.flatMap { walk($0.value, prefix.isEmpty ? $0.key : "\(prefix).\($0.key)") }
        }
        return Set(walk(value, ""))
    }
}

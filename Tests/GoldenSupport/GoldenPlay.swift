import MQTT
import BMSCore
public import SmartBMS
public import BatteryEngine
public import MQTTBridge
import TestSupport

/// A bridge whose messages are recorded while events happen.
public struct GoldenPlay: Sendable {
    /// The bridge.
    public private(set) var bridge: Bridge
    private var recording: MessageRecording
    private var milliseconds: Int64 = 1_000_000
    /// Midnight of a day in UTC, which is local time here.
    private var wall: Int64 = 1_795_046_400_000

    /// A bridge that has no connection yet.
    public init(
        _ name: String, _ detail: MessageRecording.Detail = .messages, options: BridgeOptions = BridgeOptions(),
        packs: [PackOptions], banks: [BankOptions] = []
    ) {
        bridge = Bridge(options, packs: packs, banks: banks)
        recording = MessageRecording(name, detail, start: milliseconds)
    }

    private var now: Moment {
        Moment(
            monotonic: Timestamp(milliseconds: milliseconds), wall: wall, minuteOfDay: Int(wall / 60_000 % 1440))
    }

    /// Lets time pass, without a step of the bridge.
    public mutating func pass(milliseconds time: Int64) {
        milliseconds += time
        wall += time
    }

    /// Connects to a broker, or connects again.
    public mutating func connect(canExpire: Bool = true) { add(bridge.connected(canExpire: canExpire, at: now)) }

    /// Loses the connection to the broker.
    public mutating func disconnect() { add(bridge.disconnected(at: now)) }

    /// Delivers bytes of a pack.
    public mutating func receive(_ bytes: [UInt8], pack: Int = 0) { add(bridge.receive(bytes, pack: pack, at: now)) }

    /// Steps the bridge by time.
    public mutating func tick() { add(bridge.tick(at: now)) }

    /// Delivers a message of the broker.
    public mutating func message(
        _ topic: String, _ payload: String, isRetained: Bool = false, response: String? = nil,
        correlation: [UInt8]? = nil
    ) {
        add(
            bridge.receive(
                MQTTMessage(
                    topic, Array(payload.utf8), retain: isRetained, responseTopic: response,
                    correlationData: correlation), at: now))
    }

    /// Connects or disconnects the connections that guard the relays.
    public mutating func guards(isUp: Bool) {
        for relayGuard in bridge.guards { add(bridge.guardChanged(relayGuard, isUp: isUp, at: now)) }
    }

    /// Delivers a frame each second, with two ticks.
    public mutating func frames(_ count: Int, _ change: (inout Frame) -> Void = { _ in }) {
        for _ in 0..<count {
            pass(milliseconds: 500)
            tick()
            pass(milliseconds: 500)
            receive(FrameFixture.bytes(change))
            tick()
        }
    }

    /// Ticks twice a second, without frames.
    public mutating func silence(_ seconds: Int) {
        for _ in 0..<seconds * 2 {
            pass(milliseconds: 500)
            tick()
        }
    }

    /// Sends a keepalive, which makes the GX tree follow for a minute.
    public mutating func keepTreeAlive() { message("R/\(Self.portal)/keepalive", "") }

    /// The first difference to the golden file; `nil`: none.
    public mutating func difference() -> String? { recording.difference() }

    private mutating func add(_ outbox: Outbox) { recording.add(outbox, at: milliseconds) }
}

/// The configuration of golden files.
extension GoldenPlay {
    /// Portal id of the GX tree.
    public static let portal = "0123456789ab"

    /// Options with every feature of a bridge.
    public static var everything: BridgeOptions {
        var options = BridgeOptions()
        options.gxTree = GXTreeOptions(portalID: portal, owner: "golden")
        return options
    }

    /// A relay with both of its topics.
    public static func relay(_ name: String, _ function: RelayOptions.Function) -> RelayOptions {
        var relay = RelayOptions(name: name)
        relay.function = function
        relay.commandTopic = "cmnd/\(name)/POWER"
        relay.stateTopic = "stat/\(name)/POWER"
        return relay
    }
}

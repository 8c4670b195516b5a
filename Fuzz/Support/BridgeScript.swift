import MQTT
public import BatteryEngine
public import MQTTBridge
import BMSCore
import SmartBMS
import ChargeLimits
import Glibc

@testable import bms_mqtt

/// A bridge that plays the lines of a text, and is checked after each line.
///
/// A line is `topic TAB flags TAB response topic TAB correlation data TAB payload`; 0x01 in the payload stands for a line break. Flags: `r`
/// retained, `f` a frame before, `s` a second before, `m` a minute, `h` an hour, `d` disconnected, `c` connected.
public struct BridgeScript: Sendable {
    private static let mostLines = 32
    private var bridge: Bridge
    private let packs: [PackOptions]
    private let frame: [UInt8]
    private var milliseconds: Int64 = 1000

    /// A connected bridge for packs, with frames of one of them.
    public init(_ options: BridgeOptions, _ packs: [PackOptions]) {
        bridge = Bridge(options, packs: packs)
        self.packs = packs
        frame = SamplePack.frame
        for _ in 0..<5 {
            milliseconds += 1000
            for pack in packs.indices { look(bridge.receive(frame, pack: pack, at: now)) }
        }
        for pack in packs.indices { Invariant.hold(bridge.limits(of: pack) != nil, "a live pack has no limits") }
        look(bridge.connected(canExpire: true, at: now))
        for relayGuard in bridge.guards { look(bridge.guardChanged(relayGuard, isUp: true, at: now)) }
    }

    private var now: Moment {
        Moment(
            monotonic: Timestamp(milliseconds: milliseconds), wall: 1_795_000_000_000 + milliseconds,
            minuteOfDay: Int(milliseconds / 60_000 % 1440))
    }

    /// Plays all lines, and checks the states to keep.
    public mutating func play(_ bytes: UnsafeRawBufferPointer) {
        for line in bytes.split(separator: UInt8(ascii: "\n"), maxSplits: Self.mostLines) { take(Array(line)) }
        for (id, state) in bridge.states(at: now.monotonic) {
            let document = StateDocument.bytes(state, at: StateMoment(wall: now.wall))
            Invariant.hold(document.count <= 65_536, "state of \(id): \(document.count) bytes, more than is read again")
            Invariant.hold(
                StateDocument.parse(document, at: StateMoment(wall: now.wall)) != nil,
                "the state of \(id) is not read again")
        }
        for message in bridge.farewell { Invariant.check(message) }
    }

    private mutating func take(_ line: [UInt8]) {
        var parts = line.split(separator: UInt8(ascii: "\t"), maxSplits: 4, omittingEmptySubsequences: false)
        while parts.count < 5 { parts.append([]) }
        // No broker sends a topic with one of these characters.
        let topic = parts[0].filter { !"\0#+".utf8.contains($0) }
        guard !topic.isEmpty else { return }
        var isRetained = false
        for flag in parts[1].prefix(20) { pass(flag, &isRetained) }
        milliseconds += 100
        let response = parts[2].isEmpty ? nil : String(decoding: parts[2], as: UTF8.self)
        let correlation = parts[3].isEmpty ? nil : Array(parts[3])
        let outbox = bridge.receive(
            MQTTMessage(
                String(decoding: topic, as: UTF8.self), parts[4].map { $0 == 1 ? 10 : $0 }, retain: isRetained,
                responseTopic: response, correlationData: correlation), at: now)
        look(outbox)
        Invariant.hold(outbox.answers.count <= 1, "\(outbox.answers.count) answers to a command")
        for answer in outbox.answers {
            let messages = answer.messages(failure: nil)
            Invariant.hold((1...2).contains(messages.count), "an answer of \(messages.count) messages")
            for message in messages {
                Invariant.check(message)
                Invariant.hold(message.payload.count <= 4096, "an answer of \(message.payload.count) bytes")
                Invariant.hold(message.topic != "bms/garage/state", "an answer in the place of a document")
            }
            if messages.count == 2 {
                Invariant.hold(
                    messages[1].topic == response && !messages[1].topic.hasPrefix("bms/"), "answered elsewhere")
                Invariant.hold(messages[1].correlationData == correlation, "other correlation data")
            }
        }
    }

    private mutating func pass(_ flag: UInt8, _ isRetained: inout Bool) {
        switch flag {
        case UInt8(ascii: "r"): isRetained = true
        case UInt8(ascii: "f"):
            milliseconds += 1000
            look(bridge.receive(frame, pack: 0, at: now))
        case UInt8(ascii: "s"): tick(after: 1000)
        case UInt8(ascii: "m"): tick(after: 60_000)
        case UInt8(ascii: "h"): tick(after: 3_600_000)
        case UInt8(ascii: "d"): look(bridge.disconnected(at: now))
        case UInt8(ascii: "c"): look(bridge.connected(canExpire: flag.isMultiple(of: 2), at: now))
        default: break
        }
    }

    private mutating func tick(after time: Int64) {
        milliseconds += time
        look(bridge.tick(at: now))
    }

    private func look(_ outbox: Outbox) {
        Invariant.hold(outbox.messages.count <= 2000, "\(outbox.messages.count) messages at once")
        for message in outbox.messages { Invariant.check(message) }
        for notice in outbox.notices {
            Invariant.hold(
                notice.text.utf8.count <= 2000, "a line of \(notice.text.utf8.count) bytes: \(notice.text.prefix(200))")
        }
        for (index, pack) in packs.enumerated() { Invariant.check(bridge.limits(of: index), pack.limits) }
    }
}

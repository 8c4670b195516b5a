import BMSCore
import SmartBMS
import ChargeLimits
import GoldenSupport
import JSON
import TestSupport
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

/// A bridge with one pack that is driven like a real BMS, with cells and keys in turn, and the documents of its feed.
struct GXFeedPlay {
    fileprivate(set) var harness: BridgeHarness
    var run = GXFeedRun()
    /// Values of keys 0 to 18; `nil`: firmware that sends a clock instead.
    var keys: [UInt8]? = Self.usualKeys
    private var turn = 0

    /// SoH 92, efficiency 97, Vlow 3.000 V, Vnominal 3.200 V, 3.3.11, 108 cycles, 593 and 575 kWh, both contacts, Vfull 3.400 V.
    static let usualKeys: [UInt8] = [92, 97, 2, 88, 2, 128, 0x33, 0x0b, 0, 108, 0, 2, 81, 0, 2, 63, 0x30, 2, 168]

    init(
        _ change: (inout BridgeOptions, inout PackOptions) -> Void = { _, _ in }, recording: MessageRecording? = nil
    ) {
        harness = BridgeHarness(change, recording: recording)
        run.end = harness.wall
    }

    /// Delivers a frame each second.
    mutating func frames(_ count: Int, _ change: (inout Frame) -> Void = { _ in }) {
        for _ in 0..<count {
            harness.pass(1)
            let frame = FrameFixture.frame { frame in
                change(&frame)
                take(turn: turn, &frame)
            }
            turn += 1
            if frame.current != nil { run.frames.append(harness.wall) }
            harness.frame { $0 = frame }
            note()
        }
    }

    /// Passes a silence, with a tick each half second.
    mutating func silence(_ seconds: Int) {
        for _ in 0..<(seconds * 2) {
            harness.pass(0.5)
            harness.tick()
            note()
        }
    }

    mutating func command(_ setting: String, _ payload: String) { harness.command(setting, payload) }

    /// Asks for the tree, which then follows for a minute.
    mutating func listenToTree() { harness.message("R/\(GoldenPlay.portal)/keepalive", "") }

    /// Disconnects and connects the broker.
    mutating func reconnect() { harness.connect() }

    private mutating func note() {
        for message in harness.on("gx") {
            run.sightings.append(GXFeedRun.Sighting(message: message, wall: harness.wall))
        }
        // A run may be long, so its messages are not kept.
        harness.forget()
        run.end = harness.wall
    }

    private func take(turn: Int, _ frame: inout Frame) {
        let cell = turn % frame.cellCount + 1
        frame.slotCell = cell
        frame.slotVoltage =
            switch cell {
            case frame.lowestVoltageCell: frame.lowestVoltage
            case frame.highestVoltageCell: frame.highestVoltage
            default: Millivolts((frame.lowestVoltage.rawValue + frame.highestVoltage.rawValue) / 10 * 5)
            }
        if let keys {
            frame.keyByte = UInt8(turn % keys.count) + 25
            frame.keyValue = keys[turn % keys.count]
        } else {
            // The clock stands at 12:34.
            (frame.keyByte, frame.keyValue) = (12, 34)
        }
    }
}

/// A situation of a pack, with the values that the newest document must have. The whole document is in `Tests/Fixtures/gx/<name>.json`.
struct GXFeedSituation: Sendable, CustomTestStringConvertible {
    var name: String
    /// Values that are typical of the situation; the fixture has the rest.
    var shows: [String: JSONValue]
    var options: @Sendable (inout BridgeOptions, inout PackOptions) -> Void = { _, _ in }
    var play: @Sendable (inout GXFeedPlay) -> Void

    var testDescription: String { name }

    init(
        _ name: String, _ shows: [String: JSONValue],
        options: @escaping @Sendable (inout BridgeOptions, inout PackOptions) -> Void = { _, _ in },
        play: @escaping @Sendable (inout GXFeedPlay) -> Void
    ) {
        self.name = name
        self.shows = shows
        self.options = options
        self.play = play
    }

    /// Plays the situation and returns the documents of the feed.
    func run() -> GXFeedRun { played().run }

    /// Plays the situation.
    func played() -> GXFeedPlay {
        var play = GXFeedPlay(options)
        self.play(&play)
        return play
    }

    /// Plays the situation for a GX that listens to the tree, too, and compares everything that is sent with a golden file.
    func difference(_ name: String) -> String? {
        let recording = MessageRecording(name, start: 1_000_000)
        var play = GXFeedPlay(
            { bridge, pack in
                options(&bridge, &pack)
                bridge.gxTree = GoldenPlay.everything.gxTree
            }, recording: recording)
        play.listenToTree()
        self.play(&play)
        return play.harness.recording?.difference()
    }

    /// Number of frames after which every key was received twice and is valid.
    private static let settled = 42

    /// A healthy pack, then ten seconds of something else.
    private static func usual(
        _ name: String, _ shows: [String: JSONValue], _ change: @escaping @Sendable (inout Frame) -> Void
    ) -> Self {
        Self(name, shows) { play in
            play.frames(settled)
            play.frames(10, change)
        }
    }

    private static let charge = "Info.MaxChargeCurrent"
    private static let discharge = "Info.MaxDischargeCurrent"
    private static let voltage = "Info.MaxChargeVoltage"

    static let all: [Self] = normal + alarms + permissions + silences + commands + shapes

    private static let normal = [
        usual(
            "fresh",
            [voltage: .number(54.88), charge: .number(140), discharge: .number(280), "Alarms.BmsCable": .number(0)]
        ) { _ in },
        usual("discharging", ["Dc.Current": .number(-25), "TimeToGo": .number(20_812)]) {
            $0.current2 = Milliamperes(25_000)
            $0.current1 = .zero
            $0.current = Milliamperes(-25_000)
        },
        usual("full", ["Soc": .number(100), "ConsumedAmphours": .number(0)]) {
            $0.soc = 100
            // Counters of the BMS may run a little over the capacity.
            $0.energyStored = WattHours(14_900)
        },
        Self("first-document", ["Voltages.Cell2": .number(3.31), "Voltages.Cell4": .null]) { $0.frames(2) },
        Self("no-keys", ["Soh": .null, "History.ChargeCycles": .null]) { play in
            play.keys = nil
            play.frames(settled)
        },
    ]

    private static let alarms = [
        usual("low-cell-warning", ["Alarms.LowCellVoltage": .number(1)]) { $0.setCells(low: 2995, high: 3100) },
        usual("low-cell-alarm", ["Alarms.LowCellVoltage": .number(2), discharge: .number(0)]) {
            $0.setCells(low: 2890, high: 3000)
            $0.status = [.chargeAllowed, .cellTooLow]
        },
        usual("high-cell-warning", ["Alarms.HighCellVoltage": .number(1), charge: .number(0)]) {
            $0.setCells(low: 3440, high: 3550)
        },
        usual("high-cell-alarm", ["Alarms.HighCellVoltage": .number(2), charge: .number(0)]) {
            $0.setCells(low: 3500, high: 3660)
            $0.status = [.dischargeAllowed, .cellTooHigh]
        },
        Self("cold-warning", ["Alarms.LowTemperature": .number(1)]) { play in
            play.keys?[16] = 0x38
            play.frames(settled)
        },
        usual("cold-alarm", ["Alarms.LowTemperature": .number(2), charge: .number(0), discharge: .number(0)]) {
            $0.lowestTemperature = RawTemperature(245)
            $0.status = [.tooCold]
        },
        usual("hot-alarm", ["Alarms.HighTemperature": .number(2), charge: .number(0), discharge: .number(0)]) {
            $0.highestTemperature = RawTemperature(337)
            $0.status = [.tooWarm]
        },
        usual("charge-cold-warning", ["Alarms.LowChargeTemperature": .number(1), charge: .number(0)]) {
            $0.lowestTemperature = RawTemperature(268)
        },
        usual("imbalance-warning", ["Alarms.CellImbalance": .number(1)]) { $0.setCells(low: 3200, high: 3400) },
        usual("low-soc-warning", ["Alarms.LowSoc": .number(1)]) { $0.soc = 5 },
        usual("low-soc-alarm", ["Alarms.LowSoc": .number(2)]) { $0.soc = 0 },
        usual(
            "cells-not-heard",
            ["Alarms.InternalFailure": .number(2), charge: .number(0), discharge: .number(0), "Soc": .number(50)]
        ) { $0.status = [.noCellCommunication] },
    ]

    private static let permissions = [
        usual(
            "charge-blocked",
            ["Io.AllowToCharge": .number(0), "System.NrOfModulesBlockingCharge": .number(1), charge: .number(0)]
        ) { $0.status.remove(.chargeAllowed) },
        usual(
            "discharge-blocked",
            [
                "Io.AllowToDischarge": .number(0), "System.NrOfModulesBlockingDischarge": .number(1),
                discharge: .number(0),
            ]
        ) { $0.status.remove(.dischargeAllowed) },
    ]

    private static let silences = [
        Self("silence-4-s", ["Dc.Temperature": .number(22.5), "Alarms.BmsCable": .number(0)]) { play in
            play.frames(settled)
            play.silence(4)
        },
        Self(
            "silence-11-s",
            [
                charge: .number(0), discharge: .number(57), voltage: .number(52.8), "Alarms.BmsCable": .number(1),
                "Dc.Voltage": .number(53), "System.NrOfModulesOnline": .number(0), "System.MaxCellVoltage": .null,
            ]
        ) { play in
            play.frames(settled)
            play.silence(11)
        },
        // This is the last document: none comes after 60 s.
        Self("silence-90-s", [charge: .number(0), discharge: .number(0), "Alarms.BmsCable": .number(2)]) { play in
            play.frames(settled)
            play.silence(90)
        },
        Self("recovering", [charge: .number(12), "Alarms.BmsCable": .number(0)]) { play in
            play.frames(settled)
            play.silence(90)
            play.frames(10)
        },
    ]

    private static let commands = [
        Self("limits-by-command", [charge: .number(40), discharge: .number(35), voltage: .number(53.6)]) { play in
            play.frames(settled)
            play.command("maxChargeCurrent", "40")
            play.command("maxDischargeCurrent", "35")
            play.command("maxChargeVoltage", "53.6")
            play.frames(5)
        },
        Self("off-by-command", [charge: .number(0), discharge: .number(0)]) { play in
            play.frames(settled)
            play.command("chargeEnabled", "OFF")
            play.command("dischargeEnabled", "OFF")
            play.frames(5)
        },
        // A GX cannot work with 1.4 A.
        Self(
            "a-little-by-file", [charge: .number(0), discharge: .number(3)],
            options: { _, pack in
                pack.limits.maximumChargeCurrent = Milliamperes(1_400)
                pack.limits.maximumDischargeCurrent = Milliamperes(3_200)
            }
        ) { $0.frames(settled) },
    ]

    private static let shapes = [
        Self(
            "cells-255",
            ["System.NrOfCellsPerBattery": .number(255), "System.MinVoltageCellId": .text("C200")]
        ) { play in
            play.frames(settled) { frame in
                frame.cellCount = 255
                frame.lowestVoltageCell = 200
                frame.highestTemperatureCell = 255
                frame.packVoltage = Millivolts(255 * 3310)
            }
        },
        Self("cells-8", ["System.NrOfCellsPerBattery": .number(8), voltage: .number(27.44)]) { play in
            play.frames(settled) { frame in
                frame.cellCount = 8
                frame.highestVoltageCell = 8
                frame.highestTemperatureCell = 8
                frame.setCells(low: 3305, high: 3320)
            }
        },
    ]
}

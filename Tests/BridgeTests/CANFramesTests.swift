import BMSCore
import CANFrames
import ChargeLimits
import Glibc
import SmartBMS
import TestSupport
import TestThreads
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

/// Golden frames. After an intended change, write them again and read the difference:
///
///     CAN_FRAMES=write swift test --filter CANFrames && git diff Tests/Fixtures/can
@Suite("Limits as CAN frames", .calculates)
struct CANFramesTests {
    private static let isWriting = getenv("CAN_FRAMES") != nil

    private static func lines(_ report: BatteryReport?) -> [String] {
        CANProtocol.allCases.flatMap { kind in
            let frames = report.map { kind.frames($0) } ?? []
            let texts = frames.map { "\(kind.rawValue) \($0)  \(kind.text($0) ?? "unknown")" }
            return texts.isEmpty ? ["\(kind.rawValue) silence"] : texts
        }
    }

    @Test("the frames of each situation of the GX feed are the golden ones", arguments: GXFeedSituation.all)
    func golden(situation: GXFeedSituation) {
        let lines = Self.lines(situation.played().harness.report)
        let path = "Tests/Fixtures/can/\(situation.name).txt"
        if Self.isWriting { Repository.write(lines, to: path) }
        #expect(Repository.lines(path) == lines)
    }

    @Test("no frame allows more than the report, in any situation", arguments: GXFeedSituation.all)
    func never(situation: GXFeedSituation) throws {
        guard let report = situation.played().harness.report, let limits = report.limits else { return }
        for kind in CANProtocol.allCases {
            guard let frame = kind.frames(report).first else { continue }
            #expect(frame.id == 0x351)
            let numbers = stride(from: 0, to: 8, by: 2).map { Int(frame.data[$0]) | Int(frame.data[$0 + 1]) << 8 }
            #expect(numbers[0] > 0, "0 V is an over-voltage")
            #expect(numbers[0] * 100 <= limits.cvl.rawValue && limits.cvl.rawValue < numbers[0] * 100 + 100)
            #expect(numbers[1] * 100 <= limits.ccl.rawValue && limits.ccl.rawValue < numbers[1] * 100 + 100)
            #expect(numbers[2] * 100 <= limits.dcl.rawValue && limits.dcl.rawValue < numbers[2] * 100 + 100)
            #expect(numbers[3] * 100 >= limits.lowVoltage.rawValue)
        }
    }

    @Test("a silent pack gives no charge after 10 s, and no frame after 60 s")
    func silence() {
        var harness = BridgeHarness()
        #expect(harness.report.map { CANProtocol.victron.frames($0) } ?? [] == [])
        harness.frames(5)
        var lastCharge: Double?
        var lastFrame: Double?
        for step in 1...160 {
            harness.pass(0.5)
            harness.tick()
            guard let report = harness.report, let frame = CANProtocol.victron.frames(report).first else { continue }
            lastFrame = Double(step) / 2
            if frame.data[2] > 0 || frame.data[3] > 0 { lastCharge = Double(step) / 2 }
        }
        #expect(lastCharge == 10)
        #expect(lastFrame == 60)
    }

    @Test("limits beyond the numbers of a frame are sent as the largest that fits, never as a small or negative one")
    func large() throws {
        var harness = BridgeHarness { _, pack in
            pack.limits.maximumChargeCurrent = Milliamperes(4_000_000)
            pack.limits.maximumDischargeCurrent = Milliamperes(4_000_000)
            pack.limits.sensorRange = Milliamperes(4_000_000)
        }
        harness.frames(600) { $0.capacity = WattHours(6_553_500) }
        let report = try #require(harness.report)
        let limits = try #require(report.limits)
        #expect(limits.dcl.rawValue > 3_276_700)
        let frame = try #require(CANProtocol.victron.frames(report).first)
        #expect(Int(frame.data[4]) | Int(frame.data[5]) << 8 == 32_767)
    }

    @Test(
        "frames that were captured mean what they meant there",
        arguments: [
            ("351#480200050005AE01", "limits: CVL 58.4 V, CCL 128.0 A, DCL 128.0 A, lowest 43.0 V"),
            ("356#BE14F9FF8C00", "measured: voltage 53.10 V, current -0.7 A, temperature 14.0 °C"),
            ("35A#AAAAAAAAAAAAAAAA", "alarms: nothing"),
            ("35A#0400000000000000", "alarms: alarm: high cell voltage"),
            ("373#EA0C010D1F012201", "cells: lowest 3306 mV, highest 3329 mV, coldest 287 K, warmest 290 K"),
            ("305#0000000000000000", "keep-alive of an inverter"),
        ])
    func captured(line: String, words: String) throws {
        #expect(CANProtocol.victron.text(try #require(CANFrame(line: line))) == words)
    }

    @Test(
        "frames of Pylontech batteries mean what they meant there",
        arguments: [
            ("351#1402740E740ECC01", "limits: CVL 53.2 V, CCL 370.0 A, DCL 370.0 A, lowest 46.0 V"),
            ("355#1A006400", "charge: SoC 26 %, state of health 100 %"),
            ("356#4E1302030405", "measured: voltage 49.42 V, current 77.0 A, temperature 128.4 °C"),
        ])
    func pylontech(line: String, words: String) throws {
        #expect(CANProtocol.pylontech.text(try #require(CANFrame(line: line))) == words)
    }

    @Test(
        "lines of candump are read in each of its forms",
        arguments: [
            "351#480200050005AE01", "(1700000000.000000) can0 351#480200050005AE01",
            "  can0  351   [8]  48 02 00 05 00 05 AE 01", "can0 351 [8] 48 02 00 05 00 05 AE 01 'H.......'",
            "351#48.02.00.05.00.05.AE.01",
        ])
    func forms(line: String) {
        #expect(CANFrame(line: line)?.description == "351#480200050005AE01")
    }

    @Test(
        "anything else is no frame",
        arguments: [
            "", "#", "351", "351#4", "351#GG", "351##1", "00000351#48", "351#480200050005AE0102", "can0 351 [9] 48",
            "can0 351 [8] 48 02", "can0 351 [2] 48 0", "can0 [2] 48 02", "can0 351 [-1]",
            "can0 20000008 [8] ERRORFRAME",
            "351#R", "800#48", "can0 351 [99999999999999999999] 00",
        ])
    func hostile(line: String) {
        #expect(CANFrame(line: line) == nil)
    }
}

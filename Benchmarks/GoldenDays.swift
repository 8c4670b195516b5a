import BMSCore
import SmartBMS
import ChargeLimits
import Glibc
import GoldenSupport
import BatteryEngine
import MQTTBridge
import PackSimulator
import TestSupport

/// Golden files of everything that a bridge sends in a simulated day: of a pack, and of a bank. They are tests, but a debug build would
/// need many minutes for them (Tests/BridgeTests/GoldenTests.swift has the shorter ones).
enum GoldenDays {
    /// Runs the days; ends the program with 1 if one differs.
    static func run() {
        var isEqual = true
        for (name, difference) in [("a pack's day", packDay()), ("a bank's day", bankDay())] {
            print("| golden messages of \(name) | \(difference == nil ? "equal" : "DIFFERENT") |")
            if let difference { print(difference) }
            isEqual = isEqual && difference == nil
        }
        guard isEqual else { exit(1) }
    }

    private static func packDay() -> String? {
        var pack = PackOptions(id: "garage", name: "Garage battery")
        pack.relays = [GoldenPlay.relay("charger", .chargeAllowed), GoldenPlay.relay("pump", .manual)]
        var day = Day(
            GoldenPlay("day", .stretches(seconds: 600), options: GoldenPlay.everything, packs: [pack]),
            [Simulator(scenario: .day, seed: 7)])
        return day.run { second, play, lost in
            if second < 43_200, second % 30 == 0 { play.keepTreeAlive() }
            switch second {
            case 60: play.guards(isUp: true)
            case 3_600: play.message("bms/garage/set/maxChargeCurrent", "40")
            case 7_200: play.disconnect()
            case 7_214: play.connect()
            case 10_800: play.message("homeassistant/status", "online")
            case 14_400: lost[0] = second + 120
            case 18_000: play.message("bms/garage/set/chargeMode", "full")
            case 21_600: play.message("bms/garage/set/relay/pump", "ON")
            case 25_200: play.message("bms/garage/set/maxChargeCurrent", "")
            case 28_800: play.connect(canExpire: false)
            case 32_400: play.connect()
            case 40_000: play.receive(FrameFixture.bytes { $0.packVoltage = Millivolts(48_000) })
            case 50_000: play.receive([UInt8](repeating: 0x55, count: 500))
            case 60_000: lost[0] = second + 20
            default: break
            }
        }
    }

    private static func bankDay() -> String? {
        var packs = [PackOptions(id: "a"), PackOptions(id: "b")]
        packs[1].gxInstance = 513
        var bank = BankOptions(id: "house", name: "House battery", packs: ["a", "b"])
        bank.gxInstance = 520
        var day = Day(
            GoldenPlay(
                "bank-day", .stretches(seconds: 600), options: GoldenPlay.everything, packs: packs, banks: [bank]),
            [Simulator(scenario: .day, seed: 7), Simulator(scenario: .day, seed: 8)])
        return day.run { second, play, lost in
            if second < 20_000, second % 30 == 0 { play.keepTreeAlive() }
            switch second {
            case 3_600: lost[1] = second + 300
            case 7_200: play.message("bms/b/set/chargeEnabled", "OFF")
            case 7_500: play.message("bms/b/set/chargeEnabled", "ON")
            case 9_000: play.message("bms/house/set/chargeEnabled", "OFF")
            case 10_800: play.message("homeassistant/status", "online")
            case 14_400: play.connect()
            case 30_000: (lost[0], lost[1]) = (second + 90, second + 120)
            default: break
            }
        }
    }
}

/// Simulated packs that obey the limits of the bridge, second by second.
private struct Day {
    private var play: GoldenPlay
    private var simulators: [Simulator]
    /// For each pack, the second until which its frames are lost.
    private var lost: [Int: Int] = [:]

    init(_ play: GoldenPlay, _ simulators: [Simulator]) { (self.play, self.simulators) = (play, simulators) }

    /// Runs a day.
    ///
    /// - Parameter happens: the events of a second, before its frames.
    /// - Returns: the first difference to the golden file; `nil`: none.
    mutating func run(_ happens: (Int, inout GoldenPlay, inout [Int: Int]) -> Void) -> String? {
        play.connect()
        for second in 0..<86_400 {
            play.pass(milliseconds: 500)
            play.tick()
            happens(second, &play, &lost)
            for index in simulators.indices {
                play.pass(milliseconds: Int64(500 / simulators.count))
                let limits = play.bridge.limits(of: index)
                let given = GivenLimits(cvl: limits?.cvl, ccl: limits?.ccl, dcl: limits?.dcl)
                guard let frame = simulators[index].step(limits: given), second >= lost[index, default: 0] else {
                    continue
                }
                play.receive(frame, pack: index)
            }
            play.tick()
        }
        return play.difference()
    }
}

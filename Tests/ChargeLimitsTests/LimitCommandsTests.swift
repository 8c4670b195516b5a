@testable import ChargeLimits

import BMSCore
import SmartBMS
import Testing
import TestSupport

@Suite("Commands")
struct LimitCommandsTests {
    private func bench(_ change: (inout LimitCommands) -> Void) -> Bench {
        var bench = Bench { $0.maximumChargeCurrent = Milliamperes(100_000) }
        bench.run(0...20)
        change(&bench.calculator.commands)
        // No frame in between: a command acts at once.
        bench.wait(at: 20.05)
        return bench
    }

    @Test("Ceilings by command lower limits in the next step, without a frame, and their reasons name the command")
    func ceilings() {
        let limits = bench {
            $0.maximumChargeCurrent = Milliamperes(30_000)
            $0.maximumDischargeCurrent = Milliamperes(40_000)
            $0.maximumChargeVoltage = Millivolts(54_000)
        }.limits
        #expect(limits?.numbers == [54_000, 30_000, 40_000])
        #expect(limits?.reason(.ccl) == "maximum charge current of 30.0 A by command")
        #expect(limits?.reason(.cvl) == "maximum charge voltage of 54.00 V by command")
    }

    @Test("A command never lifts a limit above the file's")
    func neverAbove() {
        var bench = bench { $0.maximumChargeCurrent = Milliamperes(1_000_000) }
        bench.run(21...100)
        #expect(bench.limits?.ccl == Milliamperes(100_000))
    }

    @Test("A limit rises by slew after a command is taken back")
    func takenBack() throws {
        var bench = bench { $0.maximumDischargeCurrent = .zero }
        #expect(bench.limits?.dcl == .zero)
        bench.calculator.commands = LimitCommands()
        bench.wait(at: 20.5)
        #expect(bench.limits?.dcl == .zero)
        bench.feed(at: 21)
        let risen = try #require(bench.limits).dcl
        #expect(risen > .zero && risen <= Milliamperes(5_607))
    }

    @Test(
        "With charging or discharging off no current is allowed, CVL is the pack's own voltage, and the reason names the time"
    )
    func switchedOff() {
        let limits = bench {
            $0.chargeOff = LimitCommands.SwitchedOff(minuteOfDay: 14 * 60 + 2)
            $0.dischargeOff = LimitCommands.SwitchedOff()
        }.limits
        #expect(limits?.ccl == .zero && limits?.dcl == .zero)
        // 53.0 V at 10 A, 9.1 milliohm by the table for 280 Ah; a charge current lowers CVL further.
        #expect(limits?.cvl ?? .zero <= Millivolts(52_910))
        #expect(limits?.reason(.ccl) == "charging switched off by command at 14:02")
        #expect(limits?.reason(.dcl) == "discharging switched off by command")
    }

    @Test("With charging on again the BMS still decides")
    func noOverride() {
        var bench = bench { _ in }
        bench.feed(at: 21) { $0.status = [] }
        bench.calculator.commands.chargeOff = LimitCommands.SwitchedOff()
        bench.wait(at: 21.1)
        bench.calculator.commands.chargeOff = nil
        bench.wait(at: 21.2)
        #expect(bench.limits?.ccl == .zero && bench.limits?.dcl == .zero)
    }

    @Test("Float by command eases down to rest in any state, and back up afterwards")
    func float() {
        var bench = bench { $0.chargeMode = .float }
        bench.run(21...60)
        #expect(bench.limits?.reason(.cvl) == "held at rest by command: 54.08 V")
        bench.run(61...1000)
        #expect(bench.limits?.cvl == Millivolts(54_080))
        #expect(bench.limits?.state == .bulk)
        bench.calculator.commands.chargeMode = .auto
        bench.run(1001...1100)
        #expect(bench.limits?.cvl == Millivolts(54_880))
    }

    @Test("A full charge by command ends when the pack is full")
    func full() {
        var bench = bench { $0.chargeMode = .full }
        #expect(bench.calculator.isFullChargeRequested)
        bench.run(21...200) {
            $0.setCells(low: 3400, high: 3405)
            $0.current = Milliamperes(1_000)
            $0.soc = 100
        }
        #expect(bench.limits?.state == .full)
        #expect(!bench.calculator.isFullChargeRequested)
    }

    @Test("A reserve by command adds to the file's, and acts at once")
    func reserve() {
        var bench = Bench { $0.reserveSoc = 20 }
        bench.run(0...20) { $0.soc = 30 }
        bench.calculator.commands.reserveSoc = 10
        bench.wait(at: 20.1)
        #expect(bench.limits?.dcl != .zero)
        bench.calculator.commands.reserveSoc = 40
        bench.wait(at: 20.2)
        #expect(bench.limits?.dcl == .zero)
        #expect(bench.limits?.reason(.dcl) == "state of charge of 30 % against a reserve of 40 %")
    }

    @Test("A command does not change a filter: later limits are the same as without it")
    func filters() {
        var plain = Bench()
        var commanded = Bench()
        for second in 0...200 {
            let change: (inout Frame) -> Void = {
                $0.setCells(low: 3380 + second % 5 * 5, high: 3430 + second % 7 * 5)
                $0.current = Milliamperes(20_000)
            }
            plain.feed(at: Double(second), change)
            commanded.feed(at: Double(second), change)
            commanded.calculator.commands.maximumDischargeCurrent = Milliamperes(900_000 + second)
            commanded.wait(at: Double(second) + 0.5)
        }
        #expect(commanded.limits?.cvl == plain.limits?.cvl)
        #expect(commanded.limits?.ccl == plain.limits?.ccl)
    }
}

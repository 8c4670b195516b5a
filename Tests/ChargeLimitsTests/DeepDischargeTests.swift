@testable import ChargeLimits

import BMSCore
import SmartBMS
import TestSupport
import Testing

@Suite("Deeply discharged cells")
struct DeepDischargeTests {
    @Test(
        "CCL is a ramp from Vmin - 0.2 V to 0.05 C at Vmin - 0.4 V, and 0 where copper dissolves",
        arguments: [
            (Chemistry.lfp, 2_900, 2_705, nil), (.lfp, 2_900, 2_695, 48_875), (.lfp, 2_900, 2_600, 27_500),
            (.lfp, 2_900, 2_500, 5_000), (.lfp, 2_900, 2_100, 5_000), (.lfp, 2_900, 2_000, 5_000),
            (.lfp, 2_900, 1_995, 0), (.nmc, 3_490, 1_500, 0), (.lto, 2_150, 1_600, 5_000), (.lto, 2_150, 1_495, 0),
        ] as [(Chemistry, Int, Int, Int?)])
    func ramp(chemistry: Chemistry, minimum: Int, lowest: Int, expected: Int?) {
        var rule = DeepDischarge()
        let value = rule.bound(
            .ccl,
            input(
                {
                    $0.minimumVoltage = Millivolts(minimum)
                    $0.setCells(low: lowest, high: lowest + 50)
                }, chemistry: chemistry))
        #expect(value == expected)
    }

    private func feed(_ bench: inout Bench, _ seconds: ClosedRange<Int>, low: Int) {
        bench.run(seconds) {
            $0.capacity = WattHours(5_280)
            $0.setCells(low: low, high: low + 50)
        }
    }

    /// A pack with exactly 100 Ah by the nominal voltage of LFP.
    private func deep() -> Bench { Bench() }

    @Test(
        "Charging stops with the second frame, is latched after 60 s, and the owner may allow 0.05 C until the cells recover"
    )
    func latch() throws {
        var bench = deep()
        feed(&bench, 0...10, low: 2_450)
        // The second frame confirms the jump, and is the first that counts.
        feed(&bench, 11...12, low: 1_990)
        #expect(bench.limits?.ccl == Milliamperes(4_500), "one frame moves nothing")
        feed(&bench, 13...13, low: 1_990)
        #expect(bench.limits?.ccl == .zero)
        feed(&bench, 14...40, low: 2_100)
        #expect(bench.limits?.has(.deepDischarge) == true)
        #expect(!bench.calculator.latches.contains(.deepDischarge), "less than a minute")
        feed(&bench, 41...105, low: 1_990)
        #expect(bench.calculator.latches.contains(.deepDischarge))
        feed(&bench, 106...200, low: 2_400)
        #expect(bench.limits?.ccl == .zero)
        #expect(bench.limits?.reason(.ccl).contains("allowDeepCharge") == true)
        bench.calculator.allowDeepCharge()
        feed(&bench, 201...260, low: 2_400)
        #expect(bench.calculator.latches.contains(.deepChargeAllowed))
        #expect(!bench.calculator.latches.contains(.deepDischarge))
        #expect(bench.limits?.ccl == Milliamperes(4_500))
        feed(&bench, 261...300, low: 1_950)
        #expect(bench.limits?.ccl == Milliamperes(4_500), "allowed for this charge")
        feed(&bench, 301...330, low: 2_800)
        #expect(bench.calculator.latches == [.empty])
    }

    @Test("One frame does not end a permitted charge, nor does a cell that the charge lifted above the floor")
    func permission() {
        var bench = deep()
        func feedLow(_ seconds: ClosedRange<Int>, _ low: Int) {
            bench.run(seconds) {
                $0.capacity = WattHours(5_280)
                $0.minimumVoltage = Millivolts(2_100)
                $0.setCells(low: low, high: low + 50)
            }
        }
        feedLow(0...10, 2_200)
        feedLow(11...100, 1_950)
        bench.calculator.allowDeepCharge()
        feedLow(101...160, 1_990)
        feedLow(161...161, 2_110)
        #expect(bench.calculator.latches.contains(.deepChargeAllowed), "one frame moves nothing")
        feedLow(162...260, 2_050)
        #expect(bench.limits?.ccl == Milliamperes(4_500))
        feedLow(261...400, 1_990)
        #expect(bench.limits?.ccl == Milliamperes(4_500), "allowed for this charge")
        feedLow(401...410, 2_110)
        #expect(!bench.calculator.latches.contains(.deepChargeAllowed))
    }

    @Test("The latch outlasts a restart of any length")
    func restart() throws {
        var bench = deep()
        feed(&bench, 0...10, low: 2_400)
        feed(&bench, 11...100, low: 1_950)
        var memory = try #require(bench.calculator.memory(at: .seconds(100)))
        memory.recent = nil
        var other = deep()
        other.calculator = LimitCalculator(LimitConfiguration(), memory: memory, at: .seconds(1_000_000))
        other.run(1_000_000...1_000_003) {
            $0.capacity = WattHours(5_280)
            $0.setCells(low: 2_400, high: 2_450)
        }
        #expect(other.limits?.ccl == .zero)
    }
}

@Suite("A ceiling of the state of charge")
struct MaximumSocTests {
    private func feed(
        _ bench: inout Bench, _ seconds: ClosedRange<Int>, soc: Int,
        status: StatusFlags = [.chargeAllowed, .dischargeAllowed]
    ) {
        bench.run(seconds) {
            $0.soc = soc
            $0.energyStored = WattHours(148 * soc)
            $0.status = status
        }
    }

    @Test("Charging ends at the ceiling, and begins again 3 % below")
    func ceiling() {
        var bench = Bench { $0.maximumSoc = 80 }
        feed(&bench, 0...10, soc: 78)
        #expect(bench.limits?.has(.maximumSoc) == false)
        feed(&bench, 11...20, soc: 80)
        #expect(bench.limits?.ccl == .zero)
        #expect(bench.limits?.reason(.ccl) == "state of charge of 80 % against a ceiling of 80 %, released at 77 %")
        feed(&bench, 21...30, soc: 78)
        #expect(bench.limits?.ccl == .zero)
        feed(&bench, 31...40, soc: 77)
        #expect(bench.limits?.ccl ?? .zero > .zero)
    }

    @Test("CCL does not rise on the way to the ceiling")
    func noRise() {
        var bench = Bench { $0.maximumSoc = 80 }
        feed(&bench, 0...60, soc: 78)
        feed(&bench, 61...100, soc: 79)
        var last = bench.limits?.ccl ?? .zero
        for second in 101...103 {
            feed(&bench, second...second, soc: 80)
            let ccl = bench.limits?.ccl ?? .zero
            #expect(ccl <= last)
            last = ccl
        }
        #expect(last == .zero)
    }

    @Test("One frame with another state of charge sets neither ceiling nor reserve, and releases neither")
    func oneFrame() {
        var bench = Bench {
            $0.maximumSoc = 80
            $0.reserveSoc = 20
        }
        feed(&bench, 0...10, soc: 78)
        feed(&bench, 11...11, soc: 80)
        feed(&bench, 12...12, soc: 78)
        #expect(bench.limits?.has(.maximumSoc) == false)
        feed(&bench, 13...14, soc: 80)
        #expect(bench.limits?.ccl == .zero)
        feed(&bench, 15...15, soc: 77)
        feed(&bench, 16...16, soc: 79)
        #expect(bench.limits?.ccl == .zero)
        feed(&bench, 17...40, soc: 22)
        feed(&bench, 41...41, soc: 20)
        feed(&bench, 42...42, soc: 22)
        #expect(bench.limits?.has(.reserve) == false)
        feed(&bench, 43...44, soc: 20)
        #expect(bench.limits?.dcl == .zero)
        feed(&bench, 45...45, soc: 23)
        feed(&bench, 46...46, soc: 22)
        #expect(bench.limits?.dcl == .zero)
        feed(&bench, 47...48, soc: 23)
        #expect(bench.limits?.has(.reserve) == false)
    }

    @Test("A state of charge that was never calibrated sets no ceiling and no reserve")
    func uncalibrated() {
        var bench = Bench {
            $0.maximumSoc = 80
            $0.reserveSoc = 20
        }
        feed(&bench, 0...10, soc: 90, status: [.chargeAllowed, .dischargeAllowed, .socUncalibrated])
        #expect(bench.limits?.has(.maximumSoc) == false)
        feed(&bench, 11...20, soc: 0, status: [.chargeAllowed, .dischargeAllowed, .socUncalibrated])
        #expect(bench.limits?.has(.reserve) == false)
    }

    @Test("A requested full charge goes through the ceiling once")
    func fullCharge() {
        var bench = Bench { $0.maximumSoc = 80 }
        feed(&bench, 0...10, soc: 85)
        #expect(bench.limits?.ccl == .zero)
        bench.calculator.commands.chargeMode = .full
        feed(&bench, 11...30, soc: 85)
        #expect(bench.limits?.ccl ?? .zero > .zero)
        // The pack is full: all cells are at Vbalance with little current.
        bench.run(31...200) {
            ($0.soc, $0.energyStored) = (100, WattHours(14_800))
            $0.setCells(low: 3_405, high: 3_420)
            $0.current = Milliamperes(2_000)
        }
        feed(&bench, 201...260, soc: 99)
        #expect(bench.limits?.ccl == .zero, "and then the ceiling holds again")
    }

    @Test("A command lowers the file's ceiling, but does not raise it", arguments: [(80, 60, 70), (60, 80, 70)])
    func command(file: Int, command: Int, soc: Int) {
        var bench = Bench { $0.maximumSoc = file }
        bench.calculator.commands.maximumSoc = command
        feed(&bench, 0...10, soc: soc)
        #expect(bench.limits?.ccl == .zero)
    }

    @Test("An empty pack requests a charge, unless charging is forbidden")
    func request() {
        var bench = Bench()
        feed(&bench, 0...10, soc: 4)
        #expect(bench.limits?.isChargeRequested == false)
        feed(&bench, 11...20, soc: 2)
        #expect(bench.limits?.isChargeRequested == true)
        feed(&bench, 21...30, soc: 7)
        #expect(bench.limits?.isChargeRequested == true)
        feed(&bench, 31...31, soc: 7, status: .dischargeAllowed)
        #expect(bench.limits?.isChargeRequested == false)
        feed(&bench, 32...40, soc: 8)
        #expect(bench.limits?.isChargeRequested == false)
    }
}

@testable import ChargeLimits

import BMSCore
import SmartBMS
import Testing
import TestSupport

@Suite("Target and ceilings")
struct CeilingTests {
    @Test(
        "The target is N x (Vbalance + head)",
        arguments: [
            (Chemistry.lfp, 16, 3400, 54_880), (.lfp, 4, 3400, 13_720), (.nmc, 14, 4000, 56_280),
            (.nca, 14, 4000, 56_280),
            (.lto, 20, 2600, 52_400),
        ])
    func target(chemistry: Chemistry, cells: Int, balance: Int, expected: Int) {
        let input = input(
            {
                $0.cellCount = cells
                $0.balanceVoltage = Millivolts(balance)
                $0.maximumVoltage = Millivolts(balance + 200)
            }, chemistry: chemistry)
        var rule = TargetVoltage()
        #expect(rule.bound(.cvl, "target", input) == expected)
    }

    @Test("Each ceiling has its own name, value and reason")
    func ceilings() {
        var rule = Ceilings()
        let values = rule.evaluate(
            input(configure: {
                $0.maximumChargeCurrent = Milliamperes(30_000)
                $0.maximumDischargeCurrent = Milliamperes(40_000)
                $0.maximumChargeVoltage = Millivolts(54_000)
                $0.fuse = Milliamperes(125_000)
                $0.sensorRange = Milliamperes(250_000)
            }))
        let rows = values.map { "\($0.limit.rawValue) \($0.name) \($0.value): \($0.cause)" }
        #expect(
            Set(rows) == [
                "ccl userCap 30000: configured maximum charge current of 30.0 A",
                "dcl userCap 40000: configured maximum discharge current of 40.0 A",
                "cvl userCap 54000: configured maximum charge voltage of 54.00 V",
                "ccl fuse 125000: fuse of 125.0 A",
                "dcl fuse 125000: fuse of 125.0 A",
                "ccl sensorRange 237500: 95 % of the current sensor's range of 250.0 A",
                "dcl sensorRange 237500: 95 % of the current sensor's range of 250.0 A",
                "ccl cellRating 50000: 0.5 C of 100 Ah for LFP: 50.0 A",
                "dcl cellRating 100000: 1.0 C of 100 Ah for LFP: 100.0 A",
            ])
    }

    @Test("A ceiling that is not configured does not exist")
    func unconfigured() {
        var rule = Ceilings()
        let names = Set(rule.evaluate(input()).map(\.name))
        #expect(names == [.sensorRange, .cellRating])
    }

    @Test(
        "The rate of the chemistry bounds both currents",
        arguments: [
            (Chemistry.lfp, 50_000, 100_000), (.nmc, 50_000, 100_000), (.nca, 50_000, 100_000),
            (.lto, 100_000, 100_000),
            (nil, 20_000, 50_000),
        ])
    func rates(chemistry: Chemistry?, charge: Int, discharge: Int) {
        var rule = Ceilings()
        #expect(rule.bound(.ccl, "cellRating", input(chemistry: chemistry)) == charge)
        #expect(rule.bound(.dcl, "cellRating", input(chemistry: chemistry)) == discharge)
    }

    @Test("An unknown chemistry gets no value that is bolder than another chemistry's")
    func unknownIsCareful() {
        let unknown = ChemistryProfile.of(nil)
        for profile in Chemistry.allCases.map({ ChemistryProfile.of($0) }) {
            #expect(unknown.head <= profile.head)
            #expect(unknown.soft <= profile.soft)
            #expect(unknown.chargeRate <= profile.chargeRate)
            #expect(unknown.dischargeRate <= profile.dischargeRate)
            #expect(unknown.hold >= profile.hold)
            #expect(unknown.resistance >= profile.resistance)
        }
        // LFP's taper reaches 55 degC at a current that NMC no longer has; LTO's charge curve starts far below frost.
        for degrees in -40..<80 {
            let at = Millidegrees(degrees * 1000)
            #expect(unknown.charge.rate(at: at) <= ChemistryProfile.of(.nmc).charge.rate(at: at))
            if degrees <= 0 { #expect(unknown.charge.rate(at: at) == 0) }
        }
    }

    @Test(
        "A user cap, a fuse and a sensor range bind the published limit and give it their reason",
        arguments: [
            ("userCap", 12_000), ("fuse", 20_000), ("sensorRange", 19_000),
        ])
    func binding(name: String, expected: Int) throws {
        var bench = Bench {
            switch name {
            case "userCap":
                $0.maximumChargeCurrent = Milliamperes(12_000)
                $0.maximumDischargeCurrent = Milliamperes(12_000)
            case "fuse": $0.fuse = Milliamperes(20_000)
            default: $0.sensorRange = Milliamperes(20_000)
            }
        }
        bench.run(0...200)
        let limits = try #require(bench.limits)
        for kind in [LimitKind.ccl, .dcl] {
            #expect(limits.value(kind) == expected)
            let binding = try #require(limits.constraints.first { $0.limit == kind })
            #expect(binding.fullName == name)
            #expect(limits.reason(kind) == binding.reason)
        }
    }

    @Test("A cap of the charge voltage binds, even below the floor", arguments: [54_000, 40_000])
    func voltageCap(cap: Int) {
        var bench = Bench { $0.maximumChargeVoltage = Millivolts(cap) }
        bench.run(0...3)
        #expect(bench.limits?.cvl == Millivolts(cap))
    }
}

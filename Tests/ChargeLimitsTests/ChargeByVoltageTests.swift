@testable import ChargeLimits

import BMSCore
import SmartBMS
import TestSupport
import Testing

@Suite("CCL said in volts")
struct ChargeByVoltageTests {
    /// The bound for a pack of 16 x 1 milliohm with these amperes, under a CCL of another constraint.
    private func cvl(
        amperes: Int, pack: Int = 52_640, ccl: Int, name: RuleName = .cold,
        configure: (inout LimitConfiguration) -> Void = { _ in }
    ) -> Int? {
        var input = input({ $0.current = Milliamperes(amperes * 1000) }, configure: configure)
        input.measured.packVoltage = Millivolts(pack)
        input.resistance = 1
        let earlier: [Bound] = [.ccl(Milliamperes(ccl), name, .nothingKnown)]
        var (hold, byVoltage) = (RestHold(), ChargeByVoltage())
        input.elapsed = 0
        let bounds = hold.bounds(input, after: earlier) + byVoltage.bounds(input, after: earlier)
        return bounds.first { $0.limit == .cvl }?.value
    }

    @Test(
        "while charging is forbidden CVL comes down to the pack's own voltage",
        arguments: [.cold, .hot, .alarmCold, .alarmHot, .chargeOff, .deepDischarge, .maximumSoc, .chemistry]
            as [RuleName])
    func forbidden(name: RuleName) { #expect(cvl(amperes: 0, ccl: 0, name: name) == 52_640) }

    @Test("a charge current lowers CVL by its full drop, and a discharge current raises it by half of its drop")
    func rest() {
        #expect(cvl(amperes: 50, pack: 53_440, ccl: 0) == 52_640)
        #expect(cvl(amperes: -50, pack: 51_840, ccl: 0) == 52_240)
    }

    @Test("the rule sets no bound while charging is permitted, or forbidden by another rule")
    func silent() {
        #expect(cvl(amperes: 0, ccl: 10_000) == nil)
        #expect(cvl(amperes: 0, ccl: 0, name: .highestCell) == nil)
    }

    @Test("for chargers that ignore CCL every current is turned into a voltage, from 35 mV a cell below rest on")
    func voltageOnly() {
        #expect(cvl(amperes: 0, ccl: 50_000, name: .userCap) { $0.isVoltageOnly = true } == 52_640 - 16 * 35)
    }

    @Test("CVL stays 0.1 V a cell below Vmin or higher, whatever is measured")
    func floor() { #expect(cvl(amperes: 400, pack: 47_000, ccl: 0) == 16 * 2800) }

    @Test("in the calculator a frozen pack gets CCL 0 and a CVL that does not charge it, with the reason")
    func calculator() throws {
        var bench = Bench()
        bench.run(0...60) {
            $0.lowestTemperature = RawTemperature(262)
            $0.highestTemperature = RawTemperature(264)
            $0.current = .zero
            $0.current1 = .zero
        }
        let limits = try #require(bench.limits)
        #expect(limits.ccl == .zero)
        #expect(limits.cvl <= Millivolts(53_010))
        #expect(limits.reason(.cvl).hasPrefix("no charging: held at the pack's own"))
    }
}

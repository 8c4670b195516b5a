@testable import ChargeLimits

import BMSCore
import SmartBMS
import Testing
import TestSupport

@Suite("Temperature window")
struct TemperatureWindowTests {
    private func bounds(
        _ coldest: Double, _ warmest: Double? = nil, chemistry: Chemistry? = .lfp,
        configure: (inout LimitConfiguration) -> Void = { _ in }
    ) -> [String: Int] {
        var window = TemperatureWindow()
        let input = input(
            {
                // By the paper's rule a count is a whole degree.
                $0.lowestTemperature = RawTemperature(276 + Int(coldest))
                $0.highestTemperature = RawTemperature(276 + Int(warmest ?? coldest))
            }, chemistry: chemistry, scale: .paper, configure: configure)
        return Dictionary(
            uniqueKeysWithValues: window.evaluate(input).map { ("\($0.limit.rawValue) \($0.name)", $0.value) })
    }

    @Test(
        "The coldest cell bounds the charge current by the curve",
        arguments: [
            (Chemistry.lfp, -5.0, 0), (.lfp, 0, 0), (.lfp, 1, 5_000), (.lfp, 3, 7_500), (.lfp, 5, 10_000),
            (.lfp, 10, 25_000),
            (.lfp, 15, 50_000), (.lfp, 45, 50_000), (.nmc, 0, 0), (.nmc, 2, 5_000), (.nmc, 10, 20_000), (.lto, -20, 0),
            (.lto, -10, 20_000), (.lto, 0, 50_000), (.lto, 10, 100_000),
        ])
    func cold(chemistry: Chemistry, degrees: Double, expected: Int) {
        #expect(bounds(degrees, chemistry: chemistry)["ccl cold"] == expected)
    }

    @Test(
        "The warmest cell bounds the charge current by the curve, which ends 1 K below Tmax",
        arguments: [
            (40.0, 50_000), (45, 50_000), (50, 12_000), (52, 7_200), (54, 0), (60, 0),
        ])
    func hot(degrees: Double, expected: Int) {
        #expect(bounds(20, degrees)["ccl hot"] == expected)
    }

    @Test(
        "The discharge current has a curve of its own",
        arguments: [
            (-20.0, 0), (-15, 20_000), (0, 50_000), (10, 100_000), (25, 100_000),
        ])
    func dischargeCold(degrees: Double, expected: Int) {
        #expect(bounds(degrees)["dcl cold"] == expected)
    }

    @Test("The cold end of the charge curve never changes DCL", arguments: [-3.0, 0, 1])
    func coldLeavesLoads(degrees: Double) throws {
        let bounds = bounds(degrees) { $0.minimumChargeTemperature = Millidegrees(5_000) }
        #expect(bounds["ccl cold"] == 0)
        #expect(try #require(bounds["dcl cold"]) >= 40_000)
    }

    @Test("Tmin and Tmax of the file bound the window")
    func configured() {
        let configure: (inout LimitConfiguration) -> Void = {
            $0.minimumChargeTemperature = Millidegrees(8_000)
            $0.minimumDischargeTemperature = Millidegrees(2_000)
            $0.maximumTemperature = Millidegrees(41_000)
        }
        #expect(bounds(8, 20, configure: configure)["ccl cold"] == 0)
        #expect(bounds(2, 20, configure: configure)["dcl cold"] == 0)
        #expect(bounds(20, 40, configure: configure)["ccl hot"] == 0)
        #expect(bounds(20, 40, configure: configure)["dcl hot"] == 0)
        #expect(bounds(20, 30, configure: configure)["ccl cold"] == 50_000)
    }

    @Test(
        "A window of the file never widens the chemistry's",
        arguments: [
            (-30_000, 80_000), (-500, 55_500), (-900, 56_500), (0, 57_000), (400, 51_300),
        ])
    func neverWider(minimum: Int, maximum: Int) {
        for chemistry in [Chemistry.lfp, .nmc, .lto] {
            let profile = ChemistryProfile.of(chemistry)
            let lowest = chemistry == .lto ? -20_000 : 0
            let highest = chemistry == .lto ? 60_000 : chemistry == .lfp ? 55_000 : 50_000
            for millidegrees in stride(from: -60_000, through: 90_000, by: 50) {
                let rate = profile.charge.rate(
                    at: Millidegrees(millidegrees), within: Millidegrees(minimum), Millidegrees(maximum))
                #expect(rate <= profile.chargeRate)
                let isOutside = millidegrees <= max(lowest, minimum) || millidegrees >= min(highest, maximum - 1000)
                if isOutside { #expect(rate == 0, "\(chemistry) at \(millidegrees)") }
            }
        }
    }

    @Test("An empty window permits no current")
    func emptyWindow() {
        let bounds = bounds(20) {
            $0.minimumChargeTemperature = Millidegrees(40_000)
            $0.maximumTemperature = Millidegrees(30_000)
        }
        #expect(bounds["ccl cold"] == 0)
        #expect(bounds["ccl hot"] == 0)
    }

    @Test("Further outside the window no current rises", arguments: [Chemistry.lfp, .nmc, .nca, .lto, nil])
    func monotone(chemistry: Chemistry?) throws {
        var last: [String: Int] = [:]
        for degrees in stride(from: 25.0, through: -60, by: -1) {
            let now = bounds(degrees, 25, chemistry: chemistry)
            for key in ["ccl cold", "dcl cold"] { #expect(try #require(now[key]) <= last[key] ?? .max, "\(degrees)") }
            last = now
        }
        last = [:]
        for degrees in stride(from: 25.0, through: 90, by: 1) {
            let now = bounds(25, degrees, chemistry: chemistry)
            for key in ["ccl hot", "dcl hot"] { #expect(try #require(now[key]) <= last[key] ?? .max, "\(degrees)") }
            last = now
        }
    }
}

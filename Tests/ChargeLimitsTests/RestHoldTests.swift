@testable import ChargeLimits

import BMSCore
import SmartBMS
import TestSupport
import TestThreads
import Testing

/// A pack of 16 cells with 20 milliohm, behind a charger that holds CVL plus an offset and knows no current limit.
private struct Bus {
    var restVoltage: Double
    var offset: Double
    var mostCurrent = 80_000.0
    /// Seconds after which the charge is counted.
    var countsFrom = 0
    var leastCurrent: Double
    /// Seconds at the begin in which no charger runs, and fall of the rest voltage by a load in each, mV.
    var night = (seconds: 0, fall: 0.0)
    /// Rise of the rest voltage by a coulomb, mV: a flat part of the curve of 100 Ah.
    var slope: Double

    init(restVoltage: Double = 52_800, offset: Double = 400, leastCurrent: Double = 0, slope: Double = 0.002) {
        self.restVoltage = restVoltage
        self.offset = offset
        self.leastCurrent = leastCurrent
        self.slope = slope
    }

    private(set) var chargedIn = 0.0
    private(set) var chargedOut = 0.0
    private(set) var current = 0.0
    private var commands: [Double] = []

    /// Passes one second.
    ///
    /// - Returns: the current, mA.
    mutating func step(cvl: Millivolts?) -> Int {
        // The charger obeys two seconds late, and moves by 20 A a second.
        commands.append(Double(cvl?.rawValue ?? 0))
        guard commands.count > 3 else { return 0 }
        let goal = (commands.removeFirst() + offset - restVoltage) / 0.020
        night.seconds -= 1
        if night.seconds >= 0 { restVoltage -= night.fall }
        let wanted = night.seconds >= 0 ? 0 : min(mostCurrent, max(leastCurrent, goal))
        current += min(20_000, max(-20_000, wanted - current))
        restVoltage += current / 1000 * slope
        countsFrom -= 1
        guard countsFrom < 0 else { return Int(current) }
        if current > 300 { chargedIn += current / 3_600_000 }
        if current < -300 { chargedOut -= current / 3_600_000 }
        return Int(current)
    }

    var packVoltage: Int { Int(restVoltage + current * 0.020) / 5 * 5 }
}

@Suite("Forbidden charging with chargers that ignore it", .calculates)
struct RestHoldTests {
    private func run(
        hours: Int, _ bus: inout Bus, hasSensor: Bool = true, configure: (inout LimitConfiguration) -> Void = { _ in },
        _ change: (inout Frame) -> Void
    ) -> (limits: Limits?, highestCVL: Int) {
        var bench = Bench(configure: configure)
        var highest = 0
        for second in 0..<hours * 3600 {
            let current = bus.step(cvl: second < 5 ? Millivolts(0) : bench.limits?.cvl)
            let voltage = bus.packVoltage
            bench.feed(at: Double(second)) {
                $0.setCells(low: voltage / 16 / 5 * 5, high: voltage / 16 / 5 * 5 + 5)
                $0.packVoltage = Millivolts(voltage)
                $0.current = hasSensor ? Milliamperes(current) : nil
                // With 100 Ah the pack has the resistance of the table.
                $0.capacity = WattHours(5_280)
                change(&$0)
            }
            if second > 10, let cvl = bench.limits?.cvl { highest = max(highest, cvl.rawValue) }
        }
        return (bench.limits, highest)
    }

    private static func freeze(_ frame: inout Frame) {
        (frame.lowestTemperature, frame.highestTemperature) = (RawTemperature(265), RawTemperature(266))
    }

    @Test("A solar charger 0.4 V above CVL gets at most 2 % of C into a frozen pack in 6 h", arguments: [0, 200, 400])
    func frozen(offset: Int) {
        var bus = Bus(offset: Double(offset))
        let start = Int(bus.restVoltage)
        let (limits, highest) = run(hours: 6, &bus, Self.freeze)
        #expect(bus.chargedIn <= 2, "\(bus.chargedIn) Ah")
        #expect(highest <= start + 10, "CVL never rises above the rest at which charging was forbidden")
        #expect(limits?.ccl == .zero)
        #expect(limits?.reason(.cvl).contains("no charging: held at") == true)
    }

    @Test("An inverter that exports to hold CVL takes at most 2 % of C out of a frozen pack in 6 h")
    func exports() {
        var bus = Bus(offset: 0, leastCurrent: -60_000)
        _ = run(hours: 6, &bus, Self.freeze)
        #expect(bus.chargedOut <= 2, "\(bus.chargedOut) Ah")
        #expect(bus.chargedIn <= 2, "\(bus.chargedIn) Ah")
    }

    @Test(
        "Without a current sensor CVL goes 35 mV a cell below a pack at rest, and no further", arguments: [0, 200, 400])
    func blind(offset: Int) {
        var bus = Bus(offset: Double(offset))
        let start = Int(bus.restVoltage)
        let (limits, _) = run(hours: 1, &bus, hasSensor: false, Self.freeze)
        #expect(limits?.cvl == Millivolts((start - 560) / 10 * 10))
        #expect(bus.chargedIn <= 0.5, "\(bus.chargedIn) Ah")
    }

    @Test(
        "Without a current sensor a charge that flows when the cold comes is stopped, whatever CCL was",
        arguments: [0, 200, 400], [true, false])
    func blindCharge(offset: Int, isSudden: Bool) {
        var bus = Bus(offset: Double(offset))
        (bus.mostCurrent, bus.countsFrom) = (50_000, 3660)
        var seconds = 0
        let (limits, _) = run(hours: 3, &bus, hasSensor: false) {
            seconds += 1
            let temperature = RawTemperature(max(265, 294 - seconds / 120))
            if !isSudden { ($0.lowestTemperature, $0.highestTemperature) = (temperature, temperature) }
            if isSudden, seconds > 3600 { Self.freeze(&$0) }
        }
        #expect(limits?.ccl == .zero)
        #expect(bus.chargedIn <= 2, "\(bus.chargedIn) Ah")
    }

    @Test(
        "After a night under load CVL without a current sensor is that of the morning's pack, also where the sensor failed",
        arguments: [true, false])
    func blindNight(fails: Bool) {
        var bus = Bus(restVoltage: 53_300)
        (bus.night, bus.countsFrom) = ((36_000, 1_700 / 36_000), 36_000)
        var seconds = 0
        let (limits, _) = run(hours: 12, &bus, hasSensor: fails) {
            seconds += 1
            Self.freeze(&$0)
            if seconds > 30_000 { $0.current = nil }
        }
        #expect(bus.chargedIn <= 2, "\(bus.chargedIn) Ah")
        #expect(limits?.cvl ?? .zero < Millivolts(51_600))
    }

    @Test("voltageOnly without a current sensor charges nothing, also when the sensor fails, and says why")
    func voltageOnlyBlind() {
        var bus = Bus()
        let (limits, _) = run(hours: 1, &bus, hasSensor: false, configure: { $0.isVoltageOnly = true }) { _ in }
        #expect(limits?.ccl == .zero)
        #expect(limits?.reason(.ccl).contains("voltageOnly needs a current sensor") == true)
        #expect(bus.chargedIn <= 0.5, "\(bus.chargedIn) Ah")
        var bench = Bench { $0.isVoltageOnly = true }
        bench.run(0...60)
        #expect(bench.limits?.ccl ?? .zero > .zero)
        let before = bench.limits
        bench.run(61...61) { $0.current = nil }
        #expect(bench.limits?.ccl == before?.ccl, "one frame moves nothing")
        bench.run(62...62)
        #expect(bench.limits?.cvl ?? .zero >= before?.cvl ?? .zero)
        bench.run(63...70) { $0.current = nil }
        #expect(bench.limits?.ccl == .zero)
    }

    @Test("Each cause that forbids charging holds CVL at the pack's own voltage")
    func causes() {
        let causes: [(name: String, change: (inout Frame) -> Void, configure: (inout LimitConfiguration) -> Void)] = [
            ("cold", Self.freeze, { _ in }),
            ("hot", { $0.highestTemperature = RawTemperature(340) }, { _ in }),
            ("refused", { $0.status = .dischargeAllowed }, { $0.relayMode = .critical }),
            ("refused in normal mode", { ($0.status, $0.soc) = (.dischargeAllowed, 94) }, { _ in }),
            ("alarm", { $0.status.insert(.tooCold) }, { _ in }),
            ("ceiling", { ($0.soc, $0.energyStored) = (85, WattHours(4_488)) }, { $0.maximumSoc = 80 }),
        ]
        for cause in causes {
            var bus = Bus()
            let (limits, _) = run(hours: 1, &bus, configure: cause.configure, cause.change)
            #expect(limits?.ccl == .zero, "\(cause.name)")
            #expect(bus.chargedIn <= 1, "\(cause.name): \(bus.chargedIn) Ah")
        }
    }

    @Test("The floor of the charge voltage does not charge a pack that is nearly empty")
    func nearlyEmpty() {
        var bus = Bus(restVoltage: 47_600)
        let (limits, highest) = run(hours: 1, &bus, Self.freeze)
        #expect(highest <= 47_610)
        #expect(limits?.cvl ?? .zero < Millivolts(47_600))
        #expect(bus.chargedIn <= 0.5, "\(bus.chargedIn) Ah")
    }

    @Test(
        "With voltageOnly the current settles at CCL and never passes 1.5 times it",
        arguments: [(0, 20), (200, 20), (400, 20), (400, 8)])
    func voltageOnly(offset: Int, amperes: Int) {
        var bench = Bench {
            $0.isVoltageOnly = true
            $0.maximumChargeCurrent = Milliamperes(amperes * 1000)
        }
        var bus = Bus(offset: Double(offset), slope: 0)
        var worst = 0
        var last: [Int] = []
        for second in 0..<1800 {
            let current = bus.step(cvl: second < 5 ? Millivolts(0) : bench.limits?.cvl)
            let voltage = bus.packVoltage
            bench.feed(at: Double(second)) {
                $0.capacity = WattHours(5_280)
                $0.setCells(low: voltage / 16 / 5 * 5, high: voltage / 16 / 5 * 5 + 5)
                $0.packVoltage = Millivolts(voltage)
                $0.current = Milliamperes(current)
            }
            worst = max(worst, current)
            if second >= 1500 { last.append(current) }
        }
        #expect(worst <= amperes * 1500, "\(worst) mA")
        let tolerance = max(amperes * 100, 1_000)
        #expect(
            last.allSatisfy { abs($0 - amperes * 1000) <= tolerance + 500 }, "\(last.min() ?? 0)...\(last.max() ?? 0)")
    }
}

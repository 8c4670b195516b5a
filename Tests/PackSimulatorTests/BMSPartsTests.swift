import BMSCore
import SmartBMS
import Testing

@testable import PackSimulator

@Suite("Sensors, counters and keys of the simulated BMS")
struct BMSPartsTests {
    @Test(
        "A current is read in the steps and with the blind spot of its manual",
        arguments: [
            (ManualRevision.generation3Rev13, 0.14, 0.0), (.generation3Rev13, 0.3, 0.25),
            (.generation3Rev13, -0.3, -0.25),
            (.generation3Rev6, 0.28, 0), (.generation3Rev6, 0.5, 0.5), (.generation3Rev6, 10.04, 10.0),
            (.generation3Rev13, 47.3, 47.5), (.generation3Rev13, -47.3, -47.5), (.generation3Rev13, 900, 500),
            (.generation2, 1.2, 0), (.generation2, 5.3, 5.5), (.generation2, 180, 100), (.generation2, -180, -100),
        ])
    func currents(revision: ManualRevision, amperes: Double, reading: Double) {
        var random = SplitMix64(seed: 3)
        let made = CurrentSensor(revision, largest: 90, random: &random)
        var ideal = made
        ideal.offset = 0
        ideal.gain = 1
        #expect(Double(ideal.counts(amperes, noise: 0)) / CurrentSensor.countsPerAmpere == reading)
        // The real current differs by no more than its offset, half a per cent and a step.
        let step = abs(amperes) < made.fineRange ? made.fineStep : made.coarseStep
        let slack = 0.125 + step + made.blindSpot + 0.011 * abs(amperes)
        #expect(abs(Double(made.counts(amperes, noise: 0)) / CurrentSensor.countsPerAmpere - reading) <= slack)
    }

    @Test("Generation 2 gets a sensor that is large enough for the installation")
    func sensorChoice() {
        var random = SplitMix64(seed: 3)
        let ranges = [90.0, 104, 106, 300, 530, 5000].map {
            CurrentSensor(.generation2, largest: $0, random: &random).range
        }
        #expect(ranges == [100, 100, 250, 500, 1000, 2000])
    }

    private func counter(soc: Double = 0.5, isCalibrated: Bool = false) -> EnergyCounter {
        EnergyCounter(capacity: WattHours(1000), soc: soc, isCalibrated: isCalibrated, lifetime: 10_000)
    }

    @Test("Counting alone stops at 99 %; a full pack has 100 % and is calibrated")
    func full() {
        var counter = counter(soc: 0.98)
        for _ in 0..<3600 { counter.count(incoming: 100, outgoing: 0) }
        #expect(counter.soc == 99)
        #expect(counter.isUncalibrated)
        counter.markFull()
        #expect(counter.soc == 100)
        #expect(!counter.isUncalibrated)
        for _ in 0..<3600 { counter.count(incoming: 0, outgoing: 20) }
        #expect(counter.soc == 98)
        #expect(abs(counter.stored - 980) < 1e-6)
    }

    @Test("0 % needs a cell under Vmin without discharging for 30 s on end")
    func empty() {
        var counter = counter()
        for second in 0..<90 { counter.watchEmpty(isBelowMinimum: second % 30 != 29, mayDischarge: false) }
        for _ in 0..<90 { counter.watchEmpty(isBelowMinimum: true, mayDischarge: true) }
        #expect(counter.soc == 50)
        for _ in 0..<30 { counter.watchEmpty(isBelowMinimum: true, mayDischarge: false) }
        #expect(counter.soc == 0)
    }

    @Test("Energy of the day and of the lifetime count both directions, and midnight clears the day's")
    func days() {
        var counter = counter()
        for _ in 0..<3600 { counter.count(incoming: 300, outgoing: 100) }
        #expect(abs(counter.inToday - 300) < 1e-6 && abs(counter.outToday - 100) < 1e-6)
        #expect(abs(counter.stored - 700) < 1e-6)
        #expect(abs(counter.lifetimeIn - 10_300) < 1e-6 && abs(counter.lifetimeOut - 9800) < 1e-6)
        counter.startDay()
        #expect(counter.inToday == 0 && counter.outToday == 0)
        #expect(abs(counter.lifetimeIn - 10_300) < 1e-6)
    }

    @Test(
        "Thresholds are the ones that the edition recommends",
        arguments: [
            (ManualRevision.generation3Rev13, Chemistry.lfp, [2900, 3400, 3700]),
            (.generation3Rev6, .lfp, [3000, 3400, 3700]),
            (.generation3Dealer, .lfp, [2900, 3400, 3700]), (.generation2, .lfp, [2700, 3400, 3600]),
            (.generation3Rev13, .lto, [2150, 2600, 2800]), (.generation3Rev6, .lto, [2150, 2600, 2700]),
            (.generation3Rev13, .nmc, [3490, 4000, 4150]), (.generation3Dealer, .nmc, [3430, 4000, 4100]),
            (.generation3Rev13, .nca, [3400, 4000, 4150]), (.generation3Rev6, .nca, [3430, 4100, 4150]),
        ])
    func thresholds(revision: ManualRevision, chemistry: Chemistry, millivolts: [Int]) {
        let thresholds = revision.thresholds(chemistry)
        #expect([thresholds.minimum, thresholds.balance, thresholds.maximum].map(\.rawValue) == millivolts)
    }
}

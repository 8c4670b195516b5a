import BMSCore
import SmartBMS
import PackSimulator
import TestSupport
import TestThreads
import Testing

@Suite("Power systems that follow limits", .calculates)
struct PowerTests {
    private func run(
        _ simulator: inout Simulator, _ seconds: Int, _ limits: GivenLimits, _ look: (PackTruth) -> Void = { _ in }
    ) {
        for _ in 0..<seconds {
            _ = simulator.step(limits: limits)
            look(simulator.truth)
        }
    }

    @Test("Charging stays under CCL from 2 s plus the ramp on, and rises again", arguments: [0, 5000, 12_500])
    func chargeCurrent(ccl: Int) {
        var simulator = Simulator(scenario: .silence)
        run(&simulator, 60, GivenLimits())
        #expect(simulator.truth.batteryCurrent > 13)
        let limits = GivenLimits(ccl: Milliamperes(ccl))
        run(&simulator, 2, limits)
        #expect(simulator.truth.batteryCurrent > 13, "commands take two seconds")
        run(&simulator, 3, limits)
        run(&simulator, 300, limits) { #expect($0.batteryCurrent <= Double(ccl) / 1000 + 0.1) }
        #expect(simulator.truth.batteryCurrent > Double(ccl) / 1000 - 0.5)
        run(&simulator, 10, GivenLimits())
        #expect(simulator.truth.batteryCurrent > 13)
    }

    @Test("Discharging stays under DCL from 2 s plus the ramp on", arguments: [0, 3000, 10_000])
    func dischargeCurrent(dcl: Int) {
        var simulator = Simulator(scenario: .empty, behaviour: PowerBehaviour())
        run(&simulator, 60, GivenLimits())
        #expect(simulator.truth.batteryCurrent < -15)
        let limits = GivenLimits(dcl: Milliamperes(dcl))
        run(&simulator, 4, limits)
        // The monitor's load goes on past the relay: 1 % C.
        run(&simulator, 300, limits) { #expect($0.batteryCurrent >= -max(Double(dcl) / 1000, 1.2) - 0.1) }
    }

    @Test("The pack comes to CVL and stays there", arguments: [53_500, 54_000, 54_600])
    func chargeVoltage(cvl: Int) {
        var simulator = Simulator(scenario: .full, mode: .critical)
        let limits = GivenLimits(cvl: Millivolts(cvl))
        run(&simulator, 10, limits)
        run(&simulator, 3600, limits) { #expect($0.packVoltage < Double(cvl) / 1000 + 0.08) }
        #expect(abs(simulator.truth.packVoltage - Double(cvl) / 1000) < 0.05)
    }

    @Test(
        "Without limits chargers hold the manual's voltage of Vbalance + 30 mV per cell", arguments: Chemistry.allCases)
    func ownVoltage(chemistry: Chemistry) {
        var simulator = Simulator(scenario: .full, chemistry: chemistry, mode: .critical)
        for _ in 0..<5400 { _ = simulator.step() }
        let balance = chemistry == .lfp ? 3.4 : chemistry == .lto ? 2.6 : 4.0
        #expect(abs(simulator.truth.packVoltage - 16 * (balance + 0.03)) < 0.06)
    }

    private func behaviour(_ change: (inout PowerBehaviour) -> Void) -> PowerBehaviour {
        var behaviour = PowerBehaviour()
        change(&behaviour)
        return behaviour
    }

    @Test("A charger above CVL holds the pack above CVL by its offset", arguments: [-400, 200, 400])
    func offset(millivolts: Int) {
        var simulator = Simulator(
            scenario: .full, mode: .critical, behaviour: behaviour { $0.voltageOffset = Millivolts(millivolts) })
        run(&simulator, 3600, GivenLimits(cvl: Millivolts(53_800)))
        #expect(abs(simulator.truth.packVoltage - 53.8 - Double(millivolts) / 1000) < 0.06)
    }

    @Test("A charger that does not know CVL charges to its own voltage")
    func ignoredVoltage() {
        var simulator = Simulator(scenario: .full, mode: .critical, behaviour: behaviour { $0.obeysVoltage = false })
        run(&simulator, 5400, GivenLimits(cvl: Millivolts(52_000)))
        #expect(abs(simulator.truth.packVoltage - 16 * 3.43) < 0.06)
    }

    @Test("A charger that does not know CCL charges on at CCL 0")
    func ignoredCurrent() {
        var simulator = Simulator(scenario: .silence, behaviour: behaviour { $0.obeysCurrent = false })
        run(&simulator, 300, GivenLimits(ccl: .zero))
        #expect(simulator.truth.batteryCurrent > 13)
    }

    @Test("CCL arrives late for a charger with a delay, but CVL and DCL do not")
    func lateCurrent() {
        var simulator = Simulator(scenario: .silence, behaviour: behaviour { $0.currentDelay = 45 })
        run(&simulator, 60, GivenLimits())
        run(&simulator, 44, GivenLimits(ccl: .zero))
        #expect(simulator.truth.batteryCurrent > 13)
        run(&simulator, 6, GivenLimits(ccl: .zero))
        #expect(abs(simulator.truth.batteryCurrent) < 0.2)
        run(&simulator, 60, GivenLimits())
        run(&simulator, 5, GivenLimits(cvl: Millivolts(40_000)))
        #expect(simulator.truth.chargerCurrent < 0.1)
    }

    @Test("An inverter that knows DCL 0 alone gives loads their current at any other DCL, and none at 0")
    func zeroOnly() {
        var simulator = Simulator(scenario: .empty, behaviour: behaviour { $0.discharge = .zeroOnly })
        run(&simulator, 60, GivenLimits(dcl: Milliamperes(3_000)))
        #expect(simulator.truth.batteryCurrent < -15)
        run(&simulator, 10, GivenLimits(dcl: .zero))
        #expect(simulator.truth.batteryCurrent > -1.3)
    }

    @Test("An inverter that exports brings the pack down to CVL and holds it there")
    func exports() {
        var simulator = Simulator(scenario: .silence, behaviour: behaviour { $0.exports = true })
        run(&simulator, 60, GivenLimits())
        let rest = simulator.truth.packVoltage
        run(&simulator, 300, GivenLimits(cvl: Millivolts(Int(rest * 1000) - 1_000)))
        #expect(simulator.truth.loadCurrent > 10)
        #expect(abs(simulator.truth.packVoltage - rest + 1) < 0.05)
    }

    @Test("Wild limits do no harm", arguments: [Int.min, -1, Int.max])
    func wildLimits(number: Int) {
        var simulator = Simulator(scenario: .day)
        run(
            &simulator, 600,
            GivenLimits(cvl: Millivolts(number), ccl: Milliamperes(number), dcl: Milliamperes(number))
        ) { truth in
            #expect(truth.cellVoltages.allSatisfy { $0 > 2 && $0 < 4.5 })
            #expect(truth.chargerCurrent >= 0 && truth.loadCurrent >= 0)
            #expect(truth.chargerCurrent <= 50.1 && truth.loadCurrent <= 100.5)
        }
    }

    @Test("An open relay stops its current")
    func openRelays() {
        var simulator = Simulator(scenario: .fault)
        var wasCharge = true
        var wasLoad = true
        var opened = 0
        run(&simulator, 420, GivenLimits()) { truth in
            if !wasCharge { #expect(truth.chargerCurrent == 0) }
            if !wasLoad { #expect(truth.loadCurrent == 0) }
            if !truth.isChargeRelayClosed || !truth.isLoadRelayClosed { opened += 1 }
            (wasCharge, wasLoad) = (truth.isChargeRelayClosed, truth.isLoadRelayClosed)
        }
        #expect(opened > 100)
    }
}

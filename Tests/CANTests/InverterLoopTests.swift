import BMSCore
import BatteryEngine
import PackSimulator
import SmartBMS
import TestSupport
import TestThreads
import Testing

@testable import CANFrames

/// A simulated pack whose charger and inverter know nothing but the frames of the bus: they obey the newest limits, and stop 3 s after
/// the last of them.
private struct InverterLoop {
    private static let patience: Int64 = 3_000
    var simulator: Simulator
    var harness: CANHarness
    /// The BMS's frames reach the bridge.
    var isCableIn = true
    private var heard: (limits: GivenLimits, at: Int64)?

    init(_ scenario: Scenario, _ kind: CANProtocol, seed: UInt64) {
        simulator = Simulator(scenario: scenario, mode: .critical, seed: seed)
        harness = CANHarness(kind)
        harness.resolution = 50
        harness.isCableIn = false
        harness.hear(.opened)
    }

    /// The pack is charged, or gives more than the standby of the electronics, about 5 A, which nothing switches off.
    static func isUsed(_ truth: PackTruth) -> Bool { truth.batteryCurrent > 0.1 || truth.batteryCurrent < -5.1 }

    var isUsed: Bool { Self.isUsed(simulator.truth) }

    mutating func run(_ seconds: Int, _ look: (PackTruth) -> Void = { _ in }) {
        for _ in 0..<seconds {
            var limits = GivenLimits(ccl: .zero, dcl: .zero)
            if let heard, harness.milliseconds - heard.at < Self.patience { limits = heard.limits }
            let frame = simulator.step(limits: limits)
            if let frame, isCableIn { harness.step(.bytes(frame, pack: 0, age: 0)) }
            harness.pass(1_000)
            for (time, frame) in harness.sent where frame.id == 0x351 {
                heard = (
                    GivenLimits(
                        cvl: Millivolts(frame.number(0) * 100), ccl: Milliamperes(frame.number(2) * 100),
                        dcl: Milliamperes(frame.number(4) * 100)), time
                )
            }
            harness.clear()
            look(simulator.truth)
        }
    }
}

@Suite("An inverter that knows nothing but frames", .calculates)
struct InverterLoopTests {
    @Test(
        "no relay opens, no cell is overcharged, and the pack is used",
        arguments: [
            (Scenario.day, CANProtocol.victron), (.full, .pylontech), (.imbalanced, .victron),
        ])
    func loop(scenario: Scenario, kind: CANProtocol) {
        var loop = InverterLoop(scenario, kind, seed: 3)
        var (openings, over, used) = (0, 0, 0.0)
        loop.run(3_600) { truth in
            if !truth.isChargeRelayClosed || !truth.isLoadRelayClosed { openings += 1 }
            if truth.cellVoltages.contains(where: { $0 > 3.45 }) { over += 1 }
            used += truth.batteryCurrent.magnitude
        }
        #expect(openings == 0 && over == 0, "\(openings) seconds with an open relay, \(over) above 3.45 V")
        #expect(used / 3_600 > 0.5, "\(used / 3_600) Ah")
        #expect(loop.harness.warnings.isEmpty)
    }

    @Test(
        "a bus that breaks stops the inverter within eight seconds, and it goes on within four when the bus is whole again"
    )
    func broken() {
        var loop = InverterLoop(.day, .victron, seed: 3)
        loop.run(600)
        #expect(loop.isUsed)
        loop.harness.isConfirming = false
        // Three seconds until it stops, and some until its current has ended.
        loop.run(8)
        loop.run(120) { truth in #expect(!InverterLoop.isUsed(truth)) }
        loop.harness.isConfirming = true
        loop.harness.hear(.confirmed)
        loop.run(4)
        #expect(loop.isUsed)
    }

    @Test("a pulled cable ends the charge after 16 s and everything after 68 s")
    func cable() {
        var loop = InverterLoop(.day, .pylontech, seed: 3)
        loop.run(600)
        loop.isCableIn = false
        loop.run(16)
        #expect(loop.simulator.truth.batteryCurrent < 0.1)
        loop.run(52)
        loop.run(60) { truth in #expect(!InverterLoop.isUsed(truth)) }
        loop.isCableIn = true
        loop.run(30)
        #expect(loop.isUsed)
    }
}

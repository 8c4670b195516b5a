import BMSCore
import SmartBMS
import Testing

@testable import PackSimulator

@Suite("Cells obey conservation")
struct PhysicsTests {
    private func pack(_ chemistry: Chemistry, soc: Double, count: Int = 4, capacity: Double = 100) -> CellPack {
        var random = SplitMix64(seed: 7)
        return CellPack(
            CellModel.of(chemistry), count: count, capacity: capacity, soc: soc, ahead: nil, temperature: 20,
            revision: .generation3Rev13, random: &random)
    }

    @Test(
        "The exponential function agrees with known values",
        arguments: [
            (0.0, 1.0), (1, 2.718_281_828_459_045), (-1, 0.367_879_441_171_442_3), (-0.001, 0.999_000_499_833_375),
            (10, 22_026.465_794_806_718), (-30, 9.357_622_968_840_175e-14),
        ])
    func exponentialFunction(argument: Double, value: Double) {
        #expect(abs(exponential(argument) / value - 1) < 1e-14)
    }

    @Test("A rest voltage curve passes through its knots, rises, and can be inverted", arguments: Chemistry.allCases)
    func curve(chemistry: Chemistry) {
        let curve = CellModel.of(chemistry).rest
        var last = curve.volts(at: -0.05)
        for step in 1...200 {
            let soc = -0.05 + Double(step) * 0.005
            let volts = curve.volts(at: soc)
            #expect(volts > last)
            #expect(abs(curve.soc(at: volts) - soc) < 1e-9)
            #expect(curve.slope(at: soc) > 0)
            last = volts
        }
        if chemistry == .lfp {
            #expect(abs(curve.volts(at: 0.5) - 3.288) < 1e-12)
            #expect(abs(curve.volts(at: 0.995) - 3.416) < 1e-12)
        }
    }

    @Test("Charge in equals charge stored, less the share of boards and bypass", arguments: Chemistry.allCases)
    func charge(chemistry: Chemistry) {
        var pack = pack(chemistry, soc: 0.4)
        pack.cells[2].isBypassing = true
        let before = pack.cells
        for second in 0..<3000 { pack.step(current: second < 2000 ? 50 : -30, ambient: 20) }
        let supplied = (2000.0 * 50 - 1000 * 30) / 3600
        for (index, cell) in pack.cells.enumerated() {
            let taken = 3000.0 / 3600 * (cell.drain + (index == 2 ? CellPack.bypassCurrent : 0))
            let stored = (cell.soc - before[index].soc) * cell.capacity
            #expect(abs(stored - (supplied - taken)) < 1e-6)
        }
    }

    @Test("Energy in equals energy stored plus heat, within a thousandth", arguments: Chemistry.allCases)
    func energy(chemistry: Chemistry) {
        var pack = pack(chemistry, soc: 0.3)
        var supplied = 0.0
        var stored = 0.0
        var heat = 0.0
        for second in 0..<3600 {
            let current = second % 600 < 400 ? 60.0 : -20.0
            let before = pack.cells
            pack.step(current: current, ambient: 20)
            for (index, cell) in pack.cells.enumerated() {
                // The boards draw their current at the terminals, so the cell has its inner current.
                supplied += cell.voltage * cell.innerCurrent
                let rest = (pack.kind.rest.volts(at: cell.soc) + pack.kind.rest.volts(at: before[index].soc)) / 2
                stored += rest * (cell.soc - before[index].soc) * cell.capacity * 3600
                heat += cell.heat
            }
        }
        let model = CellModel.of(chemistry)
        let polarised = pack.cells.reduce(0.0) { sum, cell in
            sum + cell.polarisation.fast * cell.polarisation.fast * model.fast.seconds / cell.fast / 2
                + cell.polarisation.slow * cell.polarisation.slow * model.slow.seconds / cell.slow / 2
        }
        #expect(heat > 0)
        #expect(abs(supplied - (stored + heat + polarised)) < 0.001 * supplied)
    }

    @Test("A working cell warms by its losses, and a resting one reaches the air's temperature")
    func heat() {
        var pack = pack(.nmc, soc: 0.2)
        for second in 0..<3600 { pack.step(current: second % 200 < 100 ? 100 : -100, ambient: 20) }
        #expect(pack.cells.allSatisfy { $0.temperature > 22 && $0.temperature < 60 })
        for _ in 0..<40_000 { pack.step(current: 0, ambient: 5) }
        #expect(pack.cells.allSatisfy { abs($0.temperature - 5) < 0.1 })
    }

    @Test("A balancing board reads more than 10 K warmer than its cell")
    func boardWarmth() {
        var pack = pack(.lfp, soc: 0.5)
        pack.cells[1].isBypassing = true
        for _ in 0..<1800 { pack.step(current: 0, ambient: 20) }
        #expect(pack.cells[1].boardTemperature - pack.cells[1].temperature > 10)
        #expect(abs(pack.cells[0].boardTemperature - pack.cells[0].temperature) < 1e-9)
    }

    @Test("Any size of cell stays finite under a rough current", arguments: [0.01, 1, 100, 10_000])
    func stability(capacity: Double) {
        var pack = pack(.lfp, soc: 0.5, count: 2, capacity: capacity)
        for second in 0..<2000 { pack.step(current: (second % 2 == 0 ? 2 : -2) * capacity, ambient: 20) }
        #expect(pack.cells.allSatisfy { $0.voltage > 1 && $0.voltage < 6 && $0.temperature < 200 })
    }

    @Test("Random numbers keep their range, mean and deviation, and follow the reference sequence")
    func randomNumbers() {
        var random = SplitMix64(seed: 1_234_567)
        #expect(random.next() == 6_457_827_717_110_365_317)
        #expect(random.next() == 3_203_168_211_198_807_973)
        let bells = (0..<20_000).map { _ in random.bell(2) }
        let mean = bells.reduce(0, +) / 20_000
        let variance = bells.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
        #expect(abs(mean) < 0.05 && abs(variance - 4) < 0.15)
        #expect(bells.allSatisfy { abs($0) <= 7 })
        #expect((0..<1000).allSatisfy { _ in (3...4).contains(random.uniform(3...4)) })
    }
}

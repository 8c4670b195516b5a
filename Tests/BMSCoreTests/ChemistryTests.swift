import BMSCore
import SmartBMS
import TestSupport
import Testing

@Suite("Thresholds and chemistry")
struct ChemistryTests {
    /// Thresholds of a cell in mV, and V-full where the keys gave it.
    struct Case: Sendable, CustomTestStringConvertible {
        var balance: Int
        var minimum: Int
        var maximum: Int
        var full: Int?
        var expected: Chemistry?

        init(_ balance: Int, _ minimum: Int, _ maximum: Int, full: Int? = nil, _ expected: Chemistry?) {
            (self.balance, self.minimum, self.maximum, self.full) = (balance, minimum, maximum, full)
            self.expected = expected
        }

        var testDescription: String { "\(balance) \(minimum) \(maximum) \(full ?? 0)" }
    }

    private static func chemistry(_ one: Case) -> Chemistry? {
        Chemistry(
            balance: Millivolts(one.balance), minimum: Millivolts(one.minimum), maximum: Millivolts(one.maximum),
            full: one.full.map { Millivolts($0) })
    }

    @Test(
        "Vbalance decides the chemistry, whatever V-full and Vmin say",
        arguments: [
            Case(3400, 2900, 3650, .lfp), Case(3300, 2500, 3650, .lfp), Case(3595, 2500, 3650, .lfp),
            Case(3400, 2500, 3650, full: 2700, .lfp), Case(3400, 2900, 3650, full: 4000, .lfp),
            Case(3400, 3200, 3650, .lfp), Case(3295, 2900, 3650, nil), Case(3700, 2900, 4200, nil),
            Case(3845, 3000, 4200, nil), Case(3850, 3000, 4200, .nca), Case(4100, 3420, 4200, .nca),
            Case(4100, 3425, 4200, .nmc), Case(3900, 2000, 4200, .nca), Case(2650, 2000, 2800, .lto),
            Case(2345, 1800, 2800, nil), Case(2350, 1800, 2800, .lto),
        ])
    func balance(one: Case) { #expect(Self.chemistry(one) == one.expected) }

    @Test(
        "V-full decides within 0.1 V of a Vbalance that fits no chemistry",
        arguments: [
            Case(3280, 2900, 3650, full: 3380, .lfp), Case(3280, 2900, 3650, full: 3385, nil),
            Case(3800, 3000, 4200, full: 3900, .nca), Case(3750, 3000, 4200, full: 3650, .lfp),
        ])
    func full(one: Case) { #expect(Self.chemistry(one) == one.expected) }

    @Test(
        "With balancing off Vmin and Vmax decide",
        arguments: [
            Case(0, 2900, 3650, .lfp), Case(2900, 2900, 3650, .lfp), Case(3605, 2900, 3650, .lfp),
            Case(65_535 * 5, 2900, 3750, full: 4000, .lfp), Case(0, 3000, 4200, .nca), Case(0, 3500, 4200, .nmc),
            Case(0, 1800, 2800, .lto), Case(0, 2900, 3800, nil), Case(0, 3300, 3650, nil), Case(0, 2400, 4200, nil),
            Case(0, 0, 0, nil), Case(0, 2900, 3100, nil),
        ])
    func off(one: Case) { #expect(Self.chemistry(one) == one.expected) }

    @Test("No combination of thresholds gives a chemistry with an impossible Vbalance, or traps")
    func sweep() {
        for balance in stride(from: 0, through: 5000, by: 50) {
            for minimum in stride(from: 0, through: 4000, by: 100) {
                for maximum in stride(from: 0, through: 5000, by: 100) {
                    let one = Case(balance, minimum, maximum, nil)
                    guard let chemistry = Self.chemistry(one), maximum - balance >= 50, balance > minimum else {
                        continue
                    }
                    let (usual, highest) = (chemistry.usualBalanceVoltage, chemistry.highestCellVoltage)
                    #expect((Millivolts(balance) - usual).magnitude <= Millivolts(250))
                    #expect(Millivolts(balance) <= highest)
                }
            }
        }
    }

    private func settings(_ balance: Int, _ minimum: Int, _ maximum: Int) -> PackSettings {
        PackSettings(
            cellCount: 16, minimumVoltage: Millivolts(minimum), maximumVoltage: Millivolts(maximum),
            balanceVoltage: Millivolts(balance), capacity: WattHours(14_800))
    }

    /// Cases: chemistry, Vbalance, Vmin and Vmax in mV, and the threshold that contradicts.
    static let contradictions: [(Chemistry, [Int], ThresholdFault.Threshold?)] = [
        (.lfp, [3400, 2900, 3650], nil), (.lfp, [3400, 2900, 3750], nil), (.lfp, [3400, 2900, 3755], .maximum),
        (.lfp, [3300, 2000, 3650], nil), (.lfp, [3295, 2000, 3650], .balance), (.lfp, [3650, 2000, 3700], nil),
        (.lfp, [3655, 2000, 3705], .balance), (.lfp, [3400, 1995, 3650], .minimum), (.lfp, [3400, 3250, 3650], nil),
        (.lfp, [3400, 3255, 3650], .minimum), (.lfp, [4000, 3000, 4200], .maximum),
        // Balancing is off: Vbalance is not judged.
        (.lfp, [3650, 2900, 3650], nil), (.lfp, [2900, 2900, 3650], nil), (.lfp, [0, 2900, 3650], nil),
        (.nmc, [4000, 3000, 4200], nil), (.nca, [4200, 2500, 4300], nil), (.nca, [4200, 2495, 4300], .minimum),
        (.nmc, [3845, 3000, 4200], .balance), (.nmc, [4000, 3000, 4305], .maximum),
        (.nmc, [4000, 3655, 4200], .minimum),
        (.nmc, [3400, 2900, 3650], .maximum), (.nmc, [3650, 2900, 3650], .maximum),
        (.lto, [2600, 1800, 2850], nil), (.lto, [2600, 1800, 2955], .maximum), (.lto, [2345, 1800, 2850], .balance),
        (.lto, [2600, 1495, 2850], .minimum), (.lto, [2600, 2355, 2850], .minimum),
        (.lto, [3400, 2900, 3650], .maximum),
    ]

    @Test("A threshold outside a chemistry's range contradicts it", arguments: contradictions)
    func accepts(one: (chemistry: Chemistry, volts: [Int], expected: ThresholdFault.Threshold?)) throws {
        let settings = settings(one.volts[0], one.volts[1], one.volts[2])
        let fault = one.chemistry.accepts(settings)
        #expect(fault?.threshold == one.expected)
        guard let fault else { return }
        #expect(!fault.range.contains(fault.value))
    }

    @Test("The sentence about a contradiction names the BMS's value and the chemistry's range")
    func sentence() {
        let fault = Chemistry.lfp.accepts(settings(4000, 3000, 4200))
        #expect(fault?.sentence == "the BMS has Vmax 4.200 V, and LFP cells need 3.300 to 3.750 V")
    }

    @Test("A chemistry inferred from thresholds contradicts at most their Vmin and Vmax")
    func inferred() {
        var random = SeededRandom(7)
        for _ in 0..<RandomCases.count(2000) {
            let volts = (0..<3).map { _ in Int.random(in: 300...900, using: &random) * 5 }.sorted()
            let settings = settings(volts[1], volts[0], volts[2])
            let chemistry = Chemistry(
                balance: settings.balanceVoltage, minimum: settings.minimumVoltage, maximum: settings.maximumVoltage,
                full: nil)
            guard let chemistry else { continue }
            #expect(chemistry.accepts(settings)?.threshold != .balance)
            if settings.isBalancingOff { #expect(chemistry.accepts(settings) == nil) }
        }
    }
}

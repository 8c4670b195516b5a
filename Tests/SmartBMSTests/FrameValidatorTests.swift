import BMSCore
import SmartBMS
import Testing
import TestSupport

/// A change of a good frame, with its rejection by the rules.
struct Damage: Sendable, CustomTestStringConvertible {
    var name: String
    var rejection: Rejection
    var change: @Sendable (inout Frame) -> Void

    init(_ name: String, _ rejection: Rejection, _ change: @escaping @Sendable (inout Frame) -> Void) {
        self.name = name
        self.rejection = rejection
        self.change = change
    }

    var testDescription: String { name }

    static let shape: [Damage] = [
        Damage("no cells", .cellCount) { $0.cellCount = 0 },
        Damage("lowest cell 0", .cellNumber) { $0.lowestVoltageCell = 0 },
        Damage("highest cell 17 of 16", .cellNumber) { $0.highestVoltageCell = 17 },
        Damage("coldest cell 0", .cellNumber) { $0.lowestTemperatureCell = 0 },
        Damage("warmest cell 255 of 16", .cellNumber) { $0.highestTemperatureCell = 255 },
        Damage("SoC 101 %", .soc) { $0.soc = 101 },
        Damage("lowest above highest", .voltageOrder) { $0.lowestVoltage = Millivolts(3325) },
        Damage("coldest above warmest", .temperatureOrder) { $0.lowestTemperature = RawTemperature(298) },
    ]

    static let plausibility: [Damage] = [
        Damage("sensor 1 beyond 2000 A", .current) { $0.current1 = Milliamperes(2_000_125) },
        Damage("sensor 2 beyond 2000 A", .current) { $0.current2 = Milliamperes(-2_000_125) },
        Damage("battery current beyond 2000 A", .current) { $0.current = Milliamperes(-2_000_125) },
        Damage("a cell below 1 V", .cellVoltage) { $0.lowestVoltage = Millivolts(995) },
        Damage("a cell above 5.5 V", .cellVoltage) { $0.highestVoltage = Millivolts(5505) },
        Damage("Vmin below 0.5 V", .thresholds) { $0.minimumVoltage = Millivolts(495) },
        Damage("Vmax above 5.5 V", .thresholds) { $0.maximumVoltage = Millivolts(5505) },
        Damage("Vmin equal to Vmax", .thresholds) { $0.minimumVoltage = $0.maximumVoltage },
        Damage("colder than the boards measure", .temperature) { $0.lowestTemperature = RawTemperature(211) },
        Damage("warmer than the boards measure", .temperature) { $0.highestTemperature = RawTemperature(376) },
        Damage("pack voltage too low", .packVoltage) { $0.packVoltage = Millivolts(51_000) },
        Damage("pack voltage too high", .packVoltage) { $0.packVoltage = Millivolts(55_000) },
    ]
}

@Suite("Frame rules")
struct FrameValidatorTests {
    private func verdict(_ rules: FrameValidator, _ bytes: [UInt8]) -> Rejection? {
        if case .failure(let rejected) = rules.check(bytes.span) { rejected.rejection } else { nil }
    }

    @Test("A good frame obeys the rules")
    func good() {
        #expect(verdict(FrameValidator(), FrameFixture.bytes()) == nil)
    }

    @Test("A frame of broken shape is refused by either kind of rules", arguments: Damage.shape)
    func shape(damage: Damage) {
        #expect(verdict(.shapeOnly, FrameFixture.bytes(damage.change)) == damage.rejection)
        #expect(verdict(FrameValidator(), FrameFixture.bytes(damage.change)) == damage.rejection)
    }

    @Test("Values that no battery can have are refused by plausibility alone", arguments: Damage.plausibility)
    func plausibility(damage: Damage) {
        #expect(verdict(FrameValidator(), FrameFixture.bytes(damage.change)) == damage.rejection)
        #expect(verdict(.shapeOnly, FrameFixture.bytes(damage.change)) == nil)
    }

    @Test("Values on the bounds are plausible")
    func bounds() {
        let bytes = FrameFixture.bytes {
            $0.current1 = Milliamperes(2_000_000)
            $0.current = Milliamperes(-2_000_000)
            $0.lowestTemperature = RawTemperature(212)
            $0.highestTemperature = RawTemperature(375)
            $0.soc = 100
        }
        #expect(verdict(FrameValidator(), bytes) == nil)
    }

    @Test("Each byte other than the three signs that changes breaks the sum", arguments: 0..<58)
    func sum(offset: Int) {
        var bytes = FrameFixture.bytes()
        bytes[offset] ^= 0x10
        #expect(verdict(.shapeOnly, bytes) == ([3, 6, 9].contains(offset) ? .signs : .sum))
    }

    @Test("58 zero bytes have a right sum and are not a frame")
    func zeros() {
        #expect(verdict(.shapeOnly, [UInt8](repeating: 0, count: 58)) == .signs)
    }

    @Test(
        "Another cell count than the configured one is refused, comm error or not", arguments: [0x03, 0x07] as [UInt8])
    func expectedCells(status: UInt8) {
        var plausibility = FrameValidator.Plausibility()
        plausibility.expectedCells = 15
        let bytes = FrameFixture.bytes { $0.status = StatusFlags(rawValue: status) }
        #expect(verdict(FrameValidator(plausibility: plausibility), bytes) == .cellCount)
        plausibility.expectedCells = 16
        #expect(verdict(FrameValidator(plausibility: plausibility), bytes) == nil)
    }

    @Test(
        "A frame without cell communication is judged by signs, sum and count alone",
        arguments: Damage.shape + Damage.plausibility)
    func commError(damage: Damage) {
        let bytes = FrameFixture.bytes {
            damage.change(&$0)
            $0.status = .noCellCommunication
        }
        #expect(verdict(FrameValidator(), bytes) == (damage.rejection == .cellCount ? .cellCount : nil))
    }

    @Test(
        "The pack voltage may lie 3 % and 20 mV outside what the cells allow",
        arguments: [
            // 16 cells of 3.300 V: 52.800 V.
            (51_240, Rejection.packVoltage), (51_245, nil), (54_450, nil), (54_455, .packVoltage),
        ])
    func packTolerance(pack: Int, rejection: Rejection?) {
        let bytes = FrameFixture.bytes {
            $0.setCells(low: 3300, high: 3300)
            $0.packVoltage = Millivolts(pack)
        }
        #expect(verdict(FrameValidator(), bytes) == rejection)
    }

    @Test("Every refusal names the refused value", arguments: Rejection.allCases)
    func meaning(rejection: Rejection) {
        #expect(!rejection.meaning.isEmpty)
    }
}

import BMSCore
import SmartBMS
import Testing

@Suite("Option switches follow the manuals' tables")
struct OptionSwitchesTests {
    /// "10110" stands for ON OFF ON ON OFF, in the order of switch numbers.
    private func pattern(_ switches: [OptionSwitch], _ numbers: [Int]) -> String {
        numbers.map { number in switches.first { $0.number == number }.map { $0.isOn ? "1" : "0" } ?? "?" }.joined()
    }

    @Test(
        "Generation 3 has rows of cell counts: both ends of each range",
        arguments: [
            ("000", 2...4), ("001", 5...8), ("010", 9...16), ("011", 17...25), ("100", 26...40), ("101", 41...80),
            ("110", 81...150), ("111", 151...255),
        ])
    func generation3Cells(row: String, range: ClosedRange<Int>) throws {
        for cells in [range.lowerBound, range.upperBound] {
            let settings = try OptionSwitches.positions(cells: cells, balance: Millivolts(3400), generation: .three)
            #expect(pattern(settings.switches, [1, 2, 3]) == row)
            #expect(settings.cellRange == range)
            #expect(settings.switches.map(\.number) == Array(1...8))
            #expect(settings.programming.isEmpty)
            #expect(settings.board == "Begin Board")
        }
    }

    @Test(
        "Generation 3 has rows of balance voltages",
        arguments: [
            ("00000", nil), ("00001", 1900), ("00010", 2000), ("00011", 2100), ("00100", 2200), ("00101", 2300),
            ("00110", 2400), ("00111", 2500), ("01000", 2600), ("01001", 2700), ("01010", 2800), ("01011", 2900),
            ("01100", 3000), ("01101", 3100), ("01110", 3200), ("01111", 3300), ("10000", 3400), ("10001", 3500),
            ("10010", 3600), ("10011", 3700), ("10100", 3800), ("10101", 3900), ("10110", 4000), ("10111", 4100),
            ("11000", 4200), ("11001", 4300), ("11010", 4400), ("11011", 4500), ("11100", 4600), ("11101", 4700),
            ("11110", 4800), ("11111", 4900),
        ] as [(String, Int?)])
    func generation3Balance(row: String, millivolts: Int?) throws {
        let settings = try OptionSwitches.positions(
            cells: 16, balance: millivolts.map { Millivolts($0) }, generation: .three)
        #expect(pattern(settings.switches, [4, 5, 6, 7, 8]) == row)
    }

    @Test(
        "Generation 2 has rows of cell counts, set while switch 8 is toggled",
        arguments: [
            ("0000", 4), ("0001", 8), ("0010", 12), ("0011", 16), ("0100", 20), ("0101", 24), ("0110", 28),
            ("0111", 32),
            ("1000", 48), ("1001", 64), ("1010", 80), ("1011", 96), ("1100", 128), ("1101", 156), ("1110", 204),
            ("1111", 255),
        ])
    func generation2Cells(row: String, cells: Int) throws {
        let settings = try OptionSwitches.positions(cells: cells, balance: Millivolts(3400), generation: .two)
        #expect(pattern(settings.programming, [4, 5, 6, 7]) == row)
        #expect(settings.cellRange.upperBound == cells)
        #expect(settings.board == "IN Board")
        #expect(settings.switches.map(\.number) == Array(1...7))
        #expect(settings.programming.map(\.number) == Array(1...7))
    }

    @Test(
        "Generation 2 has rows of V-bypass, coded on switches 2, 6 and 7",
        arguments: [
            ("000", 3400), ("001", 3500), ("010", 3600), ("011", 3700), ("100", 4000), ("101", 4100), ("110", 4200),
            ("111", 4300),
        ])
    func generation2Balance(row: String, millivolts: Int) throws {
        let settings = try OptionSwitches.positions(cells: 16, balance: Millivolts(millivolts), generation: .two)
        #expect(pattern(settings.switches, [2, 6, 7]) == row)
    }

    @Test(
        "Generation 2 has rows of current sensors",
        arguments: [
            ("000", 25), ("001", 50), ("010", 100), ("011", 250), ("100", 400), ("101", 500), ("110", 1000),
            ("111", 2000),
        ])
    func generation2Sensors(row: String, amperes: Int) throws {
        let settings = try OptionSwitches.positions(
            cells: 16, balance: Millivolts(3400), generation: .two, sensor: amperes)
        #expect(pattern(settings.programming, [1, 2, 3]) == row)
        #expect(settings.notes.contains { $0.contains("version 1.4") } == (amperes >= 1000))
    }

    @Test(
        "Generation 2 rounds the cell count up to the next row and notes the rounding",
        arguments: [(2, 4), (13, 16), (33, 48)])
    func generation2RoundsUp(cells: Int, row: Int) throws {
        let settings = try OptionSwitches.positions(cells: cells, balance: Millivolts(3400), generation: .two)
        #expect(settings.cellRange.upperBound == row)
        #expect(settings.notes.contains { $0.contains("next higher value, \(row)") })
        let exact = try OptionSwitches.positions(cells: row, balance: Millivolts(3400), generation: .two)
        #expect(!exact.notes.contains { $0.contains("next higher") })
    }

    @Test("Generation 2 gets 1.0 s, blind spot on, no calibration, normal mode")
    func generation2Defaults() throws {
        let settings = try OptionSwitches.positions(cells: 16, balance: Millivolts(4300), generation: .two)
        #expect(pattern(settings.switches, [1, 3, 4, 5]) == "0100")
        #expect(settings.notes.contains { $0.contains("switch 8") })
    }

    @Test(
        "A cell count outside 2...255 is refused with the nearest",
        arguments: [(1, 2), (0, 2), (256, 255), (Int.min, 2)])
    func refusesCells(cells: Int, nearest: Int) {
        for generation in Generation.allCases {
            let error = #expect(throws: OptionSwitchError.self) {
                try OptionSwitches.positions(cells: cells, balance: Millivolts(3400), generation: generation)
            }
            #expect(error == .cells(cells))
            #expect(error?.nearest == nearest)
            #expect(error?.description.contains("2 to 255") == true)
        }
    }

    @Test(
        "A balance voltage that has no row is refused with the nearest",
        arguments: [
            (3450, Generation.three, 3400), (1800, .three, 1900), (5000, .three, 4900), (3300, .two, 3400),
            (3800, .two, 3700), (3900, .two, 4000), (2600, .two, 3400), (Int.max, .two, 4300), (-1, .three, 1900),
        ])
    func refusesBalance(millivolts: Int, generation: Generation, nearest: Int) {
        let error = #expect(throws: OptionSwitchError.self) {
            try OptionSwitches.positions(cells: 16, balance: Millivolts(millivolts), generation: generation)
        }
        #expect(error == .balance(Millivolts(millivolts), generation))
        #expect(error?.nearest == nearest)
        #expect(error?.description.contains("in steps of 0.1 V") == true)
    }

    @Test("Generation 2 cannot switch balancing off, and knows its own sensors only")
    func refusesWhatGeneration2Lacks() {
        let always = #expect(throws: OptionSwitchError.self) {
            try OptionSwitches.positions(cells: 16, balance: nil, generation: .two)
        }
        #expect(always == .alwaysBalances(.two))
        let sensor = #expect(throws: OptionSwitchError.self) {
            try OptionSwitches.positions(cells: 16, balance: Millivolts(3400), generation: .two, sensor: 300)
        }
        #expect(sensor == .sensor(300))
        #expect(sensor?.nearest == 250)
        #expect(sensor?.description.contains("25, 50, 100, 250, 400, 500, 1000, 2000 A") == true)
    }

    @Test("The text of an error prints volts as the manuals do")
    func errorText() {
        #expect(
            OptionSwitchError.balance(Millivolts(3450), .three).description
                == "balance voltage 3.45 V: generation 3 has 1.9 to 4.9 V in steps of 0.1 V, or no balancing; "
                + "the nearest is 3.4 V")
    }
}

public import BMSCore

// The tables of the manuals. Both generations count in binary, OFF = 0, lowest switch number first.

extension Generation {
    /// Largest number of cells of each row, in the order of the table.
    var cellCounts: [Int] {
        switch self {
        case .two: [4, 8, 12, 16, 20, 24, 28, 32, 48, 64, 80, 96, 128, 156, 204, 255]
        case .three: [4, 8, 16, 25, 40, 80, 150, 255]
        }
    }

    /// Balance voltages in the order of the table; generation 3 has "No balancing" before the first.
    public var balanceVoltages: [Millivolts] {
        switch self {
        case .two: [3400, 3500, 3600, 3700, 4000, 4100, 4200, 4300].map { Millivolts($0) }
        case .three: (19...49).map { Millivolts($0 * 100) }
        }
    }

    var balanceText: String {
        switch self {
        case .two: "3.4 to 3.7 V and 4.0 to 4.3 V in steps of 0.1 V"
        case .three: "1.9 to 4.9 V in steps of 0.1 V, or no balancing"
        }
    }
}

extension OptionSwitches {
    /// Types of current sensors of generation 2 in A, in the order of the table.
    public static let sensors = [25, 50, 100, 250, 400, 500, 1000, 2000]

    static func generation3(cells: Int, balance: Millivolts?) throws(OptionSwitchError) -> OptionSwitchSettings {
        let range = try range(of: cells, generation: .three)
        let countRow = Generation.three.cellCounts.firstIndex(of: range.upperBound) ?? 0
        let balanceRow = try row(of: balance, .three)
        return OptionSwitchSettings(
            board: "Begin Board",
            cellRange: range,
            programming: [],
            switches: coded(
                countRow, as: [1, 2, 3], "number of cells: \(range.lowerBound)-\(range.upperBound)")
                + coded(
                    balanceRow, as: [4, 5, 6, 7, 8],
                    balance.map { "balance voltage: \($0.volts)" } ?? "no balancing"),
            notes: [
                "The switches may be changed while the system is active.",
                "The setting serves \(range.lowerBound) to \(range.upperBound) cells; the BMS may then transmit "
                    + "cell numbers above the true count, which are to be ignored.",
                "Sensor type and normal or critical mode are set in the vendor's app, not by switches.",
            ])
    }

    static func generation2(
        cells: Int, balance: Millivolts?, sensor: Int
    ) throws(OptionSwitchError) -> OptionSwitchSettings {
        let range = try range(of: cells, generation: .two)
        let countRow = Generation.two.cellCounts.firstIndex(of: range.upperBound) ?? 0
        guard balance != nil else { throw .alwaysBalances(.two) }
        let balanceRow = try row(of: balance, .two)
        guard let sensorRow = sensors.firstIndex(of: sensor) else { throw .sensor(sensor) }
        let operation =
            coded(balanceRow, as: [2, 6, 7], "balance voltage (V-bypass): \(balance?.volts ?? "")") + [
                OptionSwitch(number: 1, isOn: false, meaning: "message every 1.0 s (ON: every 0.5 s)"),
                OptionSwitch(
                    number: 3, isOn: true,
                    meaning: "small currents around zero read as 0 A, recommended (OFF: they count)"),
                OptionSwitch(number: 4, isOn: false, meaning: "no zero calibration (ON only while calibrating at 0 A)"),
                OptionSwitch(
                    number: 5, isOn: false, meaning: "normal mode, recommended (ON: critical mode, version 1.5+)"),
            ]
        var notes = [
            "Number of cells and sensor type are programmed in the factory. Only to change them: set switches 1-7 "
                + "as listed for programming, toggle switch 8 ON and OFF again, then set switches 1-7 for operation.",
            "Otherwise leave switch 8 alone: it overwrites the factory settings, the sensor type included.",
            "After programming, the current sensors may need a zero calibration (switch 4).",
        ]
        if range.upperBound != cells {
            notes.append(
                "The table has no \(cells) cells; the next higher value, \(range.upperBound), has no drawbacks by the "
                    + "manual."
            )
        }
        if sensor >= 1000 { notes.append("A sensor of \(sensor) A needs version 1.4 or higher.") }
        return OptionSwitchSettings(
            board: "IN Board",
            cellRange: range,
            programming: coded(
                sensorRow, as: [1, 2, 3], "current sensor: \(sensor) A\(sensor == 100 ? " (default)" : "")")
                + coded(countRow, as: [4, 5, 6, 7], "number of cells: \(range.upperBound)"),
            switches: operation.sorted { $0.number < $1.number },
            notes: notes)
    }

    private static func row(of balance: Millivolts?, _ generation: Generation) throws(OptionSwitchError) -> Int {
        guard let balance else { return 0 }
        guard let index = generation.balanceVoltages.firstIndex(of: balance) else {
            throw .balance(balance, generation)
        }
        return generation == .three ? index + 1 : index
    }

    /// A row number in binary, most significant bit on the first of `numbers`.
    private static func coded(_ row: Int, as numbers: [Int], _ meaning: String) -> [OptionSwitch] {
        numbers.enumerated().map { place, number in
            OptionSwitch(number: number, isOn: row >> (numbers.count - 1 - place) & 1 == 1, meaning: meaning)
        }
    }
}

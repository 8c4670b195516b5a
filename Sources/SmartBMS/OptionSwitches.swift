public import BMSCore

/// Positions of the option switches on the first board of the chain, from the tables of the vendor's manuals.
///
/// Generation 3 (Begin Board): dealer edition, rev 6 and rev 13 print the same table. Generation 2 (IN Board): both known copies agree; one
/// copy lost its columns in text form, so its rows are read by the columns of the other. The manual of generation 2 prints the two rows of
/// the cadence twice, and lists a 400 A sensor among the switches which its table of resolutions does not know: both are taken as the
/// switch tables have them.
public enum OptionSwitches {
    /// The positions for a pack.
    ///
    /// - Parameters:
    ///   - cells: cells in series, 2...255.
    ///   - balance: balance voltage per cell (generation 2: V-bypass); `nil` for no balancing, which only generation 3
    ///     has.
    ///   - sensor: type of both current sensors in A, generation 2 only (generation 3 sets it in the app): its switches
    ///     are programmed together with the number of cells.
    /// - Throws: ``OptionSwitchError`` with the allowed values and the nearest of them.
    public static func positions(
        cells: Int, balance: Millivolts?, generation: Generation, sensor: Int = 100
    ) throws(OptionSwitchError) -> OptionSwitchSettings {
        switch generation {
        case .two: try generation2(cells: cells, balance: balance, sensor: sensor)
        case .three: try generation3(cells: cells, balance: balance)
        }
    }

    /// Cell counts that share the switch setting of `cells`: "9-16 cells" of generation 3; for generation 2, which has
    /// single values and says to take the next higher one, everything above the value before.
    public static func range(of cells: Int, generation: Generation) throws(OptionSwitchError) -> ClosedRange<Int> {
        let tops = generation.cellCounts
        guard cells >= 2, let index = tops.firstIndex(where: { cells <= $0 }) else { throw .cells(cells) }
        return (index == 0 ? 2 : tops[index - 1] + 1)...tops[index]
    }
}

/// One switch and its position.
public struct OptionSwitch: Hashable, Sendable {
    /// Number printed beside the switch, from 1.
    public let number: Int
    /// The switch is set to ON.
    public let isOn: Bool
    /// Effect of the position, and the effect of the other position where the switch stands alone.
    public let meaning: String
}

/// Switch settings of one board.
public struct OptionSwitchSettings: Hashable, Sendable {
    /// Board that carries the switches.
    public let board: String
    /// Cell counts that this setting serves.
    public let cellRange: ClosedRange<Int>
    /// Generation 2: positions for programming cell count and sensor, before switch 8 is toggled; otherwise empty.
    public let programming: [OptionSwitch]
    /// Positions for operation, in order of number.
    public let switches: [OptionSwitch]
    /// Further advice, one sentence or two each.
    public let notes: [String]
}

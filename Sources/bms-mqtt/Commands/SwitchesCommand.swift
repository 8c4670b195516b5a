import BMSCore
import SmartBMS

/// `bms-mqtt switches`: positions of the option switches, by the manuals' tables.
enum SwitchesCommand {
    static func run(cells: Int, volts: Double, generation: Generation) -> Int32 {
        let settings: OptionSwitchSettings
        do throws(OptionSwitchError) {
            settings = try OptionSwitches.positions(
                cells: cells, balance: Millivolts(Int((volts * 1000).rounded())), generation: generation)
        } catch {
            Console.complain(error.description)
            return 2
        }
        var text =
            "\(settings.board), \(cells) cells (switch range \(settings.cellRange.lowerBound) to \(settings.cellRange.upperBound))\n"
        if !settings.programming.isEmpty {
            text += "\nwhile programming:\n" + lines(settings.programming) + "\nafterwards:\n"
        }
        text += lines(settings.switches)
        for note in settings.notes { text += "note: \(note)\n" }
        Console.write(text)
        return 0
    }

    private static func lines(_ switches: [OptionSwitch]) -> String {
        switches.map { "  switch \($0.number): \($0.isOn ? "ON " : "off")  \($0.meaning)\n" }.joined()
    }
}

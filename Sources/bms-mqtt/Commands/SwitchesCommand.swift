import BMSCore
import SmartBMS
import ServiceIO

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

extension SwitchesCommand {
    static let row = CommandRow(
        name: "switches", summary: "option switch positions on the Begin or IN board",
        options: [
            OptionRow(name: "--cells", kind: .whole("N", 2...255), meaning: "cells in series", isRequired: true),
            OptionRow(
                name: "--vbalance", kind: .decimal("V", 1...5), meaning: "balancing voltage", isRequired: true),
            .generation,
        ],
        details:
            "From the tables of the vendor's manuals. Check against the manual of your board before you switch.",
        examples: ["bms-mqtt switches --cells 16 --vbalance 3.4"],
        work: .plain(start))

    private static func start(_ arguments: Arguments) throws(CommandFailure) -> Int32 {
        run(
            cells: arguments.whole("--cells") ?? 0, volts: arguments.decimal("--vbalance") ?? 0,
            generation: arguments.generation)
    }
}

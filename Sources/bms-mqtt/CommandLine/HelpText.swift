/// Help texts made from the ``CommandTable``.
enum HelpText {
    static var shortUsage: String { "usage: bms-mqtt COMMAND [options]; 'bms-mqtt --help' lists the commands" }

    /// Description of the program.
    static let description = """
        bms-mqtt reads a 123\\SmartBMS, works out charge and discharge limits, and publishes all of it to MQTT: for Victron
        GX devices, Home Assistant and whatever else listens.
        """

    static var general: String {
        var text = "\(description)\n\nusage: bms-mqtt COMMAND [options]\n\ncommands:\n"
        for row in CommandTable.rows { text += "  \(padded(row.name, 22))\(row.summary)\n" }
        text += """

            'bms-mqtt COMMAND --help' explains a command. To begin: 'bms-mqtt demo'.

            exit codes: \(ExitCode.allCases.map { "\($0.rawValue) \($0.meaning)" }.joined(separator: ", "))

            """
        return text
    }

    static func usage(_ row: CommandRow) -> String {
        let options = row.options.map { $0.isRequired || $0.usage.hasPrefix("[") ? $0.usage : "[\($0.usage)]" }
        return (["usage: bms-mqtt \(row.name)"] + options).joined(separator: " ")
    }

    static func command(_ row: CommandRow) -> String {
        var text = "bms-mqtt \(row.name): \(row.summary)\n\n\(usage(row))\n\n\(row.details)\n"
        if !row.options.isEmpty {
            text += "\noptions:\n"
            for option in row.options { text += "  \(padded(option.usage, 24))\(option.meaning)\n" }
        }
        text += "\n\(row.examples.count == 1 ? "example" : "examples"):\n"
        for example in row.examples { text += "  \(example)\n" }
        return text
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(2, width - text.count))
    }
}

import ServiceIO

/// `bms-mqtt print-default-config`: a complete configuration, or the reference of its keys.
enum PrintDefaultConfigCommand {
    static let row = CommandRow(
        name: "print-default-config", summary: "a complete, commented configuration",
        options: [
            OptionRow(
                name: "--markdown", kind: .flag, meaning: "the reference of all keys, as docs/configuration.md")
        ], details: "Every key with its meaning, range and default.",
        examples: ["bms-mqtt print-default-config > config.yaml"],
        work: .plain(start))

    private static func start(_ arguments: Arguments) throws(CommandFailure) -> Int32 {
        Console.write(
            arguments.has("--markdown") ? ConfigurationText.documentation + "\n" : ConfigurationText.defaultFile)
        return 0
    }
}

import ServiceIO

/// `bms-mqtt print-package-file`: the files of a package that are made from the tables of commands, keys and values.
enum PrintPackageFileCommand {
    static let row = CommandRow(
        name: "print-package-file", summary: "a generated file of the packages",
        options: [
            OptionRow(
                name: "name", kind: .choice("NAME", PackageFile.all.map(\.name)),
                meaning: PackageFile.all.map(\.name).joined(separator: ", "), isRequired: true)
        ],
        details: """
            The manual page, the completions for bash, zsh and fish, the options of the Home Assistant add-on, and the JSON Schemas of
            the documents on MQTT, from the tables of commands, keys and values.
            """,
        examples: [
            "bms-mqtt print-package-file man-page | man -l -", "source <(bms-mqtt print-package-file completion-bash)",
        ],
        work: .plain(start))

    private static func start(_ arguments: Arguments) throws(CommandFailure) -> Int32 {
        Console.write(arguments.text("name").flatMap(PackageFile.named)?.text() ?? "")
        return 0
    }
}

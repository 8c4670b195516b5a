/// `bms-mqtt print-package-file`: files of a package that follow from the tables.
enum PrintPackageFileCommand {
    static let row = CommandRow(
        name: "print-package-file", summary: "what a package ships and these tables know",
        options: [
            OptionRow(
                name: "name", kind: .choice("NAME", PackageFile.allCases.map(\.rawValue)),
                meaning: PackageFile.allCases.map(\.rawValue).joined(separator: ", "), isRequired: true)
        ],
        details:
            "The manual page, and the options of the Home Assistant add-on, from the tables of commands and keys.",
        examples: ["bms-mqtt print-package-file man-page | man -l -"],
        work: .plain(start))

    private static func start(_ arguments: Arguments) throws(CommandFailure) -> Int32 {
        Console.write(arguments.text("name").flatMap(PackageFile.init)?.text ?? "")
        return 0
    }
}

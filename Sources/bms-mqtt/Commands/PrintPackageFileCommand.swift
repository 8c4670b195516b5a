/// `bms-mqtt print-package-file`: the files of a package that are made from the tables of commands and keys.
enum PrintPackageFileCommand {
    static let row = CommandRow(
        name: "print-package-file", summary: "a generated file of the packages",
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

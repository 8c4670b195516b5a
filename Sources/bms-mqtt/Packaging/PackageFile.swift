import MQTTBridge

/// A file of the packages or of docs/ that is made from tables in the code.
struct PackageFile: Sendable {
    /// Name for `print-package-file`.
    let name: String
    /// Text of the file.
    let text: @Sendable () -> String

    static let all: [PackageFile] =
        [
            PackageFile(name: "man-page") { ManualPage.text },
            PackageFile(name: "completion-bash") { Completions.bash },
            PackageFile(name: "completion-zsh") { Completions.zsh },
            PackageFile(name: "completion-fish") { Completions.fish },
            PackageFile(name: "add-on-config") { AddOn.configuration },
            PackageFile(name: "add-on-en") { AddOn.translation(nil) },
            PackageFile(name: "add-on-de") { AddOn.translation(\.german) },
            PackageFile(name: "add-on-nl") { AddOn.translation(\.dutch) },
            PackageFile(name: "add-on-fr") { AddOn.translation(\.french) },
            PackageFile(name: "values") { ValuesReference.markdown },
        ]
        + DocumentSchema.allCases.map { schema in
            PackageFile(name: "schema-\(schema.rawValue)") { schema.text }
        }

    /// The file of a name; `nil`: there is none.
    static func named(_ name: String) -> PackageFile? { all.first { $0.name == name } }
}

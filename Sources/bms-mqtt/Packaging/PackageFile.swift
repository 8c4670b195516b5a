/// Package files that are made from the tables of commands and keys, by their names for `print-package-file`.
enum PackageFile: String, CaseIterable, Sendable {
    /// The manual page, for man(1).
    case manPage = "man-page"
    /// The Home Assistant add-on's config.yaml.
    case addOnConfig = "add-on-config"
    /// The meanings of the add-on's options, in one file for each language.
    case addOnEnglish = "add-on-en"
    case addOnGerman = "add-on-de"
    case addOnDutch = "add-on-nl"
    case addOnFrench = "add-on-fr"

    /// Text of the file.
    var text: String {
        switch self {
        case .manPage: ManualPage.text
        case .addOnConfig: AddOn.configuration
        case .addOnEnglish: AddOn.translation(nil)
        case .addOnGerman: AddOn.translation(\.german)
        case .addOnDutch: AddOn.translation(\.dutch)
        case .addOnFrench: AddOn.translation(\.french)
        }
    }
}

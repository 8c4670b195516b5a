/// Files of packages that follow from the tables of commands and keys, by the names that `print-package-file` takes.
enum PackageFile: String, CaseIterable, Sendable {
    /// The manual page, for man(1).
    case manPage = "man-page"
    /// The Home Assistant add-on's config.yaml.
    case addOnConfig = "add-on-config"
    /// The words of the add-on's options, one file a language.
    case addOnEnglish = "add-on-en"
    case addOnGerman = "add-on-de"
    case addOnDutch = "add-on-nl"
    case addOnFrench = "add-on-fr"

    /// The file.
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

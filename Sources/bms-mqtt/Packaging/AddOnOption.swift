/// One option of the Home Assistant add-on: a key of the configuration in the words of the Supervisor's schema.
struct AddOnOption: Sendable {
    /// The key's path: options are flat, the add-on's run.sh nests them again.
    var path: String
    /// Type and range, "int(0,30)?".
    var schema: String
    /// What it means.
    var meaning: String

    /// TLS without further keys is a group that stands alone in the file, so it has no row in the table.
    static let tls = AddOnOption(
        path: "mqtt.tls", schema: "bool?",
        meaning: "Whether the broker is reached by TLS; the keys below say with which certificates.")

    private init(path: String, schema: String, meaning: String) {
        self.path = path
        self.schema = schema
        self.meaning = meaning
    }

    /// The key as an option; `nil` where the Supervisor has no type for it or the add-on decides it.
    init?<Target>(_ key: ConfigurationKey<Target>) {
        guard !Self.decided.contains(key.path), let type = Self.type(key) else { return nil }
        path = key.path
        schema = type + (Self.required.contains(key.path) ? "" : "?")
        let standard = key.standard.map { " Unless given: \($0)." } ?? ""
        meaning = "\(key.meaning)\(standard)"
    }

    /// The password is an option already; state belongs where the Supervisor makes its backups.
    static let decided: Set<String> = ["mqtt.passwordFile", "stateDirectory"]
    private static let required: Set<String> = ["id", "source"]

    private static func type<Target>(_ key: ConfigurationKey<Target>) -> String? {
        if key.path == "mqtt.password" { return "password" }
        switch key.kind {
        // The Supervisor's own lengths of texts compare a text with a number: the bridge checks them.
        case .text, .checked: return "str"
        case .choice(let words): return "list(\(words.joined(separator: "|")))"
        // Left out it is auto.
        case .flag, .flagOrAuto: return "bool"
        case .whole(let range, _): return range.lowerBound < 0 ? "int" : "int(\(range.lowerBound),\(range.upperBound))"
        case .decimal(let range, _):
            // Ranges with a sign are unknown to the Supervisor: the bridge checks them, too.
            guard range.lowerBound >= 0 else { return "float" }
            let bounds = [range.lowerBound, range.upperBound].map(ConfigurationKey<Target>.decimal)
            return "float(\(bounds.joined(separator: ",")))"
        // Lists within lists cannot be options.
        case .curve, .identifiers: return nil
        }
    }
}

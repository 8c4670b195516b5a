/// One option of the Home Assistant add-on: a key of the configuration in terms of the Supervisor's schema.
struct AddOnOption: Sendable {
    /// Path of the key. Options are flat; the add-on's run.sh nests them again.
    var path: String
    /// Type and range, like "int(0,30)?".
    var schema: String
    /// Meaning of the option.
    var meaning: String

    /// TLS without further keys: a group, which has no row in the table.
    static let tls = AddOnOption(
        path: "mqtt.tls", schema: "bool?",
        meaning: "Reach the broker by TLS; the keys below name the certificates.")

    /// Whether the add-on starts the page, too.
    static let web = AddOnOption(
        path: "web", schema: "bool?",
        meaning: "A page in the browser, with history. It needs a port of the host, too: see Network below.")
    static let webPassword = AddOnOption(
        path: "web.password", schema: "password?",
        meaning:
            "Password of the page, 8 characters or more: whoever gives it may look and change settings. Unless given, everybody who reaches the page may look, and nobody may command."
    )
    static let webName = AddOnOption(
        path: "web.name", schema: "str?",
        meaning: "Name by which browsers reach the page; homeassistant.local unless given.")

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

    /// Keys that are not options: the password is one already, state belongs where the Supervisor makes its backups, and where Home Assistant
    /// is gone with its broker, the add-on is gone, too.
    static let decided: Set<String> = ["mqtt.passwordFile", "mqtt.hosts", "stateDirectory"]
    private static let required: Set<String> = ["id", "source"]

    private static func type<Target>(_ key: ConfigurationKey<Target>) -> String? {
        if key.path == "mqtt.password" { return "password" }
        switch key.kind {
        // The bridge checks lengths, because the Supervisor would compare the text itself with the length.
        case .text, .checked: return "str"
        case .choice(let words): return "list(\(words.joined(separator: "|")))"
        // An option that is left out means auto.
        case .flag, .flagOrAuto: return "bool"
        case .whole(let range, _): return range.lowerBound < 0 ? "int" : "int(\(range.lowerBound),\(range.upperBound))"
        case .decimal(let range, _):
            // The bridge checks ranges with a sign, because the Supervisor does not support them.
            guard range.lowerBound >= 0 else { return "float" }
            let bounds = [range.lowerBound, range.upperBound].map(ConfigurationKey<Target>.decimal)
            return "float(\(bounds.joined(separator: ",")))"
        // Lists within lists cannot be options.
        case .curve, .identifiers, .brokers: return nil
        }
    }
}

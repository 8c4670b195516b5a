import BMSCore
import ChargeLimits
import SerialLink
import SmartBMS

/// A configuration with one pack, as `setup` writes it.
struct ConfigurationDraft: Sendable {
    var source: SourceAddress
    /// Findings of the source.
    var probe = SourceProbe(snapshot: PackSnapshot())
    /// Values of the pack's keys, by path, as they are written.
    var pack: [String: String] = [:]
    var host = "localhost"
    var port = 1883
    var username: String?
    var password: String?

    /// The value of a key that fits what the source said; empty: none.
    func suggestion(_ path: String) -> String {
        // What the limits use where the file has nothing.
        let file = LimitConfiguration()
        let defaults = ChemistryDefaults(probe.snapshot.chemistry ?? .lfp, file)
        func current(_ rate: Int) -> String { probe.ampereHours.map { "\($0 * rate / 1000)" } ?? "" }
        return switch path {
        case "id": "garage"
        case "name": "Battery"
        case "limits.maxChargeCurrent": current(defaults.chargeRate)
        case "limits.maxDischargeCurrent": current(defaults.dischargeRate)
        case "limits.minChargeTemperature": defaults.lowestChargeTemperature.map(String.init) ?? ""
        case "limits.maxTemperature": "\(file.maximumTemperature.rawValue / 1000)"
        default: ""
        }
    }

    /// The reason why a key of the pack cannot have a value; `nil`: it can.
    func complaint(_ path: String, _ text: String) -> String? {
        guard let key = PackTable.keys.first(where: { $0.path == path }) else { return nil }
        let node = YAMLNode(place: YAMLNode.Place(line: 1, column: 1), content: .scalar(text, isPlain: true))
        if case .failure(let fault) = key.value(node) { return fault.text }
        return nil
    }

    /// The file.
    var text: String {
        var lines = [
            "# Configuration of bms-mqtt, written by 'bms-mqtt setup'. 'bms-mqtt print-default-config' lists every key.",
            "",
            "mqtt:", "  host: \(quoted(host))", "  port: \(port)",
        ]
        if let username { lines.append("  username: \(quoted(username))") }
        if let password { lines.append("  password: \(quoted(password))") }
        lines += ["", "packs:", "  - id: \(pack["id"] ?? "garage")   # a part of topics and entities: never change it"]
        if let name = pack["name"] { lines.append("    name: \(quoted(name))") }
        lines.append("    source: \(quoted("\(source)"))")
        if let description = probe.pack { lines.append("    # heard: \(description)") }
        if let generation = probe.generation {
            lines.append("    generation: \(generation == .two ? 2 : 3)   # firmware \(probe.firmware ?? "")")
        } else {
            lines.append("    # generation: 2   # for IN and OUT boards")
        }
        lines.append("    limits:   # ceilings that no command exceeds; docs/configuration.md has all of them")
        for (name, unit) in Self.limits {
            let value = pack["limits.\(name)"]
            let shown = value ?? suggestion("limits.\(name)")
            let remark = value == nil && !shown.isEmpty ? ", used until you set it" : ""
            lines.append(
                "      \(value == nil ? "# " : "")\(name): \(shown.isEmpty ? "..." : shown)   # \(unit)\(remark)")
        }
        if !Self.limits.contains(where: { pack["limits.\($0.name)"] != nil }) {
            lines = lines.map { $0.hasPrefix("    limits:") ? "    # limits:" + $0.dropFirst("    limits:".count) : $0 }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static let limits: [(name: String, unit: String)] = [
        ("maxChargeCurrent", "A"), ("maxDischargeCurrent", "A"), ("fuse", "A"),
        ("minChargeTemperature", "°C, Tmin for charging as set in the BMS"),
        ("maxTemperature", "°C, Tmax as set in the BMS"),
    ]

    /// A text of YAML in quotes.
    private func quoted(_ text: String) -> String {
        "'" + text.substituting { $0 == "'" ? "''" : nil } + "'"
    }
}

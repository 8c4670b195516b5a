/// Texts made from the tables: the default file and docs/configuration.md.
enum ConfigurationText {
    /// A complete configuration with every key: defaults as they are, the rest commented out.
    static var defaultFile: String {
        var text = """
            # Configuration of bms-mqtt. Every key is here with its meaning and default; a key without default is commented out.
            # Unknown keys are errors, so a typing error cannot go unnoticed: bms-mqtt check-config FILE

            """
        text += group(ConfigurationTable.keys.map(Row.init), indent: "", first: "")
        text += "\npacks:\n"
        text += group(PackTable.keys.map(Row.init), indent: "    ", first: "  - ", required: ["id", "source"])
        text += "    # Relays that the bridge drives for this pack: examples/relays has some that fit common devices.\n"
        text += "    # relays:\n"
        let relays = group(
            RelayTable.keys.map(Row.init), indent: "    ", first: "  - ", required: ["name", "commandTopic"])
        text += relays.split(separator: "\n").map { "    # \($0)\n" }.joined()
        text +=
            "\n# Packs in parallel as one battery for the inverter: docs/limits.md, section \"Packs in parallel\".\n# banks:\n"
        let banks = group(BankTable.keys.map(Row.init), indent: "    ", first: "  - ", required: ["id", "packs"])
        text += banks.split(separator: "\n").map { "# \($0)\n" }.joined()
        text += "\n# CAN buses on which the limits of a pack or bank are told to an inverter: docs/can.md.\n# can:\n"
        let buses = group(CANTable.keys.map(Row.init), indent: "    ", first: "  - ", required: ["interface"])
        text += buses.split(separator: "\n").map { "# \($0)\n" }.joined()
        return text
    }

    /// The reference of all keys.
    static var documentation: String {
        """
        # Configuration

        <!-- Written by `scripts/generate-docs` from the key tables; a test compares. Do not edit by hand. -->

        `bms-mqtt run` reads `/etc/bms-mqtt/config.yaml`, or the file that `--config` names. With one pack and a broker on the
        same machine three lines are enough:

        ```yaml
        packs:
          - id: garage
            source: serial:auto
        ```

        Unknown keys, wrong types and values out of range are errors, all of them listed with file, line and column, and exit
        code 78. `bms-mqtt check-config FILE` checks without running; `bms-mqtt print-default-config` prints every key.
        `kill -HUP` makes a running bridge read the file again; a faulty one is reported and the old one stays in force.

        Numbers are written plainly (`55.2`, no exponents, no quotes); true and false may also be yes, no, on and off. Anchors,
        aliases, tags and several documents are refused.

        ## Bridge

        \(table(ConfigurationTable.keys.map(Row.init)))
        ## Each pack, under `packs:`

        \(table(PackTable.keys.map(Row.init)))
        ## Each bank, under `banks:`

        Packs in parallel as one battery for the inverter: [limits.md](limits.md#packs-in-parallel).

        \(table(BankTable.keys.map(Row.init)))
        ## Each CAN bus, under `can:`

        Limits for inverters that take them over CAN: [can.md](can.md).

        \(table(CANTable.keys.map(Row.init)))
        ## Each relay, under `relays:` of a pack

        [relays.md](relays.md) explains them, with examples for common devices.

        \(table(RelayTable.keys.map(Row.init)))
        """
    }

    /// A key without its target's type.
    private struct Row {
        var path: String
        var standard: String?
        var meaning: String
        var example: String
        var expectation: String

        init<Target>(_ key: ConfigurationKey<Target>) {
            path = key.path
            standard = key.standard
            meaning = key.meaning
            example = key.example
            expectation = key.expectation
        }
    }

    private static func table(_ rows: [Row]) -> String {
        var text = "| key | value | default | meaning |\n|---|---|---|---|\n"
        for row in rows {
            let standard = row.standard.map { "`\($0)`" } ?? ""
            text += "| `\(row.path)` | \(row.expectation) | \(standard) | \(row.meaning) |\n"
        }
        return text
    }

    private static func group(_ rows: [Row], indent: String, first: String, required: Set<String> = []) -> String {
        var text = ""
        var open: [String] = []
        for (index, row) in rows.enumerated() {
            let parts = row.path.split(separator: ".").map(String.init)
            let groups = Array(parts.dropLast())
            var lead = index == 0 && !first.isEmpty ? first : indent
            if groups != open {
                let common = zip(groups, open).prefix { $0 == $1 }.count
                for depth in common..<groups.count {
                    let members = rows.filter { $0.path.hasPrefix(groups[...depth].joined(separator: ".") + ".") }
                    let isActive = members.contains { $0.standard != nil }
                    text += (depth == 0 && indent.isEmpty ? "\n" : "") + lead + String(repeating: "  ", count: depth)
                    text += (isActive ? "" : "# ") + "\(groups[depth]):\n"
                    lead = indent
                }
                open = groups
            }
            let space = indent + String(repeating: "  ", count: groups.count)
            for line in wrap("\(row.meaning) (\(row.expectation))", 110 - space.count) {
                // A comment before the first key of a list item must not break the item.
                text += "\(space)# \(line)\n"
            }
            let name = parts[parts.count - 1]
            let value = row.standard ?? row.example
            let isActive = row.standard != nil || required.contains(row.path)
            if index == 0, !first.isEmpty {
                text += first + "\(name): \(value)\n"
            } else {
                text += space + (isActive ? "" : "# ") + "\(name): \(value)\n"
            }
        }
        return text
    }

    private static func wrap(_ text: String, _ width: Int) -> [String] {
        var lines: [String] = [""]
        for word in text.split(separator: " ") {
            let last = lines[lines.count - 1]
            if !last.isEmpty, last.count + 1 + word.count > width {
                lines.append(String(word))
            } else {
                lines[lines.count - 1] = last.isEmpty ? String(word) : "\(last) \(word)"
            }
        }
        return lines
    }
}

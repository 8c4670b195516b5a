import BMSCore
import BatteryEngine
import Glibc
import LinuxIO
import MQTTBridge
import ServiceIO

/// `bms-mqtt home-assistant`: texts for Home Assistant that are made for one battery.
enum HomeAssistantCommand {
    static let row = CommandRow(
        name: "home-assistant", summary: "a dashboard of Home Assistant for a battery",
        options: [
            OptionRow(
                name: "what", kind: .choice("WHAT", ["dashboard"]), meaning: "dashboard: YAML for the raw editor",
                isRequired: true),
            OptionRow(
                name: "--pack", kind: .text("ID"),
                meaning: "pack or bank (default: the file's first bank, else its first pack)"),
            OptionRow(
                name: "--cells", kind: .whole("N", 2...255),
                meaning: "cells of the pack (default: as many as Home Assistant has entities for)"),
            OptionRow(
                name: "--packs", kind: .text("ID,ID"),
                meaning: "the battery is a bank of these packs (default: as the file says)"),
            OptionRow(
                name: "--language", kind: .choice("LANGUAGE", Language.allCases.map(\.rawValue)),
                meaning: "language of the headings (default: homeAssistant.language of the file)"),
            OptionRow(
                name: "--config", kind: .file("FILE"),
                meaning:
                    "take ids, names and relays from this file (default: \(CommandTable.defaultConfiguration), where it is)"
            ),
        ],
        details: """
            Prints a dashboard with built-in cards only, for Home Assistant 2025.11 and later: what is going on in one sentence, every cell,
            the limits with their reasons, and the settings. A bank has a dashboard of its own.
            In Home Assistant: Settings, Dashboards, Add dashboard, New dashboard from scratch; then Edit, Raw configuration editor, and
            paste the text.
            """,
        examples: [
            "bms-mqtt home-assistant dashboard --config ./config.yaml >dashboard.yaml",
            "bms-mqtt home-assistant dashboard --pack garage --cells 16 --language de",
        ],
        work: .plain(start))

    private static func start(_ arguments: Arguments) throws(CommandFailure) -> Int32 {
        Console.write(try dashboard(arguments).yaml) ? 0 : 1
    }

    private static func dashboard(_ arguments: Arguments) throws(CommandFailure) -> Dashboard {
        let plan = try plan(arguments)
        let language = arguments.text("--language").flatMap(Language.init) ?? plan?.bridge.language ?? .en
        let ids = (plan?.banks.map(\.options.id) ?? []) + (plan?.packs.map(\.options.id) ?? [])
        guard let id = arguments.text("--pack") ?? ids.first else {
            let isThere = FileStatus(path: CommandTable.defaultConfiguration) != nil
            throw .usage(
                isThere
                    ? "home-assistant: \(CommandTable.defaultConfiguration) cannot be read by this user: run it with sudo, or give --pack ID"
                    : "home-assistant: --pack ID is needed, because there is no \(CommandTable.defaultConfiguration): the id of the pack "
                        + "in the bridge's configuration")
        }
        guard Topics.isIdentifier(id, longest: 32) else {
            throw .usage("--pack: '\(id.plain.prefix(40))' is no id: a-z, 0-9, _ and -, at most 32 characters")
        }
        let packs = arguments.text("--packs").map { $0.split(separator: ",").map(String.init) }
        if let packs {
            if let wrong = packs.first(where: { !Topics.isIdentifier($0, longest: 32) }) ?? (packs.isEmpty ? "" : nil) {
                throw .usage(
                    "--packs: '\(wrong.plain.prefix(40))' is no id: a-z, 0-9, _ and -, with commas between several")
            }
            let name = plan?.banks.first { $0.options.id == id }?.options.name ?? id
            return Dashboard(bank: id, name: name, language: language, packs: packs)
        }
        if let bank = plan?.banks.first(where: { $0.options.id == id })?.options {
            return Dashboard(bank: id, name: bank.name, language: language, packs: bank.packs)
        }
        let pack = plan?.packs.first { $0.options.id == id }?.options
        if plan != nil, pack == nil, arguments.has("--config") {
            throw .usage("--pack: the file has no '\(id)'\(Suggestion.text(id, ids))")
        }
        return Dashboard(
            pack: id, name: pack?.name ?? id, language: language, cells: arguments.whole("--cells"),
            relays: pack?.relays.map(\.name) ?? [])
    }

    /// The plan of the file; `nil`: there is no file, or none that may be read, and none was named.
    private static func plan(_ arguments: Arguments) throws(CommandFailure) -> ServicePlan? {
        guard arguments.has("--config") || access(CommandTable.defaultConfiguration, R_OK) == 0 else { return nil }
        return try arguments.configuration().plan
    }
}

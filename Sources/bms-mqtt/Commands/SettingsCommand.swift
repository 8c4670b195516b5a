import MQTT
import BMSCore
import JSON
import BatteryEngine
import MQTTBridge
import Mosquitto
import ServiceIO

/// `bms-mqtt set` and `bms-mqtt settings`: a client of a running bridge.
struct SettingsCommand: Sendable {
    /// A setting and its new value.
    struct Assignment: Sendable {
        var setting: String
        var value: String
    }

    private static let patience = Duration.seconds(5)

    let link: LinkConfiguration
    let base: String
    let pack: String
    /// The setting to change; `nil`: the command prints all settings.
    let assignment: Assignment?

    /// - Returns: the exit code: 1 if the bridge refuses or does not answer.
    func run() async -> Int32 {
        guard !pack.isEmpty, !pack.contains(where: { "/+#".contains($0) }) else {
            Console.complain("'\(pack.prefix(40))' is not the id of a pack: an id has no '/', '+' or '#'")
            return 2
        }
        if let setting = assignment?.setting, setting.isEmpty || setting.contains(where: { "+#".contains($0) }) {
            Console.complain(
                "'\(setting.prefix(40))' is not the name of a setting: 'bms-mqtt settings PACK' lists them")
            return 2
        }
        let client = MosquittoLink(link)
        let topic = "\(base)/\(pack)/\(assignment == nil ? "settings" : "result")"
        client.subscribe(
            [Subscription(topic, qos: 1)]
                + (assignment == nil ? ["bridge", pack].map { Subscription("\(base)/\($0)/status", qos: 1) } : []))
        client.start()
        defer { client.stop() }
        return await withTaskGroup(of: Int32?.self) { group in
            group.addTask { await talk(client, topic) }
            group.addTask {
                try? await Task.sleep(for: Self.patience)
                return nil
            }
            let code = await group.next() ?? nil
            group.cancelAll()
            if let code { return code }
            Console.complain(
                "no answer on \(topic) from \(link) in 5 s: is the bridge running, with pack '\(pack)' (a bank has no "
                    + "settings, ask its packs) and this base topic?"
            )
            return 1
        }
    }

    private func talk(_ client: MosquittoLink, _ topic: String) async -> Int32? {
        var settings = RetainedSettings(base: base, pack: pack)
        for await event in client.events {
            switch event {
            case .connected:
                guard let assignment else { continue }
                client.publish(
                    MQTTMessage(
                        "\(base)/\(pack)/set/\(assignment.setting)", Array(assignment.value.utf8),
                        qos: 1))
            case .disconnected(let failure):
                Console.complain(failure.description)
                // The next broker of the list is tried at once.
                guard failure.next != nil, failure.retryIn == 0 else { return 1 }
            case .line, .refusal: break
            case .message(let message):
                guard let assignment else {
                    settings.take(message.topic, message.payload, isRetained: message.retain, wall: Clock.now().wall)
                    if let code = Self.table(settings) { return code }
                    continue
                }
                guard message.topic == topic, let document = JSONValue(parsing: message.payload) else { continue }
                if let code = Self.show(document, assignment) { return code }
            }
        }
        return nil
    }

    /// Prints the answer to this command.
    ///
    /// - Returns: the exit code; `nil` if the answer belongs to another client's command.
    private static func show(_ answer: JSONValue, _ assignment: Assignment) -> Int32? {
        guard answer["setting"]?.text == String(assignment.setting.prefix(64)),
            let isAccepted = answer["accepted"]?.flag
        else { return nil }
        let reason = (answer["reason"]?.text ?? "").plain
        guard isAccepted else {
            Console.complain("refused: \(reason)")
            return 1
        }
        // A button has no value.
        let effective = answer["effective"].flatMap { $0.isNull ? nil : ": \(text($0))" } ?? ""
        Console.write("\(assignment.setting)\(effective) (\(reason))\n")
        return 0
    }

    /// Prints the settings as a table, with dashes for values that are not in force.
    ///
    /// - Returns: the exit code; `nil` until the settings and the verdict on them are there.
    private static func table(_ retained: RetainedSettings) -> Int32? {
        guard case .object(let settings)? = retained.document, let verdict = retained.verdict else { return nil }
        let isValid = verdict.fault == nil
        if let fault = verdict.fault { Console.complain(fault) }
        for (name, setting) in settings.sorted(by: { $0.key < $1.key }) {
            let unit = setting["unit"]?.text.map { " \($0.plain)" } ?? ""
            var line = "\(name.plain.rightPadded(22)) \((isValid ? setting["value"].map(text) ?? "-" : "-") + unit)"
            if let low = setting["min"], let high = setting["max"] { line += "  (\(text(low)) to \(text(high)))" }
            if let choices = setting["options"]?.array { line += "  (\(choices.map(text).joined(separator: ", ")))" }
            if isValid, setting["setBy"]?.text == "command" { line += "  set by command" }
            Console.write(line + "\n")
        }
        return isValid ? 0 : 1
    }

    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .null, .array, .object: "-"
        case .flag(let flag): flag ? "ON" : "OFF"
        case .text(let text): text.plain
        case .number(let number):
            number.magnitude < 1e9
                ? FixedPoint.text(
                    thousandths: Int((number * 1000).rounded()), decimals: number == number.rounded() ? 0 : 2) : "-"
        }
    }
}

extension SettingsCommand {
    static let setRow = CommandRow(
        name: "set", summary: "change a setting of a running bridge",
        options: [
            OptionRow(name: "pack", kind: .text("PACK"), meaning: "id of the pack", isRequired: true),
            OptionRow(name: "setting", kind: .text("SETTING"), meaning: "see 'settings'", isRequired: true),
            OptionRow(name: "value", kind: .text("VALUE"), meaning: "80, ON, float", isRequired: true),
            .broker, .brokerConfig, .base,
        ],
        details: """
            Waits for the bridge's answer and prints it. Exit code 1 when it is refused, or when nobody answers in 5 s.
            No command exceeds the limits of the bridge's configuration file; the BMS itself is not touched.
            Where neither --broker nor --config is given, standard error names the broker in use.
            """,
        examples: [
            "bms-mqtt set garage maxChargeCurrent 40", "bms-mqtt set garage chargeMode full --broker 192.0.2.7",
        ],
        work: .waiting(set))

    static let settingsRow = CommandRow(
        name: "settings", summary: "the settings of a running bridge",
        options: [
            OptionRow(name: "pack", kind: .text("PACK"), meaning: "id of the pack", isRequired: true), .broker,
            .brokerConfig, .base,
        ],
        details: """
            Prints each setting with its value, unit, bounds and who set it. If the bridge or the pack is offline, the values are
            dashes, a line says since when, and the exit code is 1.
            """,
        examples: ["bms-mqtt settings garage"],
        work: .waiting(show))

    private static func set(_ arguments: Arguments) async throws(CommandFailure) -> Int32 {
        try await start(
            arguments,
            Assignment(setting: arguments.text("setting") ?? "", value: arguments.text("value") ?? ""))
    }

    private static func show(_ arguments: Arguments) async throws(CommandFailure) -> Int32 {
        try await start(arguments, nil)
    }

    private static func start(_ arguments: Arguments, _ assignment: Assignment?) async throws(CommandFailure) -> Int32 {
        let address = try arguments.client("settings")
        if let note = address.note { Console.complain(note) }
        let pack = arguments.text("pack") ?? ""
        let isName = !pack.isEmpty && !pack.contains { "/+#".contains($0) }
        return await SettingsCommand(
            link: isName
                ? await BridgeFinder.locate(address.link, base: address.base, pack: pack) : address.link,
            base: address.base, pack: pack, assignment: assignment
        ).run()
    }
}

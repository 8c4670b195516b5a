import BMSCore
import Mosquitto
import BatteryEngine
import MQTTBridge
import ServiceIO

/// `bms-mqtt acl`: the access rules of a broker for one configuration.
struct ACLCommand: Sendable {
    /// The clients' users at the broker.
    struct Users: Sendable {
        var bridge: String
        var homeAssistant: [String] = []
        var readers: [String] = []
        var pages: [String] = []
        var gx: [String] = []

        /// Reason why the names cannot be used in an access file; `nil` if they can.
        var complaint: String? {
            let all = [bridge] + homeAssistant + readers + pages + gx
            // A control character could end a line of the file and begin another rule.
            if let bad = all.first(where: { user in
                user.isEmpty || user.hasPrefix(" ") || user.hasSuffix(" ") || user.contains(":")
                    || !user.isPlain
            }) {
                return "'\(bad.plain.prefix(40))' cannot be a user of the broker"
            }
            let twice = Dictionary(grouping: all) { $0 }.filter { $0.value.count > 1 }.keys.sorted().first
            return twice.map { "user '\($0)' would have two roles: give each client a user of its own" }
        }
    }

    let users: Users
    /// Filters of the response topics (MQTT 5) that commanding clients use.
    var responses: [String] = []

    /// Reason why filters of response topics cannot be granted; `nil` if they can.
    static func complaint(_ responses: [String], _ base: String) -> String? {
        responses.lazy.compactMap { filter in
            let topic = filter.hasSuffix("/#") ? String(filter.dropLast(2)) : filter
            if let complaint = ConfigurationTable.baseTopic(topic) { return "--response: \(complaint)" }
            return "\(topic)/".hasPrefix("\(base)/") || "\(base)/".hasPrefix("\(topic)/")
                ? "--response: '\(filter)' overlaps the bridge's own topics under '\(base)/': choose a topic outside of them"
                : nil
        }.first
    }

    /// The rules for a configuration.
    func rules(_ configuration: Configuration, file: String) -> AccessRules {
        let plan = configuration.plan
        let access = TopicAccess(
            plan.bridge, packs: plan.packs.map(\.options), banks: plan.banks.map(\.options), responses: responses)
        return AccessRules(
            access,
            [
                .init(.bridge, [users.bridge]), .init(.homeAssistant, users.homeAssistant),
                .init(.reader, users.readers),
                .init(.page, users.pages), .init(.gx, users.gx),
            ], file: file.plain, brokers: plan.link.brokers.map(\.description))
    }
}

extension ACLCommand {
    static let row = CommandRow(
        name: "acl", summary: "access rules of a broker for this configuration",
        options: [
            .config,
            OptionRow(
                name: "--for", kind: .choice("BROKER", AccessRules.Language.allCases.map(\.rawValue)),
                meaning: "the broker's language: mosquitto (default), rabbitmq or nats"),
            OptionRow(
                name: "--bridge", kind: .text("USER"),
                meaning: "the bridge's user (default: mqtt.username of the file, else bms-mqtt)"),
            OptionRow(
                name: "--home-assistant", kind: .text("USER[,USER]"),
                meaning: "may read, and command the settings that exist"),
            OptionRow(name: "--reader", kind: .text("USER[,USER]"), meaning: "may read documents and events"),
            OptionRow(
                name: "--page", kind: .text("USER[,USER]"),
                meaning: "'bms-mqtt web' with --password-file: may read, and change settings"),
            OptionRow(
                name: "--gx", kind: .text("USER[,USER]"),
                meaning: "a GX device's driver, or a client of the GX tree"),
            OptionRow(
                name: "--response", kind: .text("TOPIC[/#]"),
                meaning: "MQTT 5 response topics on which commanding clients receive answers"),
        ],
        details: """
            Prints for each user exactly the topics that this configuration needs: an acl_file of mosquitto, a script of rabbitmqctl
            lines, or a file to include in the configuration of nats-server. Changes nothing.
            Print it on the bridge's machine, or set gx.portalId: the id of the GX tree follows from the machine.
            docs/security.md has the steps, with passwords and TLS.
            """,
        examples: [
            "sudo bms-mqtt acl --home-assistant homeassistant --reader grafana >bms-mqtt.acl",
            "bms-mqtt acl --config ./config.yaml --bridge bms --gx cerbo",
            "sudo bms-mqtt acl --for rabbitmq --reader grafana | sudo sh",
        ],
        work: .plain(start))

    private static func start(_ arguments: Arguments) throws(CommandFailure) -> Int32 {
        let configuration = try arguments.configuration()
        func list(_ option: String) -> [String] {
            arguments.text(option)?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) ?? []
        }
        let users = Users(
            bridge: arguments.text("--bridge") ?? configuration.plan.link.username ?? "bms-mqtt",
            homeAssistant: list("--home-assistant"), readers: list("--reader"),
            pages: list("--page"), gx: list("--gx"))
        let responses = list("--response")
        if let complaint = users.complaint ?? complaint(responses, configuration.baseTopic) {
            throw .usage("acl: \(complaint)")
        }
        let file = arguments.text("--config") ?? CommandTable.defaultConfiguration
        let language = arguments.text("--for").flatMap(AccessRules.Language.init) ?? .mosquitto
        let rules = ACLCommand(users: users, responses: responses).rules(configuration, file: file)
        if let complaint = rules.complaint(language) { throw .configuration(["acl: \(complaint)"]) }
        return Console.write(rules.text(language)) ? 0 : 1
    }
}

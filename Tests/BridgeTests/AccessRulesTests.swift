import Glibc
import MQTT
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Access rules for brokers")
struct AccessRulesTests {
    private static func access(
        _ ids: [String] = ["garage", "shed"], command: String = "cmnd/plug/POWER", discovery: DiscoveryMode = .device
    ) -> TopicAccess {
        var options = BridgeOptions()
        options.discovery = discovery
        var packs = ids.map { PackOptions(id: $0) }
        var relay = RelayOptions(name: "charger")
        relay.commandTopic = command
        packs[0].relays = [relay]
        return TopicAccess(options, packs: packs)
    }

    private func rules(_ access: TopicAccess = Self.access()) -> AccessRules {
        AccessRules(
            access, [.init(.bridge, ["bms"]), .init(.reader, ["gra'fana", "log\"s"]), .init(.gx, [])], file: "c.yaml")
    }

    /// An extended regular expression of POSIX means the same as one of PCRE for what the patterns use.
    private func matches(_ pattern: String, _ text: String) throws -> Bool {
        var compiled = regex_t()
        try #require(regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) == 0, "\(pattern)")
        defer { regfree(&compiled) }
        return regexec(&compiled, text, 0, nil, 0) == 0
    }

    @Test("where there are several brokers, the rules say in every language that each needs them")
    func brokers() {
        for language in AccessRules.Language.allCases {
            let note = "\n# Each broker of mqtt.hosts needs these rules: a:1883, b:1884\n"
            let two = AccessRules(Self.access(), [.init(.bridge, ["bms"])], file: "c", brokers: ["a:1883", "b:1884"])
            #expect(two.text(language).hasSuffix(note))
            let one = AccessRules(Self.access(), [.init(.bridge, ["bms"])], file: "c", brokers: ["a:1883"])
            #expect(!one.text(language).contains("mqtt.hosts"))
        }
    }

    @Test(
        "a pattern of RabbitMQ matches what its filters cover, filters included, and nothing else",
        arguments: [
            (
                ["bms/garage/limits", "bms/shed/limits"], ["bms.garage.limits", "bms.shed.limits"],
                [
                    "bms.garage", "bms.garage.limits.x", "bmsxgarage.limits", "x.bms.garage.limits", "bms.*.limits",
                    "bms.#", "#",
                ]
            ),
            (
                ["bms/+/limits"], ["bms.garage.limits", "bms.*.limits"],
                ["bms.#.limits", "bms.#", "bms..limits", "bms.a.b.limits"]
            ),
            (
                ["a/set/#", "a/set/b"], ["a.set", "a.set.#", "a.set.b", "a.set.b.c", "a.set.*"],
                ["a", "a.#", "a.settings", "a.*"]
            ),
            (["a/b", "a/b/c"], ["a.b", "a.b.c"], ["a", "a.b.d", "a.b.c.d", "a.b."]),
            (["cmnd/a.b/PO|WER(1)"], ["cmnd.a/b.PO|WER(1)"], ["cmnd.a.b.PO", "WER(1)", "cmnd.aXb.PO|WER(1)"]),
            ([], [""], ["a", "bms.garage.limits"]),
        ])
    func patterns(filters: [String], inside: [String], outside: [String]) throws {
        let pattern = AccessRules.pattern(filters)
        for key in inside { #expect(try matches(pattern, key), "\(pattern) \(key)") }
        for key in outside { #expect(try !matches(pattern, key), "\(pattern) \(key)") }
    }

    @Test(
        "packs with the same topics are written once: the pattern of a thousand packs stays far below the 64 kB of PCRE"
    )
    func short() {
        #expect(
            AccessRules.pattern(["bms/a/limits", "bms/a/state", "bms/b/limits", "bms/b/state", "bms/bridge/status"])
                == #"^bms\.((a|b)\.(limits|state)|bridge\.status)$"#)
        let rules = rules(Self.access((1...1000).map { "pack-\($0)" }))
        let longest = rules.text(.rabbitmq).split(separator: "'").map(\.utf8.count).max() ?? 0
        #expect(longest < 40_000, "\(longest)")
    }

    @Test(
        "the script of RabbitMQ gives each user the queue of its subscriptions, and the exchange only where it publishes"
    )
    func rabbitMQ() {
        let text = rules().text(.rabbitmq)
        #expect(text.contains(#"allow 'bms' '^(bms\.("#))
        #expect(text.contains(#"cmnd\.plug\.POWER"#))
        // A reader publishes nothing; its name cannot end the word of the shell.
        #expect(text.contains(#"allow 'gra'\''fana' '^$' '^bms\."#))
        #expect(text.contains(#"' '^mqtt-subscription-.*qos[01]$'"#))
        #expect(!text.contains("Victron"))
    }

    @Test("the permissions of NATS name both subjects of a filter of many levels, and forbid a reader to publish")
    func nats() {
        let text = rules().text(.nats)
        for line in [
            "bms_bridge: {", #"    "bms.garage.set""#, #"    "bms.garage.set.>""#, #"    "bms.*.set.>""#,
            #"    "$MQTT.sub.>""#,
            #"    "homeassistant.*.bms_garage.*.config""#, "bms_reader: {\n  publish: { deny: [\">\"] }",
            #"    "bms.*.limits""#,
            #"{ user: "log\"s", password: "...", permissions: $bms_reader, allowed_connection_types: [MQTT] }"#,
        ] {
            #expect(text.contains(line), "\(line)")
        }
        #expect(!text.contains("bms_gx"))
        let accents = rules(Self.access(command: "cmnd/x\"\u{301}/POWER")).text(.nats)
        #expect(accents.unicodeScalars.count { $0 == "\"" } == text.unicodeScalars.count { $0 == "\"" } + 2)
        // A server has the permissions of several sites.
        var options = BridgeOptions()
        options.topics = Topics(base: "fleet/site-a/bms", discoveryPrefix: "homeassistant")
        let site = rules(TopicAccess(options, packs: [PackOptions(id: "garage")])).text(.nats)
        #expect(site.contains("\nfleet_ssite_da_sbms_bridge: {"))
    }

    @Test("bases that differ in punctuation alone have permissions with different names, of letters, digits and _")
    func identifiers() {
        let bases = ["a/b", "a-b", "a_b", "a.b", "a b", "a_sb", "a__b", "a_x2eb", "aé", "a_é", "a", "a_"]
        let names = bases.map(AccessRules.identifier)
        #expect(Set(names).count == bases.count, "\(names)")
        #expect(names.allSatisfy { $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") } })
        #expect(AccessRules.identifier("fleet/site_1/é") == "fleet_ssite__1_s_xc3_xa9")
    }

    @Test("RabbitMQ lets Home Assistant subscribe at its start for other integrations, or it would end the connection")
    func starts() throws {
        func text(_ language: AccessRules.Language, _ discovery: DiscoveryMode = .device) -> String {
            AccessRules(Self.access(discovery: discovery), [.init(.homeAssistant, ["home"])], file: "c").text(language)
        }
        let line = text(.rabbitmq).split(separator: "\n").first { $0.hasPrefix("allow 'home'") }
        let words = try #require(line).split(separator: "'")
        let pattern = try #require(words.first { $0.contains("homeassistant") && $0.contains("limits") })
        for key in ["tasmota.discovery.#", "dsmr.#", "fully.deviceInfo.*", ".greencell.broadcast.device"] {
            #expect(try matches(String(pattern), key), "\(key)")
        }
        for key in ["#", "tasmota.#", "fully.#"] { #expect(try !matches(String(pattern), key), "\(key)") }
        // NATS refuses the subscription alone. Without discovery there is none.
        #expect(!text(.nats).contains("tasmota") && !text(.rabbitmq, .off).contains("tasmota"))
    }

    @Test("the filters of the bridge's own subscriptions are allowed as they are, with many packs, too")
    func filters() throws {
        var options = BridgeOptions()
        options.gxTree = GXTreeOptions(portalID: "02a1b2c3d4e5", prefix: "victron", owner: "test")
        for count in [2, 40] {
            let packs = (1...count).map { PackOptions(id: "pack-\($0)") }
            let rules = rules(TopicAccess(options, packs: packs))
            let allowed = rules.filters(.bridge, isWrite: false, wildcards: true)
            for filter in Bridge(options, packs: packs).subscriptions.map(\.filter) {
                #expect(allowed.contains(filter), "\(filter)")
            }
        }
    }

    @Test(
        "a topic that a broker would take for something else is refused",
        arguments: [
            ("cmnd/a.b/POWER", AccessRules.Language.nats), ("cmnd/a b", .nats), ("a//b", .nats), ("/a", .nats),
            ("a/*/b", .nats),
            ("a/>", .nats), ("a/*/b", .rabbitmq),
        ])
    func refused(topic: String, language: AccessRules.Language) {
        let complaint = rules(Self.access(command: topic)).complaint(language)
        #expect(complaint?.contains("'\(topic)'") == true)
        #expect(rules(Self.access(command: topic)).complaint(.mosquitto) == nil)
        #expect(rules().complaint(language) == nil)
    }
}

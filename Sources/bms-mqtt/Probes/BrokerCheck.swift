import BMSCore
import BatteryEngine
import JSON
import MQTT
import MQTTBridge
import Mosquitto

/// The check of a broker and of those who listen there: connection, version, rights, reach, bridge, Home Assistant, GX.
struct BrokerCheck {
    private let configuration: Configuration
    private let link: LinkConfiguration
    private let probe: BrokerProbe
    private let base: String

    /// - Parameter place: place of the broker in the configuration.
    init(_ configuration: Configuration, _ probe: BrokerProbe, place: Int = 0) {
        (self.configuration, self.probe, base) = (configuration, probe, configuration.baseTopic)
        link = configuration.plan.link.only(configuration.plan.link.brokers[place])
    }

    /// Findings about all brokers of a configuration, and then about those who listen where the bridge is.
    ///
    /// - Parameter probes: what was seen at each broker, in the order of the configuration.
    static func findings(_ configuration: Configuration, _ probes: [BrokerProbe]) -> [Finding] {
        let checks = probes.enumerated().map { BrokerCheck(configuration, $1, place: $0) }
        let isServed = probes.contains { $0.version != nil }
        let brokers = checks.flatMap { check in
            // While another one serves, a broker that does not is no fault of the service.
            check.broker.map { finding in
                var finding = finding
                if isServed, check.probe.version == nil, finding.level == .fault { finding.level = .warning }
                return finding
            }
        }
        let topic = "\(configuration.baseTopic)/bridge/status"
        let place =
            home(configuration, probes) ?? probes.firstIndex { $0.messages[topic] != nil }
            ?? probes.firstIndex { $0.version != nil }
        guard let place else { return brokers }
        return brokers + away(configuration, probes) + checks[place].consumers
    }

    /// Place of the broker at which the bridge is online; `nil`: it is nowhere. Of several, one with limits: after a power cut a broker may
    /// have kept an old `online`, and limits expire.
    static func home(_ configuration: Configuration, _ probes: [BrokerProbe]) -> Int? {
        let base = configuration.baseTopic
        let ids = configuration.plan.ids
        let places = probes.indices.filter { probes[$0].messages["\(base)/bridge/status"] == "online" }
        return places.first { place in ids.contains { probes[place].messages["\(base)/\($0)/limits"]?.isEmpty == false }
        }
            ?? places.first
    }

    /// A word about a bridge that is at another broker than the first.
    private static func away(_ configuration: Configuration, _ probes: [BrokerProbe]) -> [Finding] {
        guard let place = home(configuration, probes), place > 0 else { return [] }
        return [
            Finding(
                "bridge", .warning,
                "it is at \(configuration.plan.link.brokers[place]), because the brokers before that in mqtt.hosts did not serve it: it is back "
                    + "at the first within a minute after that serves again")
        ]
    }

    private var broker: [Finding] {
        let area = "\(link)"
        guard let version = probe.version else {
            let remedy =
                probe.failure?.isOfCredentials == true
                ? "write mqtt.username and mqtt.password into the file, as the broker knows them"
                : hostRemedy
            return [Finding(area, .fault, probe.failure?.description ?? "no answer", remedy: remedy)]
        }
        let name = probe.messages["$SYS/broker/version"].map { " (\($0.prefix(60)))" } ?? ""
        var findings = [Finding(area, .ok, "connected by MQTT \(version == .v5 ? "5" : "3.1.1")\(name)")]
        if let note = probe.note { findings.append(Finding(area, .warning, note)) }
        if let failure = probe.failure {
            findings.append(
                Finding(
                    area, .warning, "it ended the connection again, so what was not heard may be there: \(failure)",
                    remedy:
                        "its log tells why; RabbitMQ does so at a topic that its rules forbid ('bms-mqtt acl --for rabbitmq')"
                )
            )
        }
        return findings + rights(area) + reach(area)
    }

    /// Findings about the bridge and those who listen to it.
    private var consumers: [Finding] { bridge + homeAssistant + gx }

    private var hostRemedy: String? {
        link.isLocal ? "is mosquitto installed and running here? sudo apt-get install mosquitto" : nil
    }

    private func rights(_ area: String) -> [Finding] {
        let refused = probe.refused.filter { !$0.hasPrefix("$SYS") && !$0.hasPrefix("N/") && !$0.hasPrefix("R/") }
        guard !refused.isEmpty else { return [] }
        return [
            Finding(
                area, .fault, "this user may not use \(refused.sorted().joined(separator: ", "))",
                remedy: "'bms-mqtt acl' prints the access rules that the bridge needs (docs/security.md)")
        ]
    }

    /// Findings about the way of other machines to a broker on this one.
    private func reach(_ area: String) -> [Finding] {
        guard link.isLocal else { return [] }
        guard !BrokerProbe.ownAddresses.isEmpty else {
            return [Finding(area, .note, "this machine is in no network, so other machines cannot reach the broker")]
        }
        guard let address = BrokerProbe.deafAddress(port: link.port) else {
            return [Finding(area, .ok, "other machines reach it, unless a firewall forbids it")]
        }
        let file = BrokerProbe.listenerFile(port: link.port).map { "  \($0)" }.joined(separator: "\n")
        return [
            Finding(
                area, .warning,
                "it listens on this machine only (\(address):\(link.port) does not answer): a GX, or Home Assistant elsewhere, cannot reach it",
                remedy: "/etc/mosquitto/conf.d/bms-mqtt.conf, then sudo systemctl restart mosquitto:\n\(file)\n"
                    + "users: sudo mosquitto_passwd -c /etc/mosquitto/passwd NAME (without -c for the next user), sudo chown root:mosquitto "
                    + "/etc/mosquitto/passwd, sudo chmod 640 /etc/mosquitto/passwd, then mqtt.username and mqtt.password in the bridge's file"
            )
        ]
    }

    private var bridge: [Finding] {
        let area = "bridge"
        switch probe.messages["\(base)/bridge/status"] {
        case "online":
            let ids = configuration.plan.ids
            let silent = ids.filter { probe.messages["\(base)/\($0)/status"] != "online" }
            let text =
                silent.isEmpty
                ? "online, and so is every battery"
                : probe.failure == nil
                    ? "online, without data of \(silent.joined(separator: ", "))"
                    : "online; nothing was heard of \(silent.joined(separator: ", ")) until the connection ended"
            return [Finding(area, silent.isEmpty ? .ok : .warning, text)] + limits
        case let status?:
            return [
                Finding(area, .fault, "\(status.prefix(20)): it has run, and runs no more", remedy: Self.startRemedy)
            ]
        case nil:
            return [Finding(area, .note, "no bridge has ever run on '\(base)/'", remedy: Self.startRemedy)]
        }
    }

    private static let startRemedy = "sudo systemctl enable --now bms-mqtt, or bms-mqtt run --config FILE"

    /// The limits that consumers see now.
    private var limits: [Finding] {
        (configuration.plan.banks.map(\.options.id) + configuration.plan.packs.map(\.options.id)).prefix(16).compactMap
        { id in
            guard let text = probe.messages["\(base)/\(id)/limits"], let limits = JSONValue(parsing: Array(text.utf8))
            else { return nil }
            let values = LimitName.allCases.map { "\($0.title) \($0.value(limits))" }.joined(separator: ", ")
            let reason = LimitName.ccl.reason(limits).map { "; CCL: \($0)" } ?? ""
            let isStale = limits["chargeState"]?.text == "stale"
            return Finding("bridge", isStale ? .warning : .ok, "\(id): \(values)\(reason)")
        }
    }

    private var homeAssistant: [Finding] {
        let area = "Home Assistant"
        let birth = configuration.plan.bridge.birthTopic
        if configuration.plan.bridge.discovery == .off {
            return [Finding(area, .note, "homeAssistant.discovery is off: nothing is announced")]
        }
        if probe.messages[birth] == "online" { return [Finding(area, .ok, "it said 'online' on \(birth)")] }
        return [
            Finding(
                area, .note, "not heard: it speaks on \(birth) when it starts, and the broker need not keep that",
                remedy: "if the pack does not appear there, docs/troubleshooting.md goes through the causes")
        ]
    }

    private var gx: [Finding] {
        let area = "Victron GX"
        let own = configuration.plan.bridge.gxTree?.portalID
        let serials = probe.messages.keys.filter { $0.hasPrefix("N/") && $0.hasSuffix("/system/0/Serial") }
        let others = serials.compactMap { $0.split(separator: "/").dropFirst().first.map(String.init) }.filter {
            $0 != own
        }
        if let other = others.first {
            return [Finding(area, .ok, "a GX (\(other)) is on this broker; its driver only listens, and is not heard")]
        }
        if let own, probe.messages["R/\(own)/keepalive"] != nil {
            return [Finding(area, .ok, "a program reads the GX tree of this bridge")]
        }
        return [
            Finding(
                area, .note, "none on this broker; a driver on a GX only listens, and cannot be heard",
                remedy: "'bms-mqtt gx-setup' prints what to set on a GX")
        ]
    }
}

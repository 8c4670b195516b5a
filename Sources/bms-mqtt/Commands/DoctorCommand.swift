import BMSCore
import BatteryEngine
import CANBus
import ChargeLimits
import Glibc
import JSON
import LinuxIO
import MQTT
import MQTTBridge
import Mosquitto
import SerialLink
import ServiceIO

/// `bms-mqtt doctor`: one screen that says of each part of the way from the cable to the consumers whether it works, with remedies.
struct DoctorCommand: Sendable {
    let file: String
    /// Seconds of listening to a source that no bridge reads.
    var seconds = 22.0

    /// Seconds of listening to the broker.
    private static let listening = 2.5
    /// Packs that are looked at one after the other; of more, only what the broker knows.
    private static let mostPacks = 16

    func checkUp() async -> (checkUp: CheckUp, isConfigured: Bool) {
        var checkUp = CheckUp(title: "bms-mqtt \(Version.number), \(file)")
        checkUp.findings = clock
        let configuration: Configuration
        do throws(ConfigurationFaults) {
            configuration = try ConfigurationFile.load(file)
        } catch {
            checkUp.findings += error.lines.prefix(10).map { Finding("configuration", .fault, $0) }
            let ports = SerialCable.ports().filter(\.isCable)
            let text =
                ports.isEmpty
                ? "no 123\\SmartBMS cable is plugged in" : "found at \(ports.map(\.path).joined(separator: ", "))"
            checkUp.findings.append(Finding("cable", ports.isEmpty ? .note : .ok, text))
            return (checkUp, false)
        }
        checkUp.findings += Self.configuration(configuration)
        let brokers = configuration.plan.link.brokers
        var probes: [BrokerProbe] = []
        for broker in brokers { probes.append(await Self.look(at: broker, configuration)) }
        let home = BrokerCheck.home(configuration, probes)
        let isAlive = home != nil
        // A running bridge would hear a stranger on its topics, and shows by itself that it may publish.
        for place in brokers.indices where !isAlive && probes[place].version != nil {
            probes[place].refused.formUnion(await Self.refusals(at: brokers[place], configuration))
        }
        let probe = probes[home ?? 0]
        let packs = configuration.plan.packs
        for pack in packs.prefix(Self.mostPacks) {
            guard !Task.isCancelled else { break }
            checkUp.findings += await SourceCheck.findings(
                pack, isAlive ? Self.served(pack.options.id, configuration, probe) : .no, seconds: seconds)
        }
        if packs.count > Self.mostPacks {
            checkUp.findings.append(
                Finding("packs", .note, "\(packs.count - Self.mostPacks) further packs were not listened to"))
        }
        checkUp.findings += configuration.plan.buses.map(Self.bus)
        checkUp.findings += BrokerCheck.findings(configuration, probes)
        return (checkUp, true)
    }

    private static func configuration(_ configuration: Configuration) -> [Finding] {
        let area = "configuration"
        let packs = configuration.plan.packs
        var findings = [Finding(area, .ok, "valid: \(configuration.plan.summary)")]
        findings += configuration.notices.map { Finding(area, .warning, $0) }
        findings += SourceRemarks.lines(packs).map { Finding(area, .note, $0) }
        findings += UnsetLimits.lines(packs).map {
            Finding(area, .warning, $0, remedy: "set these before an inverter follows the limits")
        }
        return findings
    }

    private static func bus(_ bus: ServicePlan.Bus) -> Finding {
        let area = "CAN bus \(bus.address)"
        if let obstacle = bus.address.obstacle { return Finding(area, .fault, obstacle) }
        return Finding(
            area, .ok, "there; whether an inverter answers, only the running bridge knows: bms-mqtt health")
    }

    private static func look(at broker: BrokerAddress, _ configuration: Configuration) async -> BrokerProbe {
        var link = configuration.plan.link.only(broker)
        link.clientID = Arguments.clientID("doctor")
        let filters = filters(configuration)
        var probe = await BrokerProbe.look(link, filters.granted, seconds: 12, listening: listening)
        guard probe.version != nil, probe.failure == nil else { return probe }
        // Some brokers end a connection at a filter that its user may not read: it must not cost what matters.
        link.clientID = Arguments.clientID("doctor-more")
        let more = await BrokerProbe.look(link, filters.others, seconds: 6, listening: 1)
        probe.messages.merge(more.messages) { known, _ in known }
        return probe
    }

    /// Topics to look at: those that the bridge's own user may read by the rules of `bms-mqtt acl`, and those that it may be forbidden to.
    static func filters(_ configuration: Configuration) -> (granted: [String], others: [String]) {
        let (plan, base) = (configuration.plan, configuration.baseTopic)
        let access = TopicAccess(plan.bridge, packs: plan.packs.map(\.options), banks: plan.banks.map(\.options))
        let readable = access.grants(.bridge).filter { !$0.isWrite }.map(\.filter)
        var filters = ["\(base)/bridge/status"]
        for id in plan.ids { filters += ["\(base)/\(id)/status", "\(base)/\(id)/limits"] }
        filters += [plan.bridge.birthTopic, "N/+/system/0/Serial"]
        filters.append("R/\(plan.bridge.gxTree?.portalID ?? "+")/keepalive")
        filters.append("$SYS/broker/version")
        func isReadable(_ filter: String) -> Bool { readable.contains { TopicAccess.filter($0, matches: filter) } }
        return (filters.filter(isReadable), filters.filter { !isReadable($0) })
    }

    /// Words of a running bridge about a pack's source, which is not opened a second time then.
    private static func served(_ id: String, _ configuration: Configuration, _ probe: BrokerProbe)
        -> SourceCheck.Service
    {
        let topic = "\(configuration.baseTopic)/\(id)"
        if probe.messages["\(topic)/status"] == "online" { return .live }
        let limits = probe.messages["\(topic)/limits"].flatMap { JSONValue(parsing: Array($0.utf8)) }
        return .silent(limits.flatMap { LimitName.ccl.reason($0) } ?? "no data from the BMS")
    }

    /// Topics of the bridge on which its user may not publish.
    private static func refusals(at broker: BrokerAddress, _ configuration: Configuration) async -> Set<String> {
        guard let pack = configuration.plan.packs.first else { return [] }
        var link = configuration.plan.link.only(broker)
        link.clientID = Arguments.clientID("doctor-test")
        let topic = configuration.plan.bridge.topics.result(pack.options.id)
        let answer =
            #"{"setting":"doctor","value":null,"accepted":true,"reason":"a test of rights","effective":null,"time":0}"#
        let probe = await BrokerProbe.look(
            link, [], test: MQTTMessage(topic, answer, qos: 1), seconds: 6, listening: 1)
        return probe.refused.intersection([topic])
    }

    private var clock: [Finding] {
        let wall = Clock.now().wall
        // Before the year of this program no certificate and no document is right.
        guard wall > 1_767_225_600_000 else {
            return [
                Finding(
                    "clock", .fault, "this machine's clock says a year before 2026",
                    remedy: "set it (timedatectl set-ntp true): TLS, and the times in documents, depend on it")
            ]
        }
        var now = time_t(wall / 1000)
        var parts = tm()
        localtime_r(&now, &parts)
        let zone = parts.tm_zone.map { String(cString: $0) } ?? "UTC"
        return [Finding("clock", .ok, "\(Clock.timeOfDay(wall)) \(zone); balanceHours count in this time zone")]
    }
}

extension DoctorCommand {
    static let row = CommandRow(
        name: "doctor", summary: "one screen of checks from cable to consumers, with remedies",
        options: [
            .config,
            OptionRow(name: "--json", kind: .flag, meaning: "one JSON object instead of text"),
            OptionRow(
                name: "--listen", kind: .whole("S", 1...600),
                meaning:
                    "seconds of listening to each source that no running bridge reads (default: 22; the BMS sends its firmware version every 19 s)"
            ),
        ],
        details: """
            Looks at configuration, cable, group, bytes, frames, the broker, its rights and whether other machines reach it, Home Assistant
            and a GX on it, the clock, and limits that are not set. Changes nothing, and opens no source that a running bridge reads.
            Exit code 0: no fault, though there may be warnings; 1: a fault; 78: no valid configuration.
            """, examples: ["bms-mqtt doctor", "bms-mqtt doctor --config ./config.yaml --json"],
        work: .waiting(start))

    private static func start(_ arguments: Arguments) async throws(CommandFailure) -> Int32 {
        var command = DoctorCommand(file: arguments.text("--config") ?? CommandTable.defaultConfiguration)
        if let seconds = arguments.whole("--listen") { command.seconds = Double(seconds) }
        if Terminal.isPresent, !arguments.has("--json") {
            Console.write(
                "Looking; a source that no bridge reads is listened to for up to \(Int(command.seconds)) s ...\n")
        }
        let (checkUp, isConfigured) = await command.checkUp()
        if arguments.has("--json") {
            Console.write(checkUp.json + "\n")
        } else {
            let screen = Terminal.screen
            let lines = checkUp.lines(
                columns: Terminal.isPresent ? screen.columns : 120, isUnicode: screen.isUnicode,
                hasColour: Terminal.isPresent && screen.hasColour)
            Console.write(lines.joined(separator: "\n") + "\n")
        }
        guard isConfigured else { return ExitCode.configuration.rawValue }
        return checkUp.faults == 0 ? 0 : 1
    }
}

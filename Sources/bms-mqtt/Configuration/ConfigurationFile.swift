import BMSCore
import SmartBMS
import ChargeLimits
import CLinux
import Glibc
import LinuxIO
import BatteryEngine
import MQTTBridge
import Mosquitto
import SerialLink

/// All faults of a configuration, by place.
struct ConfigurationFaults: Error, Sendable {
    /// Largest number of faults that are printed.
    private static let most = 50

    var file: String
    var faults: [ConfigurationFault]

    /// Lines `file:line:column: sentence`, by place.
    var lines: [String] {
        let top = YAMLNode.Place(line: 0, column: 0)
        let sorted = faults.sorted { ($0.place ?? top) < ($1.place ?? top) }
        let shown = sorted.prefix(Self.most).map { fault in
            // The text of a file may be long, and may contain control characters for a terminal.
            "\(file):\(fault.place.map { "\($0.line):\($0.column):" } ?? "") \(fault.text.shortened)"
        }
        return sorted.count > Self.most ? shown + ["\(file): and \(sorted.count - Self.most) more"] : shown
    }
}

/// Reads, checks and translates a configuration file.
enum ConfigurationFile {
    /// Default of `checks.stuck`, milliseconds. The library's own default is off, because its callers may repeat a frame.
    static let stuckMilliseconds: Int64 = 20_000

    /// Longest wait for each part of a configuration that is read from a pipe, seconds.
    private static let patience = 10.0

    /// - Parameter isClient: what reads it talks to a running bridge, and needs the way to the broker alone.
    static func load(_ path: String, isClient: Bool = false) throws(ConfigurationFaults) -> Configuration {
        func fault(_ text: String) -> ConfigurationFaults {
            ConfigurationFaults(file: path, faults: [ConfigurationFault(place: nil, text: text)])
        }
        switch ChunkReader.open(path) {
        case .failure(let failure):
            throw fault("cannot be read: \(failure.reason)\(Self.remedy(path))")
        case .success(let descriptor):
            defer { if descriptor != STDIN_FILENO { close(descriptor) } }
            let status = descriptor == STDIN_FILENO ? nil : FileStatus(descriptor)
            if status?.isRegular == true, let complaint = openness(path, status) {
                throw fault(complaint)
            }
            var bytes: [UInt8] = []
            while bytes.count <= YAMLReader.longestFile {
                // A silent pipe without an end would block the bridge, which could then not handle a signal.
                guard status?.isRegular == true || Poll.wait(for: descriptor, seconds: patience) == .ready else {
                    throw fault(
                        "no data and no end for \(Int(patience)) s: is somebody writing the configuration?")
                }
                var chunk: [UInt8]?
                do {
                    chunk = try ChunkReader.read(descriptor)
                } catch {
                    throw fault("cannot be read: \(error.reason)")
                }
                guard let chunk else { break }
                bytes += chunk
            }
            if bytes.count <= YAMLReader.longestFile, let reason = ChunkReader.change(descriptor) {
                throw fault("cannot be read: \(reason)")
            }
            var configuration = try parse(bytes, file: path, isClient: isClient)
            if configuration.hasInlinePassword, let remedy = status?.remedy(path) {
                configuration.notices.append("mqtt.password is in \(path), and \(remedy)")
            }
            return configuration
        }
    }

    /// Advice about a file that cannot be opened.
    private static func remedy(_ path: String) -> String {
        if FileStatus(path: path) == nil, FileStatus(link: path) == nil, errno == ENOENT {
            return
                ": 'bms-mqtt setup' writes a configuration, 'bms-mqtt print-default-config' prints one with every key"
        }
        return access(path, R_OK) != 0 && errno == EACCES && geteuid() != 0 ? ": use sudo" : ""
    }

    /// Complaint about a file that everybody can write or replace, because the file sets every ceiling; `nil`: there is none.
    private static func openness(_ path: String, _ status: FileStatus?) -> String? {
        if status?.isWorldWritable == true {
            return "everybody on this machine can write this file, and it sets every ceiling: chmod o-w \(path)"
        }
        guard let folder = PathFolders.all(path).first(where: { FileStatus(path: $0)?.allowsReplacing == true }) else {
            return nil
        }
        return "everybody on this machine can replace this file, and it sets every ceiling: chmod o-w \(folder)"
    }

    static func parse(
        _ bytes: [UInt8], file: String, isClient: Bool = false,
        environment: @escaping @Sendable (String) -> String? = { name in getenv(name).map { String(cString: $0) } }
    ) throws(ConfigurationFaults) -> Configuration {
        let root: YAMLNode?
        do throws(ConfigurationFault) {
            root = try YAMLReader.read(bytes)
        } catch {
            throw ConfigurationFaults(file: file, faults: [error])
        }
        var loader = ConfigurationLoader(lines: YAMLLines(bytes), isClient: isClient, environment: environment)
        let configuration = loader.load(root)
        guard loader.faults.isEmpty else { throw ConfigurationFaults(file: file, faults: loader.faults) }
        return configuration
    }
}

/// Translates the tree of a file into a configuration, and collects every fault, not only the first.
struct ConfigurationLoader {
    private(set) var faults: [ConfigurationFault] = []
    /// Warnings about things that are allowed.
    private var notices: [String] = []
    private let lines: YAMLLines
    /// Packs may be missing.
    private let isClient: Bool
    private let environment: @Sendable (String) -> String?
    /// Places of the packs.
    private var packPlaces: [YAMLNode.Place] = []
    /// Places of the banks.
    var bankPlaces: [YAMLNode.Place] = []
    private var places: [String: YAMLNode.Place] = [:]
    /// All relays with their places.
    private var relays: [(relay: RelayOptions, place: YAMLNode.Place)] = []

    init(lines: YAMLLines, isClient: Bool, environment: @escaping @Sendable (String) -> String?) {
        self.lines = lines
        self.isClient = isClient
        self.environment = environment
    }

    mutating func load(_ root: YAMLNode?) -> Configuration {
        var configuration = Configuration()
        let top = YAMLNode.Place(line: 1, column: 1)
        guard let root, !root.isEmpty else {
            if isClient {
                configuration.finish()
                check(&configuration)
                return configuration
            }
            fault(top, "the file is empty: it needs at least a pack with an id and a source")
            return configuration
        }
        guard case .mapping(let entries) = root.content else {
            fault(root.place, "expected keys like 'packs:' at the top, found \(root.kind)")
            return configuration
        }
        var packs: YAMLNode.Entry?
        var banks: YAMLNode.Entry?
        var buses: YAMLNode.Entry?
        var others: [YAMLNode.Entry] = []
        for entry in entries {
            switch entry.key {
            case "packs": packs = entry
            case "banks": banks = entry
            case "can": buses = entry
            default: others.append(entry)
            }
        }
        walk(others, "", ConfigurationTable.keys, .top, &configuration, extra: ["packs", "banks", "can"])
        if let packs {
            configuration.plan.packs = self.packs(packs.value)
        } else if !isClient {
            fault(top, "no 'packs:': name one with an id and a source; a file for 'bms-mqtt web' alone needs none")
        }
        if let banks { configuration.plan.banks = self.banks(banks.value, configuration.plan.packs) }
        if let buses { configuration.plan.buses = self.buses(buses.value, configuration.plan) }
        if packPlaces.count == configuration.plan.packs.count {
            checkNames(
                Array(zip(configuration.plan.packs, packPlaces)),
                Array(zip(configuration.plan.banks, bankPlaces)))
        }
        configuration.finish()
        configuration.notices += notices
        check(&configuration)
        return configuration
    }

    /// Applies the keys of a group and of the groups in it.
    mutating func walk<Target>(
        _ entries: [YAMLNode.Entry], _ prefix: String, _ table: [ConfigurationKey<Target>], _ level: KeyLevel,
        _ target: inout Target, extra: [String] = []
    ) {
        for entry in entries {
            let path = prefix + entry.key
            places[path] = entry.value.place
            if entry.key.contains(".") {
                // Paths of the table have dots. In a file they would skip the effect of the group itself, as of 'mqtt.tls'.
                fault(
                    entry.place,
                    "unknown key '\(path.prefix(80))': write a group without dots, with its keys on lines of their own below its name"
                )
            } else if let key = table.first(where: { $0.path == path }) {
                switch key.value(entry.value) {
                case .success(let value):
                    key.apply(&target, value)
                    if key.warnsOfComment, let end = entry.value.end, lines.hasComment(at: end) {
                        notices.append(
                            "\(path) ends before ' #', where a comment begins: if the # belongs to it, put it in quotes; else give the "
                                + "comment a line of its own")
                    }
                case .failure(let failure): faults.append(failure)
                }
            } else if table.contains(where: { $0.path.hasPrefix(path + ".") }) {
                group(entry, path, table, level, &target)
            } else {
                let siblings = table.filter { $0.path.hasPrefix(prefix) }.map {
                    String($0.path.dropFirst(prefix.count).prefix { $0 != "." })
                }
                let hint =
                    PastedCharacter.hint(entry.key) ?? KeyPlaces.hint(
                        entry.key, level, prefix, isGroup: entry.value.isGroup)
                    ?? Suggestion.text(entry.key, siblings + extra)
                fault(entry.place, "unknown key '\(path.prefix(80))'\(hint)")
            }
        }
    }

    private mutating func group<Target>(
        _ entry: YAMLNode.Entry, _ path: String, _ table: [ConfigurationKey<Target>], _ level: KeyLevel,
        _ target: inout Target
    ) {
        if path == "mqtt.tls", var configuration = target as? Configuration {
            // The group itself switches TLS on, and so does 'tls: true'.
            if case .scalar(let text, true) = entry.value.content,
                let isOn = SwitchWord.isOn(text)
            {
                if isOn { configuration.plan.link.tls = TLSConfiguration() }
                replace(&target, with: configuration)
                return
            }
            configuration.plan.link.tls = TLSConfiguration()
            replace(&target, with: configuration)
        }
        guard case .mapping(let entries) = entry.value.content else {
            if entry.value.isEmpty { return }
            fault(
                entry.value.place,
                "\(path): expected a group of keys, found \(entry.value.kindWithoutValue)\(entry.value.colonHint)")
            return
        }
        walk(entries, path + ".", table, level, &target)
    }

    private func replace<Target>(_ target: inout Target, with configuration: Configuration) {
        if let same = configuration as? Target { target = same }
    }

    private mutating func packs(_ node: YAMLNode) -> [ServicePlan.Pack] {
        guard case .sequence(let items) = node.content, !items.isEmpty else {
            fault(node.place, "packs: expected a list ('- id: ...'), found \(node.kind)")
            return []
        }
        guard items.count <= 1000 else {
            fault(node.place, "packs: \(items.count) packs: at most 1000")
            return []
        }
        var packs: [ServicePlan.Pack] = []
        var sources: [String: SourceAddress] = [:]
        for item in items {
            guard case .mapping(let entries) = item.content else {
                fault(
                    item.place,
                    "packs: expected keys like 'id: garage', found \(item.kindWithoutValue)\(item.colonHint)")
                continue
            }
            let nothing = SourceAddress.replay(path: "", speed: 1)
            var pack = ServicePlan.Pack(options: PackOptions(id: ""), source: nothing)
            pack.options.decoding.confirmation.stuck = ConfigurationFile.stuckMilliseconds
            let before = faults.count
            places = places.filter { !$0.key.hasPrefix("pack:") }
            if let old = entries.first(where: { $0.key == "bank" }) {
                fault(old.place, "a pack has no key 'bank': name its bank under 'banks:', with 'packs: [...]'")
            }
            walk(
                entries.filter { !["relays", "bank"].contains($0.key) }, "", PackTable.keys, .pack, &pack,
                extra: ["relays"])
            if let list = entries.first(where: { $0.key == "relays" }) {
                pack.options.relays = relays(list.value)
            }
            for key in ["id", "source"] where !entries.contains(where: { $0.key == key }) {
                fault(item.place, "a pack without '\(key)': it is required")
            }
            check(pack, item, before)
            if pack.source != nothing, let other = sources.updateValue(pack.source, forKey: pack.source.identity) {
                if case .simulator = pack.source {
                } else {
                    let spelling = other == pack.source ? "" : ", which is the same as \(other)"
                    fault(item.place, "two packs on \(pack.source)\(spelling): one cable is one pack")
                }
            }
            packs.append(pack)
            packPlaces.append(item.place)
        }
        return packs
    }

    private mutating func relays(_ node: YAMLNode) -> [RelayOptions] {
        guard case .sequence(let items) = node.content, (1...16).contains(items.count) else {
            fault(node.place, "relays: expected a list of 1 to 16 relays ('- name: ...'), found \(node.kind)")
            return []
        }
        var relays: [RelayOptions] = []
        for item in items {
            guard case .mapping(let entries) = item.content else {
                fault(item.place, "relays: expected keys like 'name: charger', found \(item.kind)")
                continue
            }
            var relay = RelayOptions(name: "")
            let before = faults.count
            walk(entries, "", RelayTable.keys, .relay, &relay)
            for key in ["name", "commandTopic"] where !entries.contains(where: { $0.key == key }) {
                fault(item.place, "a relay without '\(key)': it is required")
            }
            guard faults.count == before else { continue }
            if relays.contains(where: { $0.name == relay.name }) {
                fault(item.place, "two relays with the name '\(relay.name)': names are topics, they must differ")
            }
            relays.append(relay)
            self.relays.append((relay, item.place))
        }
        return relays
    }

    /// Checks that no relay has a topic of the bridge, a topic of another relay, or one payload for two states.
    private mutating func checkRelays(_ configuration: Configuration) {
        var commanded: [String: String] = [:]
        let tree = configuration.plan.bridge.gxTree
        let ours = ["N", "R", "W"].compactMap { level in
            tree.map { "\($0.prefix.isEmpty ? "" : $0.prefix + "/")\(level)/\($0.portalID)" }
        }
        let prefixes = ([configuration.baseTopic, configuration.discoveryPrefix] + ours).map { $0 + "/" }
        for (relay, place) in relays {
            let name = "relay '\(relay.name)'"
            for (key, topic) in [("commandTopic", relay.commandTopic), ("stateTopic", relay.stateTopic)] {
                guard let topic, prefixes.contains(where: topic.hasPrefix) else { continue }
                fault(place, "\(name): \(key) '\(topic)' is one of the bridge's own topics: give the device's topic")
            }
            if let other = commanded.updateValue(relay.name, forKey: relay.commandTopic) {
                fault(
                    place,
                    "\(name) and relay '\(other)' have the commandTopic '\(relay.commandTopic)': one device is one relay"
                )
            }
            if relay.payloadClosed == relay.payloadOpen {
                fault(place, "\(name): payloadClosed and payloadOpen are both '\(relay.payloadOpen)'")
            }
            if (relay.stateClosed ?? relay.payloadClosed) == (relay.stateOpen ?? relay.payloadOpen) {
                fault(place, "\(name): stateClosed and stateOpen mean the same")
            }
            if relay.stateTopic == nil, relay.stateKey ?? relay.stateClosed ?? relay.stateOpen != nil {
                fault(place, "\(name): stateKey, stateClosed and stateOpen need a stateTopic")
            }
        }
        for (relay, place) in relays {
            guard let topic = relay.stateTopic, commanded[topic] != nil else { continue }
            fault(
                place, "relay '\(relay.name)': stateTopic '\(topic)' is a commandTopic: it would read its own commands")
        }
    }

    private mutating func check(_ pack: ServicePlan.Pack, _ node: YAMLNode, _ before: Int) {
        guard faults.count == before else { return }
        let limits = pack.options.limits
        for (name, low) in [
            ("minChargeTemperature", limits.minimumChargeTemperature),
            ("minDischargeTemperature", limits.minimumDischargeTemperature),
        ] {
            if let low, low >= limits.maximumTemperature {
                fault(node.place, "limits.\(name) must be below limits.maxTemperature")
            }
        }
        if limits.maximumSoc < 100, limits.maximumSoc < limits.reserveSoc + 10 {
            fault(
                node.place,
                "charging.maxSoc must be at least 10 % above discharging.reserveSoc, or nothing of the pack is used")
        }
        if let bounds = pack.options.rules.plausibility, bounds.minimumCellVoltage >= bounds.maximumCellVoltage {
            fault(node.place, "checks.minimumCellVoltage must be below checks.maximumCellVoltage")
        }
    }

    /// Checks the rules that involve several keys.
    private mutating func check(_ configuration: inout Configuration) {
        let times = configuration.freshness
        if times.hold >= times.stale || times.stale >= times.lost {
            fault(
                place("staleness"),
                "staleness: hold < stale < lost must hold, found "
                    + "\(times.hold / 1000), \(times.stale / 1000), \(times.lost / 1000) s")
        }
        let bridge = configuration.plan.bridge
        if Int64(bridge.expiry) * 1000 < 2 * max(bridge.stateInterval, bridge.stateHeartbeat, bridge.limitsInterval) {
            fault(
                place("publish"),
                "publish.expiry must be at least twice publish.state, publish.heartbeat and publish.limits, or documents "
                    + "vanish between two heartbeats")
        }
        checkRelays(configuration)
        checkBrokers(configuration)
        let tls = configuration.plan.link.tls
        if (tls?.certificateFile == nil) != (tls?.keyFile == nil) {
            fault(place("mqtt.tls"), "mqtt.tls: certFile and keyFile belong together")
        }
        if let path = tls?.keyFile, let remedy = FileStatus(path: path)?.remedy(path) {
            configuration.notices.append(remedy)
        }
        checkPassword(&configuration)
    }

    private mutating func checkPassword(_ configuration: inout Configuration) {
        let place = place(configuration.passwordFile == nil ? "mqtt" : "mqtt.passwordFile")
        let found = Password.find(
            inline: configuration.plan.link.password, file: configuration.passwordFile, environment: environment)
        switch found {
        case .failure(let failure):
            fault(place, "mqtt\(configuration.passwordFile == nil ? "" : ".passwordFile"): \(failure.text)")
        case .success(nil): break
        case .success(let password?):
            configuration.plan.link.password = password.text
            configuration.notices += password.notice.map { [$0] } ?? []
            let link = configuration.plan.link
            if link.username == nil {
                fault(place, "mqtt: a password without username is never sent: give mqtt.username, too")
            }
            let remote = link.brokers.filter { !$0.isLocal }.map(\.description)
            if link.tls == nil, !remote.isEmpty {
                configuration.notices.append(
                    "the password goes to \(remote.joined(separator: ", ")) in plain text, for all on the network to read: use mqtt.tls"
                )
            }
        }
    }

    func place(_ path: String) -> YAMLNode.Place { places[path] ?? YAMLNode.Place(line: 1, column: 1) }

    mutating func fault(_ place: YAMLNode.Place, _ text: String) {
        faults.append(ConfigurationFault(place: place, text: text))
    }
}

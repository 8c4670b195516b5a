import BMSCore
import SmartBMS
import Glibc
import MQTTBridge
import LinuxIO
import Mosquitto
import PackSimulator
import SerialLink

/// From checked arguments to the command that does the work.
struct Dispatcher: Sendable {
    private let arguments: Arguments

    init(_ arguments: Arguments) { self.arguments = arguments }

    /// Commands that wait for several things at once, signals among them.
    private static let waiting = Set(["demo", "simulate", "record", "monitor", "set", "settings", "health"])

    func run() -> Int32 {
        if arguments.command == "run" {
            return RunCommand(file: arguments.text("--config") ?? CommandTable.defaultConfiguration).run()
        }
        if Self.waiting.contains(arguments.command) {
            Task { exit(Console.exitCode(await runWaiting())) }
            while true { pause() }
        }
        // All others are ended by signals.
        Signals.release()
        switch arguments.command {
        case "decode":
            let format = arguments.text("--format").flatMap(DecodeCommand.Format.init) ?? .hex
            return DecodeCommand(format: format, isStrict: arguments.has("--strict")).run(
                file: arguments.text("file") ?? "-")
        case "limits": return limits()
        case "gx-setup":
            guard let configuration = load(arguments.text("--config") ?? CommandTable.defaultConfiguration) else {
                return 78
            }
            Console.write(GXSetupCommand.text(configuration))
            return 0
        case "acl": return accessRules()
        case "switches":
            return SwitchesCommand.run(
                cells: arguments.whole("--cells") ?? 0, volts: arguments.decimal("--vbalance") ?? 0,
                generation: generation)
        case "check-config": return checkConfiguration()
        case "print-default-config":
            Console.write(
                arguments.has("--markdown") ? ConfigurationText.documentation + "\n" : ConfigurationText.defaultFile)
            return 0
        case "print-package-file":
            Console.write(arguments.text("name").flatMap(PackageFile.init)?.text ?? "")
            return 0
        default:
            Console.write("bms-mqtt \(Version.number)\n\(MosquittoLibrary.text)\n")
            return 0
        }
    }

    /// One of ``waiting``.
    private func runWaiting() async -> Int32 {
        switch arguments.command {
        case "demo": await demo()
        case "simulate": await simulate()
        case "record": await record()
        case "monitor": await monitor()
        case "set":
            await settings(
                SettingsCommand.Assignment(
                    setting: arguments.text("setting") ?? "", value: arguments.text("value") ?? ""))
        case "settings": await settings(nil)
        default: await health()
        }
    }

    private var generation: Generation { arguments.text("--generation") == "2" ? .two : .three }
    private var scenario: Scenario { arguments.text("--scenario").flatMap(Scenario.init) ?? .day }
    private var seed: UInt64 { UInt64(arguments.whole("--seed") ?? 1) }

    /// Runs until a signal or the end of `--seconds`.
    private func untilStopped(_ body: @escaping @Sendable () async -> Int32) async -> Int32 {
        let ends = Signals.ends()
        let seconds = arguments.whole("--seconds")
        return await withTaskGroup(of: Int32?.self) { group in
            group.addTask { await body() }
            group.addTask {
                for await _ in ends { return nil }
                return nil
            }
            if let seconds {
                group.addTask {
                    try? await Task.sleep(for: .seconds(seconds))
                    return nil
                }
            }
            var code = await group.next() ?? 0
            group.cancelAll()
            // Ended from outside: wait for the body's own end.
            while code == nil, let next = await group.next() { code = next }
            return code ?? 0
        }
    }

    private func demo() async -> Int32 {
        var command = DemoCommand(scenario: scenario.rawValue, version: Version.number)
        command.cells = arguments.whole("--cells") ?? 16
        command.speed = arguments.decimal("--speed") ?? 20
        command.seed = seed
        if let text = arguments.text("--broker") {
            guard let broker = Self.broker(text) else { return Self.badBroker(text) }
            command.broker = broker
        }
        let demo = command
        return await untilStopped { await demo.run() }
    }

    private func simulate() async -> Int32 {
        let isPty = arguments.has("--pty")
        let port = arguments.whole("--tcp")
        let packs = arguments.whole("--packs") ?? 1
        guard [isPty, port != nil, arguments.has("--stdout")].filter({ $0 }).count == 1 else {
            Console.complain("simulate: exactly one of --pty, --tcp PORT and --stdout is needed")
            return 2
        }
        guard isPty || port != nil || packs == 1 else {
            Console.complain("simulate: --packs needs --tcp or --pty: standard output has room for one pack")
            return 2
        }
        if let port, port + packs - 1 > 65_535 {
            Console.complain(
                "simulate: \(packs) packs from port \(port) would end at \(port + packs - 1), and ports end at 65535: "
                    + "begin at \(65_536 - packs) or below")
            return 2
        }
        guard isPty || port != nil || !arguments.has("--print-config") else {
            Console.complain(
                "simulate: --print-config needs --tcp or --pty: a configuration cannot name standard output")
            return 2
        }
        guard isPty || !arguments.has("--link") else {
            Console.complain("simulate: --link belongs to --pty")
            return 2
        }
        let output: SimulateCommand.Output =
            isPty
            ? .pty(link: arguments.text("--link"), packs: packs)
            : port.map { .tcp(port: $0, packs: packs) } ?? .standard
        var command = SimulateCommand(output: output, scenario: scenario)
        command.cells = arguments.whole("--cells") ?? 16
        command.speed = arguments.decimal("--speed") ?? 1
        command.seed = seed
        command.printsConfiguration = arguments.has("--print-config")
        command.revision = generation == .two ? .generation2 : .generation3Rev13
        let simulation = command
        return await untilStopped { await simulation.run() }
    }

    private func limits() -> Int32 {
        let state = arguments.text("--state")
        guard let file = arguments.text("--config") else {
            for option in ["--bank", "--pack"] where arguments.has(option) {
                Console.complain("\(option) needs the file that has it: --config FILE")
                return 2
            }
            return LimitsCommand.run(PackOptions(id: "pack"), state: state)
        }
        guard let configuration = load(file) else { return 78 }
        if let id = arguments.text("--bank") {
            let banks = configuration.plan.banks.map(\.options)
            guard let bank = banks.first(where: { $0.id == id }) else {
                Console.complain("\(file) has no bank '\(id)': \(banks.map(\.id).joined(separator: ", "))")
                return 2
            }
            return LimitsCommand.run(bank, configuration.plan.packs.map(\.options), state: state)
        }
        let id = arguments.text("--pack")
        let packs = configuration.plan.packs.map(\.options)
        guard let pack = id == nil ? packs.first : packs.first(where: { $0.id == id }) else {
            Console.complain("\(file) has no pack '\(id ?? "")': \(packs.map(\.id).joined(separator: ", "))")
            return 2
        }
        return LimitsCommand.run(pack, state: state)
    }

    private func record() async -> Int32 {
        let source: SourceAddress
        do throws(SourceAddressError) {
            source = try SourceAddress(arguments.text("--port") ?? "")
        } catch {
            Console.complain(error.description)
            return 2
        }
        let command = RecordCommand(source: source, file: arguments.text("file") ?? "")
        return await untilStopped { await command.run() }
    }

    /// The broker and base topic that a client of a running bridge talks to; an exit code where they are faulty.
    private func client(_ role: String) -> Result<(link: LinkConfiguration, base: String), ExitCode> {
        var link = LinkConfiguration(host: "localhost", clientID: "")
        var base = "bms"
        if let file = arguments.text("--config") {
            guard let configuration = load(file) else { return .failure(ExitCode(value: 78)) }
            link = configuration.plan.link
            base = configuration.baseTopic
        }
        if let text = arguments.text("--broker") {
            guard let broker = Self.broker(text) else { return .failure(ExitCode(value: Self.badBroker(text))) }
            (link.host, link.port) = broker
        }
        if let text = arguments.text("--base") {
            if let complaint = ConfigurationTable.baseTopic(text) {
                Console.complain("--base: \(complaint)")
                return .failure(ExitCode(value: 2))
            }
            base = text
        }
        link.onRefusal = { Console.complain($0) }
        link.clientID = Self.clientID(role)
        return .success((link, base))
    }

    /// Several people may look at once.
    private static func clientID(_ role: String) -> String {
        "bms-mqtt-\(role)-\(Machine.name)-\(Clock.monotonic().milliseconds)"
    }

    private struct ExitCode: Error { var value: Int32 }

    private func monitor() async -> Int32 {
        switch client("monitor") {
        case .failure(let code): return code.value
        case .success(let (link, base)):
            let command = MonitorCommand(
                link: link, base: base, pack: arguments.text("--pack"), isOnce: arguments.has("--once"))
            return await untilStopped { await command.run() }
        }
    }

    private func settings(_ assignment: SettingsCommand.Assignment?) async -> Int32 {
        switch client("settings") {
        case .failure(let code): return code.value
        case .success(let (link, base)):
            let command = SettingsCommand(
                link: link, base: base, pack: arguments.text("pack") ?? "", assignment: assignment)
            return await untilStopped { await command.run() }
        }
    }

    private func accessRules() -> Int32 {
        let file = arguments.text("--config") ?? CommandTable.defaultConfiguration
        guard let configuration = load(file) else { return 78 }
        func list(_ option: String) -> [String] {
            arguments.text(option)?.split(separator: ",", omittingEmptySubsequences: false).map(String.init) ?? []
        }
        let users = ACLCommand.Users(
            bridge: arguments.text("--bridge") ?? configuration.plan.link.username ?? "bms-mqtt",
            homeAssistant: list("--home-assistant"), readers: list("--reader"), gx: list("--gx"))
        let responses = list("--response")
        guard let complaint = users.complaint ?? ACLCommand.complaint(responses, configuration.baseTopic) else {
            return Console.write(ACLCommand(users: users, responses: responses).text(configuration, file: file)) ? 0 : 1
        }
        Console.complain("acl: \(complaint)")
        return 2
    }

    private func health() async -> Int32 {
        guard let configuration = load(arguments.text("--config") ?? CommandTable.defaultConfiguration) else {
            return 78
        }
        var ids = configuration.plan.packs.map(\.options.id) + configuration.plan.banks.map(\.options.id)
        if let id = arguments.text("--pack") {
            guard ids.contains(id) else {
                Console.complain(
                    "the configuration has no pack or bank '\(id.prefix(40))': \(ids.joined(separator: ", "))")
                return 2
            }
            ids = [id]
        }
        var link = configuration.plan.link
        // Not the bridge's: a broker lets in one of a name, and throws the other out.
        link.clientID = Self.clientID("health")
        link.onRefusal = { Console.complain($0) }
        let model = HealthModel(
            base: configuration.baseTopic, ids: ids, interval: configuration.plan.bridge.limitsInterval)
        var command = HealthCommand(link: link, model: model)
        command.seconds = arguments.whole("--wait") ?? HealthCommand.defaultSeconds
        let health = command
        return await untilStopped { await health.run() }
    }

    private func checkConfiguration() -> Int32 {
        let file = arguments.text("file") ?? CommandTable.defaultConfiguration
        guard let configuration = load(file) else { return 78 }
        for notice in configuration.notices { Console.complain(notice) }
        Console.write("\(file): configuration OK; \(configuration.plan.summary); broker \(configuration.plan.link)\n")
        for line in UnsetLimits.lines(configuration.plan.packs) { Console.write("\(line)\n") }
        return 0
    }

    private func load(_ file: String) -> Configuration? {
        do throws(ConfigurationFaults) {
            return try ConfigurationFile.load(file)
        } catch {
            for line in error.lines { Console.complain(line) }
            return nil
        }
    }

    private static func broker(_ text: String) -> (host: String, port: Int)? {
        if case .success(let host) = HostName.parse(text) { return (host, 1883) }
        guard case .tcp(let host, let port)? = try? SourceAddress("tcp:\(text)") else { return nil }
        return (host, port)
    }

    private static func badBroker(_ text: String) -> Int32 {
        Console.complain(
            "--broker: expected HOST or HOST:PORT (an IPv6 address with a port stands in brackets, [::1]:1883), found '\(text.prefix(60))'"
        )
        return 2
    }
}

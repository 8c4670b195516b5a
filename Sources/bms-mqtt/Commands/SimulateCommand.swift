import BMSCore
import SmartBMS
import Glibc
import PackSimulator
import ServiceIO

/// `bms-mqtt simulate`: real frames of one pack or many, on pseudo terminals, TCP ports or standard output.
struct SimulateCommand: Sendable {
    enum Output: Sendable {
        case pty(link: String?, packs: Int)
        case tcp(port: Int, packs: Int)
        case standard
    }

    var output: Output
    var scenario: Scenario
    var cells = 16
    var speed = 1.0
    var seed: UInt64 = 1
    var revision = ManualRevision.generation3Rev13
    /// The command prints a configuration that reads these packs, instead of their addresses.
    var printsConfiguration = false

    /// Runs until cancelled or the reader is gone.
    func run() async -> Int32 {
        switch output {
        case .standard:
            await pace(packs: 1) { _, bytes in Console.write(bytes) }
            return 0
        case .pty(let link, let packs):
            // A pseudo terminal needs two open files.
            guard OpenFiles.allow(2 * packs, OpenFiles.count(packs, "pseudo terminal")) else { return 1 }
            var terminals: [FakeCable] = []
            for index in 0..<packs {
                let path = link.map { packs == 1 ? $0 : "\($0)\(index + 1)" }
                guard let terminal = FakeCable(link: path) else { return 1 }
                terminals.append(terminal)
            }
            announce(terminals.map(\.source))
            await pace(packs: packs) { index, bytes in
                terminals[index].send(bytes)
                return true
            }
        case .tcp(let port, let packs):
            guard OpenFiles.allow(2 * packs, "\(OpenFiles.count(packs, "port")) with a reader each") else { return 1 }
            var servers: [FrameServer] = []
            for index in 0..<packs {
                guard let server = FrameServer(port: port + index) else { return 1 }
                servers.append(server)
            }
            announce(servers.map(\.source))
            await pace(packs: packs) { index, bytes in
                servers[index].send(bytes)
                return true
            }
        }
        return 0
    }

    /// Steps the packs in real time, with their frames spread over the second, until `send` returns `false` or the task is cancelled.
    private func pace(packs: Int, _ send: (Int, [UInt8]) -> Bool) async {
        var simulators = (0..<packs).map { index in
            Simulator(scenario: scenario, cells: cells, revision: revision, seed: seed &+ UInt64(index))
        }
        let turn = Duration.microseconds(Int64(1_000_000 / speed))
        var begin = ContinuousClock.now
        while !Task.isCancelled {
            for index in simulators.indices {
                let now = ContinuousClock.now
                let due = begin + turn * index / packs
                // Packs whose frames are due within five milliseconds share a wake-up.
                if due > now {
                    try? await Task.sleep(until: max(due, now + .milliseconds(5)), tolerance: .zero)
                    if Task.isCancelled { return }
                }
                if let frame = simulators[index].step(), !send(index, frame) { return }
            }
            begin = max(begin + turn, ContinuousClock.now - .milliseconds(200))
            if packs == 1 { try? await Task.sleep(until: begin, tolerance: .zero) }
        }
    }

    /// Prints the addresses of the packs, or a configuration with them.
    private func announce(_ sources: [String]) {
        guard printsConfiguration else {
            if case .tcp(let port, let packs) = output {
                Console.write("tcp:127.0.0.1:\(port)" + (packs > 1 ? " to \(port + packs - 1)" : "") + "\n")
            } else {
                Console.write(sources.joined(separator: "\n") + "\n")
            }
            return
        }
        let digits = "\(sources.count)".count
        var text = "# \(sources.count) simulated packs; 'bms-mqtt print-default-config' lists every key.\n"
        // Nothing of it may touch a bridge that runs on the same machine.
        text +=
            "mqtt: { host: localhost, base: fleet, clientId: bms-mqtt-fleet }\nhomeAssistant: { discovery: \"off\" }\n"
        text += "packs:\n"
        for (index, source) in sources.enumerated() {
            let number = "\(index + 1)"
            let id = "p" + String(repeating: "0", count: digits - number.count) + number
            text += "  - { id: \(id), source: \"\(source)\", generation: \(revision == .generation2 ? 2 : 3) }\n"
        }
        Console.write(text)
    }
}

extension SimulateCommand {
    static let row = CommandRow(
        name: "simulate", summary: "a fake 123\\SmartBMS that speaks real frames",
        options: [
            OptionRow(name: "--pty", kind: .flag, meaning: "on a pseudo terminal; its name is printed"),
            OptionRow(
                name: "--link", kind: .file("PATH"),
                meaning: "with --pty: a symbolic link to it; of many packs PATH1, PATH2 and so on"),
            OptionRow(
                name: "--tcp", kind: .whole("PORT", 1...65_535),
                meaning: "on a TCP port of this machine (127.0.0.1)"),
            OptionRow(name: "--stdout", kind: .flag, meaning: "raw bytes on standard output"),
            .cells, .scenario(.day),
            OptionRow(
                name: "--packs", kind: .whole("K", 1...1000),
                meaning: "K packs on ports PORT to PORT+K-1, or on K pseudo terminals"),
            OptionRow(
                name: "--print-config", kind: .flag,
                meaning: "print a configuration that reads these packs, instead of their addresses"),
            OptionRow(
                name: "--speed", kind: .decimal("X", 0.1...10_000),
                meaning: "frames a second (default: 1); after a silence a bridge accepts only 1 a second"),
            .seed, .seconds, .generation,
        ],
        details: """
            The pack is charged by the manual's charger, N x (Vbalance + 30 mV): this simulation receives no limits.
            One of --pty, --tcp and --stdout is needed. Frames of many packs are spread over the second; the first pack has the seed of
            --seed, each further pack the next number. Bytes that nobody reads are lost, as on a cable.
            """,
        examples: [
            "bms-mqtt simulate --pty --link ./fake-bms", "bms-mqtt simulate --stdout --speed 100 --seconds 5",
            "bms-mqtt simulate --tcp 20000 --packs 1000 --print-config > fleet.yaml &",
        ],
        work: .waiting(start))

    private static func start(_ arguments: Arguments) async throws(CommandFailure) -> Int32 {
        var command = SimulateCommand(output: try output(arguments), scenario: arguments.scenario(.day))
        command.cells = arguments.whole("--cells") ?? 16
        command.speed = arguments.decimal("--speed") ?? 1
        command.seed = arguments.seed
        command.printsConfiguration = arguments.has("--print-config")
        command.revision = arguments.generation == .two ? .generation2 : .generation3Rev13
        return await command.run()
    }

    private static func output(_ arguments: Arguments) throws(CommandFailure) -> Output {
        let isPty = arguments.has("--pty")
        let port = arguments.whole("--tcp")
        let packs = arguments.whole("--packs") ?? 1
        guard [isPty, port != nil, arguments.has("--stdout")].filter({ $0 }).count == 1 else {
            throw .usage("simulate: exactly one of --pty, --tcp PORT and --stdout is needed")
        }
        guard !arguments.has("--stdout") || !Terminal.isPresent else {
            throw .usage(
                "simulate: standard output is a terminal, which raw bytes would garble: redirect it to a file or a program, or use --pty"
            )
        }
        guard isPty || port != nil || packs == 1 else {
            throw .usage("simulate: --packs needs --tcp or --pty: standard output has room for one pack")
        }
        if let port, port + packs - 1 > 65_535 {
            throw .usage(
                "simulate: \(packs) packs from port \(port) would end at \(port + packs - 1), and ports end at 65535: "
                    + "begin at \(65_536 - packs) or below")
        }
        guard isPty || port != nil || !arguments.has("--print-config") else {
            throw .usage("simulate: --print-config needs --tcp or --pty: a configuration cannot name standard output")
        }
        guard isPty || !arguments.has("--link") else { throw .usage("simulate: --link belongs to --pty") }
        if isPty { return .pty(link: arguments.text("--link"), packs: packs) }
        return port.map { .tcp(port: $0, packs: packs) } ?? .standard
    }
}

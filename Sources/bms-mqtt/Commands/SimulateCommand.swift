import BMSCore
import Glibc
import PackSimulator

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
    /// Print a configuration that reads these packs, instead of their addresses.
    var printsConfiguration = false

    /// Runs until cancelled or the reader is gone.
    func run() async -> Int32 {
        switch output {
        case .standard:
            await pace(packs: 1) { _, bytes in Console.write(bytes) }
            return 0
        case .pty(let link, let packs):
            // A terminal has two ends.
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

    /// Steps packs in time, their frames spread over the second; ends when `send` says that nobody reads.
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
                // Of many packs those of five milliseconds share a wake-up.
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

    /// Where the packs are: an address a line, or a configuration.
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
        text += "mqtt: { host: localhost }\npacks:\n"
        for (index, source) in sources.enumerated() {
            let number = "\(index + 1)"
            let id = "p" + String(repeating: "0", count: digits - number.count) + number
            text += "  - { id: \(id), source: \"\(source)\", generation: \(revision == .generation2 ? 2 : 3) }\n"
        }
        Console.write(text)
    }
}

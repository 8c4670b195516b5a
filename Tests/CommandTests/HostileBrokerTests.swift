import Mosquitto
import TestSupport
import TestThreads
import Testing

/// Packets that no broker should send, against the installed program.
@Suite(
    "A hostile broker",
    .enabled(if: MosquittoLibrary.hasBounds, "needs the library of scripts/libmosquitto: scripts/test"),
    .serialized, .waits, .timeLimit(.minutes(10)))
struct HostileBrokerTests {
    private static let program: String = {
        let folder = CommandLine.arguments[0].split(separator: "/").dropLast().joined(separator: "/")
        return "/\(folder)/bms-mqtt"
    }()

    private struct Victim {
        var packet: HostilePacket
        var broker: HostileBroker
        var folder: TemporaryFolder
        var child: ChildProcess
    }

    /// Number of programs that run at the same time; more of them would wait for one another longer than for a broker.
    private static let atOnce = 16

    /// Calls `look` for the program of each packet, some programs at a time.
    private func each(_ words: [String], _ look: (Victim) throws -> Void) throws {
        for first in stride(from: 0, to: HostilePacket.all.count, by: Self.atOnce) {
            for victim in try victims(words, HostilePacket.all[first...].prefix(Self.atOnce)) {
                try look(victim)
                victim.broker.stop()
            }
        }
    }

    private func victims(_ words: [String], _ packets: ArraySlice<HostilePacket>) throws -> [Victim] {
        try packets.map { packet in
            let broker = HostileBroker(packet)
            let folder = TemporaryFolder()
            let file = folder.write(
                """
                mqtt: { host: 127.0.0.1, port: \(broker.port)\(packet.isOld ? ", protocol: \"3.1.1\"" : "") }
                stateDirectory: \(folder.path)/state
                packs:
                  - id: garage
                    source: simulator:day
                """, "config.yaml")
            let child = try #require(ChildProcess(Self.program, words + ["--config", file]))
            return Victim(packet: packet, broker: broker, folder: folder, child: child)
        }
    }

    @Test("run survives each packet, and is served by the next good broker")
    func run() throws {
        #expect(HostilePacket.all.count >= 32)
        try each(["run"]) { victim in
            #expect(victim.broker.hasServed(seconds: 60), "\(victim.packet)")
            #expect(victim.broker.victims == 1, "\(victim.packet)")
            #expect(victim.child.exitCode(seconds: 0.01) == nil, "\(victim.packet)")
        }
    }

    @Test(
        "no client command is ended by a signal",
        arguments: [
            ["settings", "garage"], ["set", "garage", "reserveSoc", "20"], ["monitor", "--once"],
            ["health", "--wait", "2"],
        ])
    func tools(words: [String]) throws {
        try each(words) { victim in
            let code = victim.child.exitCode()
            #expect(code == 0 || code == 1, "\(victim.packet): \(victim.child.read(seconds: 1))")
            #expect(victim.broker.victims == 1, "\(victim.packet)")
        }
    }

    @Test("a message that is too large is reported with its size and the remedy", arguments: [false, true])
    func tooLarge(isOld: Bool) throws {
        var packet = HostilePacket.hugeMessage
        packet.isOld = isOld
        let broker = HostileBroker(packet)
        defer { broker.stop() }
        let folder = TemporaryFolder()
        let file = folder.write(
            """
            mqtt: { host: 127.0.0.1, port: \(broker.port)\(isOld ? ", protocol: \"3.1.1\"" : "") }
            stateDirectory: \(folder.path)/state
            packs: [{ id: garage, source: "simulator:day" }]
            """, "config.yaml")
        let bridge = try #require(ChildProcess(Self.program, ["run", "--config", file]))
        let text = bridge.read(until: "message_size_limit")
        #expect(text.contains("sent a message of 268435460 bytes, where 1048576 are taken at most"), "\(text)")
    }
}

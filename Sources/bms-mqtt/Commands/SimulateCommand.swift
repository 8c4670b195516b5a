import BMSCore
import CLinux
import Glibc
import PackSimulator

/// `bms-mqtt simulate`: real frames on a pseudo terminal, a TCP port or standard output.
struct SimulateCommand: Sendable {
    enum Output: Sendable {
        case pty(link: String?)
        case tcp(port: Int, packs: Int)
        case standard
    }

    var output: Output
    var scenario: Scenario
    var cells = 16
    var speed = 1.0
    var seed: UInt64 = 1
    var revision = ManualRevision.generation3Rev13

    /// Runs until cancelled or the reader is gone.
    func run() async -> Int32 {
        switch output {
        case .standard:
            await pace { _, bytes in Console.write(bytes) }
            return 0
        case .pty(let link): return await pty(link)
        case .tcp(let port, let packs): return await tcp(port, packs)
        }
    }

    /// Steps packs in time; ends when `send` says that nobody reads.
    private func pace(packs: Int = 1, _ send: (Int, [UInt8]) -> Bool) async {
        var simulators = (0..<packs).map { index in
            Simulator(scenario: scenario, cells: cells, revision: revision, seed: seed &+ UInt64(index))
        }
        var next = ContinuousClock.now
        while !Task.isCancelled {
            for index in simulators.indices {
                if let frame = simulators[index].step(), !send(index, frame) { return }
            }
            next = max(next + .microseconds(Int64(1_000_000 / speed)), ContinuousClock.now - .milliseconds(200))
            try? await Task.sleep(until: next, tolerance: .zero)
        }
    }

    private func pty(_ link: String?) async -> Int32 {
        var primary: Int32 = 0
        var secondary: Int32 = 0
        var name = [CChar](repeating: 0, count: 256)
        guard openpty(&primary, &secondary, &name, nil, nil) == 0 else {
            Console.complain("cannot make a pseudo terminal: \(Console.reason(errno))")
            return 1
        }
        defer {
            close(primary)
            close(secondary)
        }
        var settings = termios()
        tcgetattr(secondary, &settings)
        cfmakeraw(&settings)
        tcsetattr(secondary, TCSANOW, &settings)
        // Nobody reading must not stop the time of the simulation.
        _ = clinux_fcntl(primary, F_SETFL, O_NONBLOCK)
        let path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if let link {
            guard replace(link, with: path) else { return 1 }
        }
        defer { if let link { unlink(link) } }
        Console.write("serial:\(link ?? path)\n")
        await pace { _, bytes in
            if write(primary, bytes, bytes.count) < 0, errno == EAGAIN { tcflush(secondary, TCIFLUSH) }
            return true
        }
        return 0
    }

    /// A link of an earlier run is replaced; anything else is somebody's file.
    private func replace(_ link: String, with path: String) -> Bool {
        var status = stat()
        if lstat(link, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFLNK else {
                Console.complain("\(link) exists and is no symbolic link: choose another path")
                return false
            }
            unlink(link)
        }
        guard symlink(path, link) == 0 else {
            Console.complain("cannot make the link \(link): \(Console.reason(errno))")
            return false
        }
        return true
    }

    private func tcp(_ port: Int, _ packs: Int) async -> Int32 {
        var servers: [FrameServer] = []
        for index in 0..<packs {
            guard let server = FrameServer(port: port + index) else {
                Console.complain("cannot listen on 127.0.0.1:\(port + index): \(Console.reason(errno))")
                return 1
            }
            servers.append(server)
        }
        Console.write("tcp:127.0.0.1:\(port)" + (packs > 1 ? " to \(port + packs - 1)" : "") + "\n")
        await pace(packs: packs) { index, bytes in
            servers[index].send(bytes)
            return true
        }
        return 0
    }
}

/// A TCP port that gives the same bytes to whoever is connected, a few readers at most.
private final class FrameServer {
    private static let mostReaders = 8
    private let listener: Int32
    private var readers: [Int32] = []

    init?(port: Int) {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard listener >= 0 else { return nil }
        var one: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        guard Loopback.withAddress(port: port, { bind(listener, $0, $1) }) == 0, listen(listener, 4) == 0 else {
            let number = errno
            close(listener)
            errno = number
            return nil
        }
    }

    deinit {
        for descriptor in readers + [listener] { close(descriptor) }
    }

    func send(_ bytes: [UInt8]) {
        while readers.count < Self.mostReaders {
            let reader = accept(listener, nil, nil)
            guard reader >= 0 else { break }
            _ = clinux_fcntl(reader, F_SETFL, O_NONBLOCK)
            readers.append(reader)
        }
        readers.removeAll { reader in
            guard Glibc.send(reader, bytes, bytes.count, Int32(MSG_NOSIGNAL)) < 0, errno != EAGAIN else {
                return false
            }
            close(reader)
            return true
        }
    }
}

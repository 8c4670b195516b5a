import CLinux
import Glibc
import LinuxIO
import ServiceIO

/// The demo's own mosquitto on loopback, with a free port and a temporary directory; it ends with the demo.
final class BrokerProcess {
    let port: Int
    private let directory: String
    private let shell: pid_t
    /// The shell waits for the end of this pipe, so the broker ends even when the demo is killed.
    private let lifeline: Int32

    /// Starts the broker and waits until it listens.
    static func start() throws(StartFailure) -> BrokerProcess {
        guard let program = ProgramStart.find("mosquitto") else {
            throw StartFailure(
                text: "mosquitto is not installed: 'apt-get install mosquitto', or name a broker with --broker")
        }
        guard let directory = temporaryDirectory() else {
            throw StartFailure(text: "cannot make a temporary directory: \(Console.reason(errno))")
        }
        guard let port = freePort() else {
            removeDirectory(directory)
            throw StartFailure(text: "no free port on 127.0.0.1: \(Console.reason(errno))")
        }
        let text = """
            listener \(port) 127.0.0.1
            allow_anonymous true
            persistence false
            log_dest file \(directory)/mosquitto.log
            set_tcp_nodelay true
            """ + (geteuid() == 0 ? "\nuser root\n" : "\n")
        guard write(text, to: "\(directory)/mosquitto.conf") else {
            removeDirectory(directory)
            throw StartFailure(text: "cannot write to \(directory): \(Console.reason(errno))")
        }
        let broker = try spawn(program, directory, port)
        guard broker.waitUntilListening() else {
            let log = "\(directory)/mosquitto.log"
            broker.stop()
            throw StartFailure(text: "mosquitto did not start listening on 127.0.0.1:\(port) (its log was \(log))")
        }
        return broker
    }

    /// Ends the broker and removes its files.
    func stop() {
        close(lifeline)
        var status: Int32 = 0
        for _ in 0..<100 {
            if waitpid(shell, &status, WNOHANG) != 0 { break }
            usleep(20_000)
        }
        // The broker may have outlived its shell.
        kill(-shell, SIGKILL)
        Self.removeDirectory(directory)
    }

    private init(port: Int, directory: String, shell: pid_t, lifeline: Int32) {
        self.port = port
        self.directory = directory
        self.shell = shell
        self.lifeline = lifeline
    }

    private static func spawn(_ program: String, _ directory: String, _ port: Int) throws(StartFailure)
        -> BrokerProcess
    {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else {
            throw StartFailure(text: "cannot make a pipe: \(Console.reason(errno))")
        }
        for end in ends { _ = clinux_fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        let script = """
            "$0" -c "$1/mosquitto.conf" </dev/null >/dev/null 2>&1 & broker=$!
            read -r _; kill $broker; wait $broker; rm -f "$1/mosquitto.conf" "$1/mosquitto.log"; rmdir "$1"
            """
        // The broker inherits few variables, because others may hold passwords. Ctrl-C reaches the demo alone, which ends the broker.
        do {
            let shell = try ProgramStart.start(
                "/bin/sh", ["-c", script, program, directory],
                variables: ProgramStart.inherited(["PATH", "HOME", "LANG", "TMPDIR"]),
                descriptors: [STDIN_FILENO: ends[0], STDOUT_FILENO: STDOUT_FILENO, STDERR_FILENO: STDERR_FILENO],
                isAlone: true)
            return BrokerProcess(port: port, directory: directory, shell: shell, lifeline: ends[1])
        } catch {
            close(ends[1])
            removeDirectory(directory)
            throw StartFailure(text: "cannot start \(program): \(Console.reason(error.number))")
        }
    }

    /// Waits up to five seconds.
    ///
    /// - Returns: `true` if the broker listens.
    private func waitUntilListening() -> Bool {
        for _ in 0..<100 {
            let isListening = Self.withSocket { descriptor in
                Loopback.withAddress(port: port) { connect(descriptor, $0, $1) } == 0
            }
            if isListening == true { return true }
            usleep(50_000)
        }
        return false
    }

    private static func freePort() -> Int? {
        withSocket { descriptor in
            guard Loopback.withAddress(port: 0, { bind(descriptor, $0, $1) }) == 0 else { return nil }
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let result = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
            }
            return result == 0 ? Int(UInt16(bigEndian: address.sin_port)) : nil
        }
    }

    private static func withSocket<Result>(_ body: (Int32) -> Result?) -> Result? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        return body(descriptor)
    }

    private static func temporaryDirectory() -> String? {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/bms-mqtt-demo-XXXXXX".utf8CString)
        return mkdtemp(&template).map { String(cString: $0) }
    }

    private static func write(_ text: String, to path: String) -> Bool {
        let descriptor = clinux_open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return Console.write(text, to: descriptor)
    }

    private static func removeDirectory(_ directory: String) {
        for name in ["mosquitto.conf", "mosquitto.log"] { unlink("\(directory)/\(name)") }
        rmdir(directory)
    }
}

/// A program that could not be started; the text says what to do.
struct StartFailure: Error {
    var text: String
}

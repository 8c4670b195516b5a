import CLinux
import Glibc

/// A mosquitto of our own on loopback, for the demo: free port, temporary directory, gone with the demo.
final class BrokerProcess {
    let port: Int
    private let directory: String
    private let shell: pid_t
    /// The shell waits for the end of this pipe, so the broker ends even when the demo is killed.
    private let lifeline: Int32

    /// Starts it and waits until it listens.
    static func start() throws(StartFailure) -> BrokerProcess {
        guard let program = find() else {
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

    /// Ends the broker and removes what it left.
    func stop() {
        close(lifeline)
        var status: Int32 = 0
        for _ in 0..<100 {
            if waitpid(shell, &status, WNOHANG) != 0 { break }
            usleep(20_000)
        }
        // Whatever is left of the group.
        kill(-shell, SIGKILL)
        Self.removeDirectory(directory)
    }

    private init(port: Int, directory: String, shell: pid_t, lifeline: Int32) {
        self.port = port
        self.directory = directory
        self.shell = shell
        self.lifeline = lifeline
    }

    private static func find() -> String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        let folders = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/usr/local/sbin"]
        return folders.map { "\($0)/mosquitto" }.first { access($0, X_OK) == 0 }
    }

    private static func spawn(_ program: String, _ directory: String, _ port: Int) throws(StartFailure)
        -> BrokerProcess
    {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else {
            throw StartFailure(text: "cannot make a pipe: \(Console.reason(errno))")
        }
        for end in ends { _ = clinux_fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        // Its own process group: Ctrl-C in the terminal is for the demo, which ends the broker itself. And no inherited
        // signal mask, no ignored SIGPIPE.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
            close(ends[0])
        }
        let script = """
            "$0" -c "$1/mosquitto.conf" </dev/null >/dev/null 2>&1 & broker=$!
            read -r _; kill $broker; wait $broker; rm -f "$1/mosquitto.conf" "$1/mosquitto.log"; rmdir "$1"
            """
        let arguments = ["/bin/sh", "-c", script, program, directory]
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        pointers.append(nil)
        // The broker needs no password of somebody else's.
        var variables = inherited.map { strdup($0) } + [nil]
        defer { for pointer in pointers + variables { free(pointer) } }
        var child: pid_t = 0
        let result = posix_spawn(&child, "/bin/sh", &actions, &attributes, pointers, &variables)
        guard result == 0 else {
            close(ends[1])
            removeDirectory(directory)
            throw StartFailure(text: "cannot start \(program): \(Console.reason(result))")
        }
        return BrokerProcess(port: port, directory: directory, shell: child, lifeline: ends[1])
    }

    /// The variables of this process that the broker may see.
    private static var inherited: [String] {
        ["PATH", "HOME", "LANG", "TMPDIR"].compactMap { (name: String) in
            getenv(name).map { "\(name)=\(String(cString: $0))" }
        }
    }

    /// Up to five seconds.
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

/// Something could not be started; the text says what to do.
struct StartFailure: Error {
    var text: String
}

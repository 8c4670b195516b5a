import Glibc
import LinuxIO

/// A real mosquitto on a loopback port of its own.
public final class BrokerFixture {
    /// mosquitto and openssl are installed; tests that need a broker are skipped otherwise.
    public static var isAvailable: Bool { ProgramStart.find("mosquitto") != nil && ProgramStart.find("openssl") != nil }

    /// Port on which the broker listens.
    public let port: Int
    /// Keeps ``port`` for this broker while it does not run, too.
    private let keeper: Int32
    /// Folder of the broker, with configuration and certificates.
    public let folder = TemporaryFolder()
    private let options: Options
    private var process: ChildProcess?

    /// Differences from an open broker.
    public struct Options {
        /// The only user of the broker, with a password; `nil`: anybody is let in.
        public var user: (name: String, password: String)?
        /// Further users; the password of each is its name.
        public var others: [String] = []
        /// TLS with these certificates.
        public var certificates: Certificates?
        /// Clients need a certificate.
        public var requiresCertificate = false
        /// Further lines of mosquitto.conf.
        public var lines: [String] = []

        /// An open broker.
        public init() {}
    }

    /// Prepares a broker; `start()` starts it.
    public init(_ options: Options = Options()) {
        self.options = options
        (keeper, port) = FreePort.keep()
        writeConfiguration()
    }

    deinit {
        stop()
        close(keeper)
    }

    /// Starts the broker and waits until it listens.
    @discardableResult
    public func start() -> Bool {
        guard let program = ProgramStart.find("mosquitto") else { return false }
        process = ChildProcess(program, ["-c", "\(folder.path)/mosquitto.conf"])
        let end = Deadline()
        while !end.isOver {
            if FreePort.isListening(port) { return true }
            var entry = pollfd(fd: -1, events: 0, revents: 0)
            poll(&entry, 1, 10)
        }
        return false
    }

    /// Ends the broker at once.
    public func stop() {
        resume()
        process = nil
    }

    /// Freezes the broker: its connections stay, but it does not answer.
    public func suspend() { process?.kill(SIGSTOP) }

    /// Lets a frozen broker continue.
    public func resume() { process?.kill(SIGCONT) }

    /// Sends a signal to the broker.
    public func signal(_ number: Int32) { process?.kill(number) }

    /// Changes the password of the broker's user; the signal HUP puts it in force.
    public func setPassword(_ password: String) {
        guard let user = options.user, let program = ProgramStart.find("mosquitto_passwd") else { return }
        folder.write("", "passwords", mode: 0o644)
        for (name, password) in [(user.name, password)] + options.others.map({ ($0, $0) }) {
            let process = ChildProcess(program, ["-b", "\(folder.path)/passwords", name, password])
            _ = process?.exitCode()
        }
    }

    private func writeConfiguration() {
        var text = "listener \(port) 127.0.0.1\npersistence false\nset_tcp_nodelay true\n"
        if geteuid() == 0 { text += "user root\n" }
        if let user = options.user {
            setPassword(user.password)
            text += "allow_anonymous false\npassword_file \(folder.path)/passwords\n"
        } else {
            text += "allow_anonymous true\n"
        }
        if let certificates = options.certificates {
            text += "cafile \(certificates.ca)\ncertfile \(certificates.server)\nkeyfile \(certificates.serverKey)\n"
            if options.requiresCertificate { text += "require_certificate true\n" }
        }
        text += options.lines.map { "\($0)\n" }.joined()
        folder.write(text, "mosquitto.conf")
    }
}

/// Ports of this machine.
public enum FreePort {
    /// A port on which nobody listens, kept until the tests end.
    public static func next() -> Int { keep().port }

    /// A port that is kept for one server, as long as the caller keeps the descriptor open.
    ///
    /// Without a keeper the system gives the port away while its server does not listen: to another server, or as the near end of a
    /// connection, even of one to this very port. A server that allows reuse (`SO_REUSEADDR`, as mosquitto does) can bind a kept port.
    public static func keep() -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        return (descriptor, bindAnywhere(descriptor))
    }

    /// Returns `true` if somebody listens on a port.
    public static func isListening(_ port: Int) -> Bool {
        withSocket { descriptor in address(port) { Glibc.connect(descriptor, $0, $1) } } == 0
    }

    /// A connection to a port, which the caller closes; `nil` where nobody listens.
    public static func connect(_ port: Int) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard address(port, { Glibc.connect(descriptor, $0, $1) }) == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    /// A listening socket that never answers by itself; the caller closes it.
    public static func listener() -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let port = bindAnywhere(descriptor)
        listen(descriptor, 8)
        return (descriptor, port)
    }

    /// Binds a socket to a port of the system's choice.
    ///
    /// - Returns: the port; 0 where there is none.
    private static func bindAnywhere(_ descriptor: Int32) -> Int {
        guard address(0, { bind(descriptor, $0, $1) }) == 0 else { return 0 }
        var own = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &own) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return Int(UInt16(bigEndian: own.sin_port))
    }

    private static func withSocket<Result>(_ body: (Int32) -> Result) -> Result {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        return body(descriptor)
    }

    private static func address(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}

/// Certificates made for one test; their keys are removed with it.
public struct Certificates: Sendable {
    private let folder = TemporaryFolder()
    /// Certificate of the authority.
    public var ca: String { "\(folder.path)/ca.crt" }
    /// Certificate of a server.
    public var server: String { "\(folder.path)/server.crt" }
    /// Key of the server's certificate.
    public var serverKey: String { "\(folder.path)/server.key" }
    /// Certificate of a client.
    public var client: String { "\(folder.path)/client.crt" }
    /// Key of the client's certificate.
    public var clientKey: String { "\(folder.path)/client.key" }

    /// Makes an authority, a server of the given name, and a client.
    ///
    /// - Parameter serverDays: validity of the server's certificate, days; 0: it has expired.
    public init(serverName: String = "DNS:localhost,IP:127.0.0.1", serverDays: Int = 2) {
        let path = folder.path
        openssl(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout \(path)/ca.key -out \(ca) "
                + "-addext basicConstraints=critical,CA:TRUE")
        folder.write("subjectAltName=\(serverName)\n", "server.ext")
        folder.write("extendedKeyUsage=clientAuth\n", "client.ext")
        for (name, subject) in [("server", "/CN=server"), ("client", "/CN=client")] {
            openssl("req -newkey rsa:2048 -nodes -subj \(subject) -keyout \(path)/\(name).key -out \(path)/\(name).csr")
            openssl(
                "x509 -req -in \(path)/\(name).csr -CA \(ca) -CAkey \(path)/ca.key -CAcreateserial -days \(name == "server" ? serverDays : 2) "
                    + "-extfile \(path)/\(name).ext -out \(path)/\(name).crt")
        }
    }

    /// Replaces the certificates by new ones, in the same files.
    public func renew(from new: Certificates) {
        guard let program = ProgramStart.find("cp") else { return }
        _ = ChildProcess(program, ["-r", "\(new.folder.path)/.", folder.path])?.exitCode()
    }

    private func openssl(_ line: String) {
        guard let program = ProgramStart.find("openssl") else { return }
        let process = ChildProcess(program, line.split(separator: " ").map(String.init))
        _ = process?.read()
        _ = process?.exitCode()
    }
}

import BMSCore
import CLinux
import Glibc
import LinuxIO
import Mosquitto
import ServiceIO
import Viewer

/// `bms-mqtt web`: checks the options, and becomes the program that serves the page.
enum WebCommand {
    static let row = CommandRow(
        name: "web", summary: "a page in the browser, with history and metrics",
        options: [
            .broker, .brokerConfig, .base,
            OptionRow(
                name: "--listen", kind: .text("ADDRESS:PORT"),
                meaning: "where browsers reach the page (default: 127.0.0.1:8099)"),
            OptionRow(
                name: "--password-file", kind: .file("FILE"),
                meaning: "password of the page: whoever gives it may change settings, and look where that needs it"),
            OptionRow(
                name: "--open", kind: .flag,
                meaning: "everybody who reaches the page may look, from other machines, too"),
            OptionRow(
                name: "--name", kind: .text("HOST,..."),
                meaning:
                    "further names under which browsers reach the page, such as that of a reverse proxy; a page that other machines reach knows this machine's own"
            ),
            OptionRow(
                name: "--data", kind: .file("FOLDER"), meaning: "keep a history in this folder (default: none)"),
            OptionRow(
                name: "--data-size", kind: .whole("MB", 16...1_048_576),
                meaning: "largest size of the history (default: 1024): its oldest details go first"),
            OptionRow(
                name: "--language", kind: .choice("LANGUAGE", ["en", "de", "nl", "fr"]),
                meaning: "language where the browser asks for none of these (default: en)"),
        ],
        details: """
            Shows every battery of a broker in the browser: what the bridges say, live, with the reason of each limit, and with --data
            also days, weeks, months and years. /metrics is for Prometheus. The page only reads, as a user with the reader's access
            rules (bms-mqtt acl --reader), unless --password-file is given: then settings can be commanded (bms-mqtt acl --page). It
            may run on another machine than the bridge.
            It is a program of its own, bms-mqtt-web, so that nothing of it can touch the limits.
            """,
        examples: [
            "bms-mqtt web", "bms-mqtt web --broker 192.0.2.7 --data ./history",
            "bms-mqtt web --listen 0.0.0.0:8099 --password-file ./page-password --name batteries.lan",
            "bms-mqtt web --listen 0.0.0.0:8099 --open",
        ],
        work: .plain(start))

    private static func start(_ arguments: Arguments) throws(CommandFailure) -> Int32 {
        let address = try arguments.client("web")
        if let note = address.note { Console.complain(note) }
        var plan = WebPlan()
        let link = address.link
        (plan.host, plan.port, plan.base) = (link.host, link.port, address.base)
        plan.others = link.others.map { WebPlan.Broker(host: $0.host, port: $0.port) }
        (plan.username, plan.password) = (link.username, link.password)
        if let tls = link.tls {
            plan.usesTLS = true
            (plan.caFile, plan.certificateFile, plan.keyFile) = (tls.caFile, tls.certificateFile, tls.keyFile)
        }
        plan.mqttVersion =
            switch link.protocolPreference {
            case .automatic: "auto"
            case .v5: "5"
            case .v311: "3.1.1"
            }
        if let text = arguments.text("--listen") { (plan.address, plan.pagePort) = try listen(text) }
        plan.pagePassword = try arguments.text("--password-file").map(pagePassword)
        let isOpen = arguments.has("--open")
        guard plan.isLocal || isOpen || plan.pagePassword != nil else {
            throw .usage(
                "--listen \(plan.address): everybody who reaches this address could look at the batteries: add --password-file FILE, or "
                    + "--open if everybody may"
            )
        }
        if let text = arguments.text("--name") { plan.names = try names(text) }
        if isOpen, plan.isLocal, plan.names.isEmpty {
            Console.complain(
                "--open: the page listens on \(plan.address) alone; --listen 0.0.0.0:\(plan.pagePort) lets other machines reach it"
            )
        }
        // A further name is a reverse proxy's, which lets others in.
        plan.readsFreely = isOpen || plan.pagePassword == nil || plan.isLocal && plan.names.isEmpty
        plan.folder = arguments.text("--data")
        if let folder = plan.folder, mkdir(folder, 0o700) != 0, errno != EEXIST {
            Console.complain("--data \(folder): cannot be made: \(Console.reason(errno))")
            return 1
        }
        plan.megabytes = arguments.whole("--data-size") ?? plan.megabytes
        plan.language = arguments.text("--language") ?? plan.language
        return plan.start()
    }

    /// The page's password in a file.
    private static func pagePassword(_ path: String) throws(CommandFailure) -> String {
        switch Password.read(path) {
        case .failure(let failure): throw .configuration(["--password-file: \(failure.text)"])
        case .success(let password):
            if let notice = password.notice { Console.complain(notice) }
            guard password.text.count >= shortestPassword else {
                throw .configuration([
                    "--password-file \(path): the password has fewer than \(shortestPassword) characters: choose a longer one"
                ])
            }
            return password.text
        }
    }

    private static let shortestPassword = 8

    /// Address and port of a text like "0.0.0.0:8099" or "[::]:8099".
    private static func listen(_ text: String) throws(CommandFailure) -> (String, Int) {
        let failure = CommandFailure.usage(
            "--listen: expected ADDRESS:PORT with an IP address, such as 127.0.0.1:8099 or [::1]:8099, found '\(text.prefix(60))'"
        )
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (1...65_535).contains(port)
        else { throw failure }
        let written = text[..<colon]
        let isBracketed = written.hasPrefix("[") && written.hasSuffix("]")
        let address = String(isBracketed ? written.dropFirst().dropLast() : written)
        var (four, six) = (in_addr(), in6_addr())
        let isSound = isBracketed ? inet_pton(AF_INET6, address, &six) == 1 : inet_pton(AF_INET, address, &four) == 1
        guard isSound else { throw failure }
        return (address, port)
    }

    /// Names of hosts between commas.
    private static func names(_ text: String) throws(CommandFailure) -> [String] {
        var names: [String] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let name = HostName.ascii(part) else {
                throw .usage(
                    "--name: expected names of hosts without a port, as batteries.lan or pi,pi.lan, found '\(text.plain.prefix(60))'"
                )
            }
            names.append(name)
        }
        return names
    }
}

extension WebPlan {
    /// The program of the page, which stands beside this one.
    static var program: String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let own = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return own.lastIndex(of: "/").map { "\(own[...$0])bms-mqtt-web" } ?? "bms-mqtt-web"
    }

    /// Becomes the program of the page with this plan.
    ///
    /// - Returns: the exit code where that fails.
    func start() -> Int32 {
        let path = Self.program
        setenv(WebPlan.variable, text, 1)
        var words: [UnsafeMutablePointer<CChar>?] = [strdup(path), nil]
        execv(path, &words)
        Console.complain(errno == ENOENT ? Self.absence : "\(path): \(Console.reason(errno))")
        return 1
    }

    /// What to do where there is no program of the page.
    static var absence: String {
        "\(program) is not there: it has a package of its own, beside that of bms-mqtt (apt install ./bms-mqtt-web_*.deb), and "
            + "docs/web.md says how to build it from source"
    }
}

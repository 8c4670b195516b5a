import BMSCore
import Glibc
import LinuxIO
import Mosquitto
import PackSimulator
import SmartBMS
import ServiceIO

/// Options that several commands share.
extension OptionRow {
    static let config = OptionRow(
        name: "--config", kind: .file("FILE"),
        meaning: "configuration file (default: \(CommandTable.defaultConfiguration))")
    static let broker = OptionRow(
        name: "--broker", kind: .text("HOST[:PORT]"),
        meaning: "a broker without password (default port 1883); no file is read then, unless --config names one")
    static let brokerConfig = OptionRow(
        name: "--config", kind: .file("FILE"),
        meaning:
            "take broker, user, TLS and base topic from this file (default: \(CommandTable.defaultConfiguration), where it is)"
    )
    static let base = OptionRow(
        name: "--base", kind: .text("TOPIC"), meaning: "first level of the topics (default: bms)")
    static let pack = OptionRow(name: "--pack", kind: .text("ID"), meaning: "only this pack")
    static let cells = OptionRow(name: "--cells", kind: .whole("N", 2...255), meaning: "cells (default: 16)")
    static func scenario(_ standard: Scenario) -> OptionRow {
        let names = Scenario.allCases.map(\.rawValue)
        return OptionRow(
            name: "--scenario", kind: .choice("NAME", names),
            meaning: "what happens (default: \(standard.rawValue)): \(names.joined(separator: ", "))")
    }
    static let seed = OptionRow(
        name: "--seed", kind: .whole("S", 0...Int.max), meaning: "the same seed gives the same pack (default: 1)")
    static let seconds = OptionRow(
        name: "--seconds", kind: .whole("N", 1...31_536_000), meaning: "end after this many seconds")
    static let generation = OptionRow(
        name: "--generation", kind: .choice("G", ["2", "3"]),
        meaning: "2: IN/OUT boards, 3: Begin/End boards (default: 3)")
}

/// Values of the shared options.
extension Arguments {
    func scenario(_ standard: Scenario) -> Scenario { text("--scenario").flatMap(Scenario.init) ?? standard }
    var seed: UInt64 { UInt64(whole("--seed") ?? 1) }
    var generation: Generation { text("--generation") == "2" ? .two : .three }

    /// The configuration in the file of `--config`, or in the default file.
    func configuration(isClient: Bool = false) throws(CommandFailure) -> Configuration {
        try Configuration.load(text("--config") ?? CommandTable.defaultConfiguration, isClient: isClient)
    }

    /// The broker of `--broker`; `nil` if none was given.
    func broker() throws(CommandFailure) -> (host: String, port: Int)? {
        guard let text = text("--broker") else { return nil }
        if let broker = Self.broker(text) { return broker }
        throw .usage(
            "--broker: expected HOST or HOST:PORT (write an IPv6 address with a port in brackets, [::1]:1883), found "
                + "'\(text.prefix(60))'")
    }

    /// Host and port of a text like `HOST` or `HOST:PORT`; `nil` for another.
    static func broker(_ text: String) -> (host: String, port: Int)? {
        BrokerText.parse(text).map { ($0.host, $0.port ?? 1883) }
    }

    /// The broker and base topic that a client of a running bridge talks to: those of the options, else of the default file, else
    /// a broker on this machine.
    func client(_ role: String) throws(CommandFailure) -> BridgeAddress {
        var address = BridgeAddress(link: LinkConfiguration(host: "localhost", clientID: ""))
        let standard = CommandTable.defaultConfiguration
        if has("--config") {
            address.take(try configuration(isClient: true))
        } else if has("--broker") {
            // The options say it all.
        } else if access(standard, R_OK) == 0 {
            address.take(try configuration(isClient: true))
            address.origin = "from \(standard)"
        } else if errno == ENOENT {
            address.origin = "as there is no \(standard)"
        } else {
            address.origin = "as \(standard) cannot be read (\(Console.reason(errno))): sudo reads it"
        }
        if let broker = try broker() {
            (address.link.host, address.link.port, address.link.others) = (broker.host, broker.port, [])
        }
        if let text = text("--base") {
            if let complaint = ConfigurationTable.baseTopic(text) { throw .usage("--base: \(complaint)") }
            address.base = text
        }
        address.link.onRefusal = { Console.complain($0) }
        address.link.clientID = Self.clientID(role)
        return address
    }

    /// A client id that differs for each call, because several people may run a command at once.
    static func clientID(_ role: String) -> String {
        "bms-mqtt-\(role)-\(Machine.name)-\(Clock.monotonic().milliseconds)"
    }
}

/// The way to a running bridge: its broker and its topics.
struct BridgeAddress: Sendable {
    var link: LinkConfiguration
    var base = "bms"
    /// Words that say where the address is from; `nil`: from the command line.
    var origin: String?

    /// The address for people where they did not name it, like "broker mqtt://localhost:1883, from /etc/bms-mqtt/config.yaml".
    var note: String? { origin.map { "broker \(link), \($0)" } }

    fileprivate mutating func take(_ configuration: Configuration) {
        link = configuration.plan.link
        base = configuration.baseTopic
    }
}

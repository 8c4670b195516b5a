import LinuxIO
import BMSCore
import Mosquitto
import PackSimulator
import SerialLink
import SmartBMS

/// Options that several commands share.
extension OptionRow {
    static let config = OptionRow(
        name: "--config", kind: .text("FILE"),
        meaning: "configuration file (default: \(CommandTable.defaultConfiguration))")
    static let broker = OptionRow(
        name: "--broker", kind: .text("HOST[:PORT]"), meaning: "a broker without password (default port 1883)")
    static let brokerConfig = OptionRow(
        name: "--config", kind: .text("FILE"), meaning: "take broker, user and TLS from this file")
    static let base = OptionRow(
        name: "--base", kind: .text("TOPIC"), meaning: "first level of the topics (default: bms)")
    static let pack = OptionRow(name: "--pack", kind: .text("ID"), meaning: "only this pack")
    static let cells = OptionRow(name: "--cells", kind: .whole("N", 2...255), meaning: "cells (default: 16)")
    static let scenario = OptionRow(
        name: "--scenario", kind: .choice("NAME", Scenario.allCases.map(\.rawValue)),
        meaning: "what happens (default: day): " + Scenario.allCases.map(\.rawValue).joined(separator: ", "))
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
    var scenario: Scenario { text("--scenario").flatMap(Scenario.init) ?? .day }
    var seed: UInt64 { UInt64(whole("--seed") ?? 1) }
    var generation: Generation { text("--generation") == "2" ? .two : .three }

    /// The configuration in the file of `--config`, or in the default file.
    func configuration() throws(CommandFailure) -> Configuration {
        try Configuration.load(text("--config") ?? CommandTable.defaultConfiguration)
    }

    /// The broker of `--broker`; `nil` if none was given.
    func broker() throws(CommandFailure) -> (host: String, port: Int)? {
        guard let text = text("--broker") else { return nil }
        if case .success(let host) = HostName.parse(text) { return (host, 1883) }
        if case .tcp(let host, let port)? = try? SourceAddress("tcp:\(text)") { return (host, port) }
        throw .usage(
            "--broker: expected HOST or HOST:PORT (write an IPv6 address with a port in brackets, [::1]:1883), found "
                + "'\(text.prefix(60))'")
    }

    /// The broker and base topic that a client of a running bridge talks to.
    func client(_ role: String) throws(CommandFailure) -> (link: LinkConfiguration, base: String) {
        var link = LinkConfiguration(host: "localhost", clientID: "")
        var base = "bms"
        if has("--config") {
            let configuration = try configuration()
            link = configuration.plan.link
            base = configuration.baseTopic
        }
        if let broker = try broker() { (link.host, link.port) = broker }
        if let text = text("--base") {
            if let complaint = ConfigurationTable.baseTopic(text) { throw .usage("--base: \(complaint)") }
            base = text
        }
        link.onRefusal = { Console.complain($0) }
        link.clientID = Self.clientID(role)
        return (link, base)
    }

    /// A client id that differs for each call, because several people may run a command at once.
    static func clientID(_ role: String) -> String {
        "bms-mqtt-\(role)-\(Machine.name)-\(Clock.monotonic().milliseconds)"
    }
}

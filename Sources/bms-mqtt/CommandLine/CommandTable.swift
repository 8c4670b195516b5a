import PackSimulator

/// One option of a subcommand.
struct OptionRow: Sendable {
    /// What an option's value must be.
    enum Kind: Sendable {
        /// No value.
        case flag
        case text(String)
        case whole(String, ClosedRange<Int>)
        case decimal(String, ClosedRange<Double>)
        case choice(String, [String])
    }

    /// "--cells", or the name of an argument without dashes.
    var name: String
    var kind: Kind
    var meaning: String
    var isRequired = false

    /// "--cells N"
    var usage: String {
        switch kind {
        case .flag: name
        case .text(let word), .whole(let word, _), .decimal(let word, _), .choice(let word, _):
            isArgument ? word : "\(name) \(word)"
        }
    }

    var isArgument: Bool { !name.hasPrefix("-") }
}

/// One subcommand: name, options and help. Parsing and help texts follow from this table.
struct CommandRow: Sendable {
    var name: String
    var summary: String
    var options: [OptionRow]
    var details: String
    var examples: [String]
}

/// All subcommands.
enum CommandTable {
    static let defaultConfiguration = "/etc/bms-mqtt/config.yaml"

    private static let config = OptionRow(
        name: "--config", kind: .text("FILE"), meaning: "configuration file (default: \(defaultConfiguration))")
    private static let broker = OptionRow(
        name: "--broker", kind: .text("HOST[:PORT]"), meaning: "a broker without password (default port 1883)")
    private static let brokerConfig = OptionRow(
        name: "--config", kind: .text("FILE"), meaning: "take broker, user and TLS from this file")
    private static let base = OptionRow(
        name: "--base", kind: .text("TOPIC"), meaning: "first level of the topics (default: bms)")
    private static let pack = OptionRow(name: "--pack", kind: .text("ID"), meaning: "only this pack")
    private static let cells = OptionRow(name: "--cells", kind: .whole("N", 2...255), meaning: "cells (default: 16)")
    private static let scenario = OptionRow(
        name: "--scenario", kind: .choice("NAME", Scenario.allCases.map(\.rawValue)),
        meaning: "what happens (default: day): " + Scenario.allCases.map(\.rawValue).joined(separator: ", "))
    private static let seed = OptionRow(
        name: "--seed", kind: .whole("S", 0...Int.max), meaning: "the same seed gives the same pack (default: 1)")
    private static let seconds = OptionRow(
        name: "--seconds", kind: .whole("N", 1...31_536_000), meaning: "end after so many seconds")
    private static let generation = OptionRow(
        name: "--generation", kind: .choice("G", ["2", "3"]),
        meaning: "2: IN/OUT boards, 3: Begin/End boards (default: 3)")

    static let rows: [CommandRow] = [
        CommandRow(
            name: "run", summary: "the bridge: BMS in, MQTT out", options: [config],
            details: """
                Reads every pack of the configuration, computes its limits and publishes them until SIGTERM or SIGINT.
                SIGHUP reads the file again; a faulty file is reported and the old configuration stays in force.
                """, examples: ["bms-mqtt run --config ./config.yaml"]),
        CommandRow(
            name: "demo", summary: "a simulated pack, an own broker, a live view",
            options: [
                cells, scenario,
                OptionRow(
                    name: "--speed", kind: .decimal("X", 0.1...1000),
                    meaning: "simulated seconds a second (default: 20)"),
                OptionRow(
                    name: "--broker", kind: .text("HOST[:PORT]"), meaning: "use this broker instead of an own mosquitto"
                ),
                seconds, seed,
            ],
            details: """
                Needs no hardware. Starts mosquitto on a free loopback port, simulates a pack, bridges it, and shows what the
                topics say. Without a terminal it prints a line a second. Ctrl-C ends all of it.
                """, examples: ["bms-mqtt demo", "bms-mqtt demo --scenario imbalanced --speed 60"]),
        CommandRow(
            name: "simulate", summary: "a fake 123\\SmartBMS that speaks real frames",
            options: [
                OptionRow(name: "--pty", kind: .flag, meaning: "on a pseudo terminal; its name is printed"),
                OptionRow(
                    name: "--link", kind: .text("PATH"),
                    meaning: "with --pty: a symbolic link to it; of many packs PATH1, PATH2 and so on"),
                OptionRow(
                    name: "--tcp", kind: .whole("PORT", 1...65_535),
                    meaning: "on a TCP port of this machine (127.0.0.1)"),
                OptionRow(name: "--stdout", kind: .flag, meaning: "raw bytes on standard output"),
                cells, scenario,
                OptionRow(
                    name: "--packs", kind: .whole("K", 1...1000),
                    meaning: "K packs on ports PORT to PORT+K-1, or on K pseudo terminals"),
                OptionRow(
                    name: "--print-config", kind: .flag,
                    meaning: "print a configuration that reads these packs, instead of their addresses"),
                OptionRow(
                    name: "--speed", kind: .decimal("X", 0.1...10_000),
                    meaning: "frames a second (default: 1); after a silence a bridge believes one alone"),
                seed, seconds, generation,
            ],
            details: """
                The pack is charged by the manual's charger, N x (Vbalance + 30 mV): nobody tells this simulation a limit.
                One of --pty, --tcp and --stdout is needed. Frames of many packs are spread over the second; --seed and up are their
                seeds. What a reader does not take is lost, as on a cable.
                """,
            examples: [
                "bms-mqtt simulate --pty --link ./fake-bms", "bms-mqtt simulate --stdout --speed 100 --seconds 5",
                "bms-mqtt simulate --tcp 20000 --packs 1000 --print-config > fleet.yaml &",
            ]),
        CommandRow(
            name: "decode", summary: "frames to JSON",
            options: [
                OptionRow(
                    name: "file", kind: .text("[FILE]"), meaning: "what to decode (default: standard input, or -)"),
                OptionRow(
                    name: "--format", kind: .choice("FORMAT", DecodeCommand.Format.allCases.map(\.rawValue)),
                    meaning: "hex (default), raw bytes, or timed: a recording"),
                OptionRow(
                    name: "--strict", kind: .flag, meaning: "refuse implausible frames, too, as the bridge does"),
            ],
            details: """
                One JSON object for each frame on standard output, keyed by metric path; statistics on standard error. Bad
                lines are reported by number and skipped.
                """, examples: ["bms-mqtt decode --format timed garage.rec", "xxd -p dump.bin | bms-mqtt decode"]),
        CommandRow(
            name: "limits", summary: "the calculator as a filter",
            options: [
                OptionRow(name: "--config", kind: .text("FILE"), meaning: "take a pack's limits from this file"), pack,
                OptionRow(name: "--bank", kind: .text("ID"), meaning: "this bank of the file, and its packs"),
                OptionRow(
                    name: "--state", kind: .text("FILE"),
                    meaning: "keep latches, trims and what is learned in this file, and begin with what it holds"),
            ],
            details: """
                Each line in is {"t": seconds, "frame": "<116 hexadecimal digits>"} or {"t": seconds, "frame": null}; each is
                answered by exactly one line with CVL, CCL, DCL and reasons. A bad line counts as a missing frame.
                With --bank a line is {"t": seconds, "frames": {"garage": "<hex>", "cellar": null}}, and the answer holds the
                limits of each pack, too.
                With --state a filter that is started again goes on as 'run' does after a restart; the time is that of the lines.
                """, examples: [#"echo '{"t": 0, "frame": null}' | bms-mqtt limits"#]),
        CommandRow(
            name: "record", summary: "keep what a source sends",
            options: [
                OptionRow(
                    name: "--port", kind: .text("SOURCE"), meaning: "serial:auto, serial:/dev/ttyUSB0, tcp:host:port",
                    isRequired: true),
                OptionRow(name: "file", kind: .text("FILE"), meaning: "a new file", isRequired: true), seconds,
            ],
            details: """
                Text, a line for each read, 100 MiB at most. 'source: replay:FILE' plays it to a bridge again.
                """, examples: ["bms-mqtt record --port serial:auto garage.rec --seconds 600"]),
        CommandRow(
            name: "monitor", summary: "live view of a running bridge, read from MQTT",
            options: [
                broker, brokerConfig, pack, base,
                OptionRow(name: "--once", kind: .flag, meaning: "one line for each pack, then end"),
            ],
            details: """
                Shows what any other client of the broker can see. Without a terminal: a line a second. What is not valid is a dash: of an
                offline bridge or pack, of limits that came more than 30 s ago or are older by their own time; a line says why and since
                when. With --once the exit code is 1 where nothing valid came.
                """,
            examples: ["bms-mqtt monitor --broker 192.0.2.7", "bms-mqtt monitor --config ./config.yaml --once"]),
        CommandRow(
            name: "set", summary: "command a setting of a running bridge",
            options: [
                OptionRow(name: "pack", kind: .text("PACK"), meaning: "id of the pack", isRequired: true),
                OptionRow(name: "setting", kind: .text("SETTING"), meaning: "see 'settings'", isRequired: true),
                OptionRow(name: "value", kind: .text("VALUE"), meaning: "80, ON, float", isRequired: true),
                broker, brokerConfig, base,
            ],
            details: """
                Waits for the bridge's answer and prints it. Exit code 1 when it is refused, or when nobody answers in 5 s.
                What is allowed lies under the bridge's configuration file; the BMS itself is not touched.
                """,
            examples: [
                "bms-mqtt set garage maxChargeCurrent 40", "bms-mqtt set garage chargeMode full --broker 192.0.2.7",
            ]),
        CommandRow(
            name: "settings", summary: "the settings of a running bridge",
            options: [
                OptionRow(name: "pack", kind: .text("PACK"), meaning: "id of the pack", isRequired: true), broker,
                brokerConfig, base,
            ],
            details: """
                Each setting with its value, unit, bounds and who set it. Of an offline bridge or pack the values are dashes, a line says
                since when, and the exit code is 1.
                """,
            examples: ["bms-mqtt settings garage"]),
        CommandRow(
            name: "health", summary: "whether a running bridge can be relied on, as an exit code",
            options: [
                config, pack,
                OptionRow(
                    name: "--wait", kind: .whole("S", 1...3600),
                    meaning: "seconds that it may take to become healthy (default: \(HealthCommand.defaultSeconds))"),
            ],
            details: """
                Asks the broker of the configuration, as a consumer would: the bridge online, every pack online, its limits fresh.
                Prints a line for each pack. Exit code 0: all of them healthy; 1: not in time; 78: configuration.
                """, examples: ["bms-mqtt health", "bms-mqtt health --config ./config.yaml --wait 60"]),
        CommandRow(
            name: "gx-setup", summary: "what to set on a Victron GX device", options: [config],
            details: """
                Prints the configuration of the driver dbus-mqtt-battery for each pack of the file, and the menu settings to make.
                Changes nothing. Passwords are not printed.
                """, examples: ["bms-mqtt gx-setup --config ./config.yaml"]),
        CommandRow(
            name: "acl", summary: "access rules of mosquitto for this configuration",
            options: [
                config,
                OptionRow(
                    name: "--bridge", kind: .text("USER"),
                    meaning: "the bridge's user (default: mqtt.username of the file, else bms-mqtt)"),
                OptionRow(
                    name: "--home-assistant", kind: .text("USER[,USER]"),
                    meaning: "may read, and command the settings that exist"),
                OptionRow(name: "--reader", kind: .text("USER[,USER]"), meaning: "may read documents and events"),
                OptionRow(
                    name: "--gx", kind: .text("USER[,USER]"),
                    meaning: "a GX device's driver, or a client of the GX tree"),
                OptionRow(
                    name: "--response", kind: .text("TOPIC[/#]"),
                    meaning: "where commanding clients want answers, if they use MQTT 5 response topics"),
            ],
            details: """
                Prints an acl_file: for each user the topics that this very configuration needs, and no more. Changes nothing.
                Print it on the bridge's machine, or set gx.portalId: the id of the GX tree follows from the machine.
                docs/security.md has the steps, with passwords and TLS.
                """,
            examples: [
                "bms-mqtt acl --home-assistant homeassistant --reader grafana >bms-mqtt.acl",
                "bms-mqtt acl --config ./config.yaml --bridge bms --gx cerbo",
            ]),
        CommandRow(
            name: "switches", summary: "option switch positions on the Begin or IN board",
            options: [
                OptionRow(name: "--cells", kind: .whole("N", 2...255), meaning: "cells in series", isRequired: true),
                OptionRow(
                    name: "--vbalance", kind: .decimal("V", 1...5), meaning: "balancing voltage", isRequired: true),
                generation,
            ],
            details:
                "From the tables of the vendor's manuals. Check against the manual of your board before you switch.",
            examples: ["bms-mqtt switches --cells 16 --vbalance 3.4"]),
        CommandRow(
            name: "check-config", summary: "check a configuration file",
            options: [
                OptionRow(name: "file", kind: .text("[FILE]"), meaning: "the file (default: \(defaultConfiguration))")
            ],
            details: """
                Lists every fault with file, line and column, then names for each pack the limits that are not set, with what holds
                instead. Exit code 0: configuration OK; 78: not.
                """,
            examples: ["bms-mqtt check-config ./config.yaml"]),
        CommandRow(
            name: "print-default-config", summary: "a complete, commented configuration",
            options: [
                OptionRow(
                    name: "--markdown", kind: .flag, meaning: "the reference of all keys, as docs/configuration.md")
            ], details: "Every key with its meaning, range and default.",
            examples: ["bms-mqtt print-default-config > config.yaml"]),
        CommandRow(
            name: "print-package-file", summary: "what a package ships and these tables know",
            options: [
                OptionRow(
                    name: "name", kind: .choice("NAME", PackageFile.allCases.map(\.rawValue)),
                    meaning: PackageFile.allCases.map(\.rawValue).joined(separator: ", "), isRequired: true)
            ],
            details:
                "The manual page, and the options of the Home Assistant add-on, from the tables of commands and keys.",
            examples: ["bms-mqtt print-package-file man-page | man -l -"]),
        CommandRow(
            name: "version", summary: "the version", options: [], details: "Name and version of this program.",
            examples: ["bms-mqtt version"]),
    ]

    /// The row of a name.
    static func row(_ name: String) -> CommandRow? { rows.first { $0.name == name } }
}

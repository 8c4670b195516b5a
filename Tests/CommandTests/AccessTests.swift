import Glibc
import LinuxIO
import TestSupport
import TestThreads
import Testing
import ServiceIO

/// The rules that `bms-mqtt acl` prints, used by a real mosquitto.
@Suite("Access rules", .enabled(if: BrokerFixture.isAvailable, "needs mosquitto"), .waits, .timeLimit(.minutes(10)))
struct AccessTests {
    private static let portal = "02a1b2c3d4e5"
    private static let program: String = {
        let folder = CommandLine.arguments[0].split(separator: "/").dropLast().joined(separator: "/")
        return "/\(folder)/bms-mqtt"
    }()

    /// A broker with the printed rules, an admin without restrictions, and a configuration of the bridge.
    private struct Site {
        let broker: BrokerFixture
        let folder = TemporaryFolder()
        let configuration: String

        init(discovery: String = "device") throws {
            var options = BrokerFixture.Options()
            options.user = ("bridge", "bridge")
            options.others = ["ha", "reader", "cerbo", "admin"]
            options.lines = [
                "acl_file \(folder.path)/acl", "log_type all", "log_dest file \(folder.path)/broker.log",
            ]
            broker = BrokerFixture(options)
            configuration = folder.write(
                """
                mqtt: { host: 127.0.0.1, port: \(broker.port), username: bridge, password: bridge, clientId: the-bridge }
                homeAssistant: { discovery: \(discovery) }
                gx: { portalId: "\(portal)" }
                stateDirectory: \(folder.path)/state
                packs:
                  - id: garage
                    source: "simulator:day"
                    relays: [{ name: charger, function: fault, commandTopic: cmnd/charger/POWER, stateTopic: stat/charger/POWER, dwell: 0 }]
                  - id: cellar
                    source: "simulator:day"
                banks: [{ id: house, packs: [garage, cellar] }]
                """, "config.yaml")
            let words = ["acl", "--config", configuration, "--home-assistant", "ha", "--reader", "reader"]
            let print = try #require(
                ChildProcess(program, words + ["--gx", "cerbo", "--response", "answers/#"]))
            let rules = print.read()
            #expect(print.exitCode() == 0)
            folder.write(rules + "\nuser admin\ntopic readwrite #\n", "acl")
            #expect(broker.start())
        }

        private func client(_ name: String, _ user: String, _ words: [String]) throws -> ChildProcess {
            let program = try #require(ProgramStart.find(name))
            let login = ["-h", "127.0.0.1", "-p", "\(broker.port)", "-V", "5", "-u", user, "-P", user]
            return try #require(ChildProcess(program, login + words))
        }

        /// Subscribes, and waits until the broker has the subscription.
        func listen(_ user: String, _ topic: String) throws -> ChildProcess {
            let id = "\(user)-\(Int.random(in: 0..<Int.max))"
            let process = try client("mosquitto_sub", user, ["-i", id, "-q", "1", "-F", "%r %t %p", "-t", topic])
            let end = Deadline()
            while !end.isOver, !log.contains("Sending SUBACK to \(id)") {
                var entry = pollfd(fd: -1, events: 0, revents: 0)
                poll(&entry, 1, 10)
            }
            #expect(!end.isOver)
            return process
        }

        /// Publishes a message.
        ///
        /// - Returns: `true` if the broker let it pass.
        func publish(_ user: String, _ topic: String, _ payload: String, retain: Bool = false) throws -> Bool {
            let words = ["-q", "1", "-t", topic, "-m", payload] + (retain ? ["-r"] : [])
            let process = try client("mosquitto_pub", user, words)
            let text = process.read()
            return process.exitCode() == 0 && !text.contains("Not authorized")
        }

        func ask(_ user: String, _ topic: String, _ payload: String, answer: String) throws -> ChildProcess {
            try client(
                "mosquitto_rr", user, ["-q", "1", "-t", topic, "-e", answer, "-m", payload, "-W", "15"])
        }

        func run() throws -> ChildProcess {
            try #require(ChildProcess(program, ["run", "--config", configuration]))
        }

        var refusals: [Substring] {
            log.split(separator: "\n").filter { $0.contains("Denied") }
        }

        private var log: String { Repository.read("\(folder.path)/broker.log") }
    }

    @Test(
        "with the printed rules the broker refuses nothing that the bridge publishes, and delivers all that it subscribes to",
        arguments: ["device", "entities"])
    func everythingPasses(discovery: String) throws {
        let site = try Site(discovery: discovery)
        // An announcement of the other form is left from an earlier run: the bridge receives and clears it.
        let leftover =
            discovery == "device"
            ? "homeassistant/sensor/bms_garage/soc/config" : "homeassistant/device/bms_garage/config"
        let announcement =
            discovery == "device"
            ? "homeassistant/device/bms_garage/config" : "homeassistant/sensor/bms_garage/soc/config"
        #expect(try site.publish("admin", leftover, #"{"components":{"soc":{"platform":"sensor"}}}"#, retain: true))
        let cleared = try site.listen("admin", leftover)
        let announced = try site.listen("ha", announcement)
        let results = try site.listen("ha", "bms/garage/result")
        let relays = try site.listen("reader", "#")
        let limits = try site.listen("reader", "bms/garage/limits")
        let tree = try site.listen("cerbo", "N/#")
        let feed = try site.listen("cerbo", "bms/garage/gx")
        let bank = try site.listen("reader", "bms/house/limits")
        let bankFeed = try site.listen("cerbo", "bms/house/gx")
        let bankDevice = try site.listen("ha", announcement.replacing("bms_garage", with: "bms_house"))
        let device = try site.listen("admin", "cmnd/charger/POWER")
        let bridge = try site.run()
        #expect(bridge.read(until: "connected to").contains("connected to"))

        // The old announcement is cleared in two steps, and the pack is announced to Home Assistant.
        #expect(cleared.read(until: "0 \(leftover) \n").contains("0 \(leftover) \n"))
        #expect(announced.read(until: announcement).contains(announcement))
        #expect(bank.read(until: "dcl").contains("dcl"))
        #expect(bankFeed.read(until: "\"Dc\"").contains("\"Dc\""))
        #expect(bankDevice.read(until: "bms_house").contains("bms_house"))
        // A command is answered on the topic of results and on a response topic.
        #expect(try site.publish("ha", "bms/garage/set/maxChargeCurrent", "40"))
        #expect(results.read(until: "\"accepted\":true").contains("\"setting\":\"maxChargeCurrent\""))
        let question = try site.ask("ha", "bms/garage/set/maxDischargeCurrent", "45", answer: "answers/ha")
        #expect(question.read(until: "accepted").contains("\"accepted\":true"))
        // Home Assistant starts, and the announcement comes again.
        #expect(try site.publish("ha", "homeassistant/status", "online"))
        #expect(announced.read(until: announcement).contains(announcement))
        // The GX tree is woken, read and written.
        #expect(try site.publish("cerbo", "R/\(Self.portal)/keepalive", ""))
        let values = tree.read(until: "full_publish_completed")
        #expect(values.contains("N/\(Self.portal)/battery/512/Soc"))
        #expect(values.contains("N/\(Self.portal)/battery/514/Soc"))
        #expect(values.contains("N/\(Self.portal)/platform/0/Firmware/Installed/Version"))
        #expect(try site.publish("cerbo", "W/\(Self.portal)/battery/512/Settings/MaxChargeCurrent", #"{"value":15}"#))
        #expect(results.read(until: "\"effective\":15").contains("\"effective\":15"))
        #expect(feed.read(until: "\"Dc\"").contains("\"Dc\""))
        #expect(limits.read(until: "15.0 A by command").contains("15.0 A by command"))
        // The relay is commanded and read back, and the reader sees its state.
        #expect(try site.publish("admin", "stat/charger/POWER", "OFF"))
        #expect(relays.read(until: "\"readBack\":false").contains("\"readBack\":false"))
        #expect(device.read(until: "POWER").contains("POWER"))
        // The device is removed from Home Assistant.
        let emptied = try site.listen("admin", announcement)
        #expect(try site.publish("ha", "bms/garage/set/purgeDiscovery", "PRESS"))
        #expect(emptied.read(until: "0 \(announcement) \n").contains("0 \(announcement) \n"))
        // The bridge goes offline, and empties the tree.
        let status = try site.listen("reader", "bms/bridge/status")
        bridge.kill(SIGTERM)
        #expect(bridge.exitCode() == 0)
        #expect(status.read(until: "offline").contains("offline"))
        #expect(site.refusals.isEmpty, "\(site.refusals)")
    }

    @Test("with the printed rules the broker publishes the wills of a bridge that was killed")
    func wills() throws {
        let site = try Site()
        let topics = try site.listen("admin", "bms/bridge/status")
        let device = try site.listen("admin", "cmnd/charger/POWER")
        let bridge = try site.run()
        #expect(bridge.read(until: "connected to").contains("connected to"))
        #expect(device.read(until: "ON").contains("ON"))
        bridge.kill(SIGKILL)
        #expect(topics.read(until: "offline").contains("offline"))
        #expect(device.read(until: "OFF").contains("OFF"))
        #expect(site.refusals.isEmpty, "\(site.refusals)")
    }

    @Test("each client may publish on its own topics alone")
    func publishing() throws {
        let site = try Site()
        let rows: [(user: String, topic: String, passes: Bool)] = [
            ("reader", "bms/garage/set/maxChargeCurrent", false), ("reader", "bms/garage/limits", false),
            ("reader", "R/\(Self.portal)/keepalive", false), ("reader", "homeassistant/status", false),
            ("ha", "bms/garage/set/maxChargeCurrent", true), ("ha", "bms/garage/set/relay/charger", true),
            ("ha", "homeassistant/status", true), ("ha", "bms/garage/set/nonsense", false),
            ("ha", "bms/garage/limits", false), ("ha", "bms/garage/state", false), ("ha", "bms/garage/gx", false),
            ("ha", "bms/bridge/status", false), ("ha", "cmnd/charger/POWER", false),
            ("ha", "N/\(Self.portal)/battery/512/Info/MaxChargeCurrent", false),
            ("ha", "homeassistant/device/bms_garage/config", false), ("ha", "answers/ha", false),
            ("cerbo", "R/\(Self.portal)/keepalive", true),
            ("cerbo", "W/\(Self.portal)/battery/512/Settings/ChargeEnabled", true),
            ("cerbo", "N/\(Self.portal)/battery/512/Soc", false), ("cerbo", "bms/garage/set/chargeEnabled", false),
            ("cerbo", "bms/garage/gx", false), ("cerbo", "W/c0619ab1cd2e/battery/512/Mode", false),
            ("bridge", "bms/garage/limits", true), ("bridge", "cmnd/charger/POWER", true),
            ("bridge", "bms/house/limits", true), ("ha", "bms/house/limits", false),
            ("ha", "bms/house/set/maxChargeCurrent", false),
            ("bridge", "bms/garage/set/maxChargeCurrent", false), ("bridge", "bms/shed/limits", false),
            ("bridge", "cmnd/other/POWER", false), ("bridge", "homeassistant/status", false),
            ("bridge", "homeassistant/device/other/config", false),
            ("bridge", "W/\(Self.portal)/system/0/Serial", false),
            ("bridge", "N/c0619ab1cd2e/system/0/Serial", false), ("bridge", "elsewhere", false),
        ]
        for row in rows {
            #expect(try site.publish(row.user, row.topic, "x") == row.passes, "\(row.user) on \(row.topic)")
        }
        #expect(site.refusals.count == rows.count { !$0.passes })
    }

    @Test(
        "each client may read its own topics alone",
        arguments: [
            (
                "reader", ["bms/garage/limits", "bms/garage/event", "bms/bridge/status"],
                [
                    "bms/garage/set/x", "N/\(portal)/battery/512/Soc", "cmnd/charger/POWER", "bms/shed/state",
                    "homeassistant/status",
                ]
            ),
            (
                "ha", ["bms/garage/limits", "homeassistant/device/bms_garage/config", "answers/ha"],
                [
                    "bms/garage/set/x", "N/\(portal)/battery/512/Soc", "homeassistant/device/other/config",
                    "bms/garage/gx",
                ]
            ),
            (
                "cerbo", ["bms/garage/gx", "N/\(portal)/battery/512/Soc"],
                ["bms/garage/limits", "bms/garage/set/x", "W/\(portal)/battery/512/Settings/ChargeEnabled"]
            ),
            (
                "bridge", ["bms/garage/set/x", "stat/charger/POWER", "W/\(portal)/battery/512/Settings/ChargeEnabled"],
                ["bms/shed/limits", "elsewhere", "N/c0619ab1cd2e/battery/512/Soc"]
            ),
        ])
    func reading(user: String, open: [String], closed: [String]) throws {
        let site = try Site()
        let topics = try site.listen(user, "#")
        for topic in closed + open { #expect(try site.publish("admin", topic, "marker")) }
        let last = try #require(open.last)
        let text = topics.read(until: "\(last) marker")
        for topic in open { #expect(text.contains("\(topic) marker"), "\(topic)") }
        for topic in closed { #expect(!text.contains("\(topic) marker"), "\(topic)") }
    }

    @Test("a client without user, or with a wrong password, is not let in")
    func stranger() throws {
        let site = try Site()
        let program = try #require(ProgramStart.find("mosquitto_sub"))
        for login in [[], ["-u", "reader"], ["-u", "reader", "-P", "wrong"], ["-u", "nobody", "-P", "nobody"]] {
            let words = ["-h", "127.0.0.1", "-p", "\(site.broker.port)", "-V", "5", "-t", "#", "-W", "15"]
            let process = try #require(ChildProcess(program, words + login))
            #expect(process.read().contains("Not authorized"))
            #expect(process.exitCode() != 0)
        }
    }

    @Test(
        "users and response topics that would break the file or its rules are refused",
        arguments: [
            ("--reader a,a", "would have two roles"), ("--reader bms-mqtt", "would have two roles"),
            ("--reader a,", "cannot be a user"), ("--gx a:b", "cannot be a user"),
            ("--response #", "expected topic levels"), ("--response bms/#", "the bridge's own topics"),
        ])
    func refused(line: String, expected: String) throws {
        let folder = TemporaryFolder()
        let file = folder.write("packs: [{ id: garage, source: \"simulator:day\" }]\n", "c.yaml")
        let words = ["acl", "--config", file] + line.split(separator: " ").map(String.init)
        let process = try #require(ChildProcess(Self.program, words))
        #expect(process.read().contains(expected))
        #expect(process.exitCode() == 2)
        let injected = try #require(
            ChildProcess(Self.program, ["acl", "--config", file, "--reader", "a\ntopic write #"]))
        #expect(injected.exitCode() == 2)
    }
}

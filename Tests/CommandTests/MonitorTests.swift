import Testing
import Viewer
import ServiceIO

@testable import bms_mqtt

@Suite("Live view")
struct MonitorTests {
    private static let documents = [
        ("bms/bridge/status", "online"),
        ("bms/shed/status", "online"),
        (
            "bms/shed/state",
            """
            {"CustomName":"Shed","Soc":57,"Dc":{"Voltage":53.0,"Current":-4.25,"Power":-225},
            "System":{"MinCellVoltage":3.305,"MaxCellVoltage":3.4,"MinVoltageThreshold":2.9,"MaxVoltageThreshold":3.7,
            "MinCellTemperature":20.1},"Io":{"AllowToCharge":1,"AllowToDischarge":0},"Alarms":{"LowSoc":1,"Alarm":1},
            "Info":{"ChargeMode":"bulk"}}
            """
        ),
        ("bms/shed/limits", #"{"cvl":54.88,"ccl":12.5,"dcl":0,"reasons":{"ccl":"coldest cell 3 at 4.0 °C"}}"#),
        ("bms/shed/cells", #"{"Voltages":{"Cell1":3.3,"Cell2":3.45},"Balances":{"Cell1":0,"Cell2":1}}"#),
        ("bms/shed/event", #"{"text":"good frames come"}"#),
    ]

    /// 2026-11-21, five minutes after a boot.
    private static let start = ReaderModel.Instant(monotonic: 300_000, wall: 1_795_246_192_000)

    private static func after(_ seconds: Int64) -> ReaderModel.Instant {
        ReaderModel.Instant(monotonic: start.monotonic + seconds * 1000, wall: start.wall + seconds * 1000)
    }

    private static func clock(_ seconds: Int64) -> String { Clock.timeOfDay(after(seconds).wall) }

    private func model(_ documents: [(String, String)] = Self.documents, only: String? = nil) -> ReaderModel {
        var model = ReaderModel(base: "bms", only: only)
        for (topic, text) in documents { model.take(topic: topic, payload: Array(text.utf8), at: Self.start) }
        return model
    }

    /// The screen and the summary line at a time.
    private func seen(_ model: ReaderModel, _ seconds: Int64) -> (screen: String, line: String) {
        let text = screen().lines(model, footer: [], at: Self.after(seconds)).joined(separator: "\n")
        let line = model.packs["shed"].map { MonitorScreen.summary("shed", model.view($0, at: Self.after(seconds))) }
        return (text, line ?? "")
    }

    /// Expects that no number of the documents is shown.
    private func expectNothing(_ seen: (screen: String, line: String), _ fault: String) {
        #expect(seen.line == "shed: nothing valid: \(fault)")
        #expect(seen.screen.split(separator: "\n").filter { $0.contains("nothing valid: \(fault)") }.count == 1)
        for limit in [
            "CVL charge voltage limit             -", "CCL charge current limit             -",
            "DCL discharge current limit          -", "- V   - A", "charging unknown",
        ] {
            #expect(seen.screen.contains(limit), "\(limit) in \(seen.screen)")
        }
        for number in ["online", "54.88", "12.5", "53.0", "57 %", "3.30", "permitted"] {
            #expect(!seen.screen.contains(number), "\(number) in \(seen.screen)")
        }
    }

    @Test("documents of a dead bridge are not shown once the broker calls it offline")
    func bridgeOffline() {
        var model = model()
        #expect(seen(model, 3).screen.contains("54.88 V"))
        model.take(topic: "bms/bridge/status", payload: Array("offline".utf8), at: Self.after(4))
        expectNothing(seen(model, 9), "bridge offline since \(Self.clock(4))")
        model.take(topic: "bms/bridge/status", payload: Array("online".utf8), at: Self.after(12))
        #expect(seen(model, 12).screen.contains("54.88 V"))
    }

    @Test("a retained status may be older than its receipt")
    func retainedOffline() {
        var model = model([])
        for (topic, text) in [("bms/bridge/status", "offline"), ("bms/shed/status", "online")] {
            model.take(topic: topic, payload: Array(text.utf8), isRetained: true, at: Self.start)
        }
        expectNothing(seen(model, 1), "bridge offline since \(Self.clock(0)) or earlier")
    }

    @Test("an offline pack shows dashes and the reason that the bridge gives")
    func packOffline() {
        var model = model()
        model.take(topic: "bms/shed/status", payload: Array("offline".utf8), at: Self.after(10))
        model.take(
            topic: "bms/shed/limits", payload: Array(#"{"ccl":0,"reasons":{"ccl":"no good frame for 10 s"}}"#.utf8),
            at: Self.after(10))
        expectNothing(seen(model, 11), "offline since \(Self.clock(10)): no good frame for 10 s")
    }

    @Test("limits are valid for 30 s after their receipt, connected or not, and no longer than their expiry")
    func expired() {
        let model = model()
        #expect(seen(model, 29).line.contains("CCL 12.5 A"))
        expectNothing(seen(model, 30), "no limits since \(Self.clock(30))")
        var short = self.model()
        short.take(topic: "bms/shed/limits", payload: Array(#"{"ccl":12.5}"#.utf8), expiry: 7, at: Self.start)
        #expect(seen(short, 6).line.contains("CCL 12.5 A"))
        expectNothing(seen(short, 7), "no limits since \(Self.clock(7))")
    }

    @Test("expired measurements are dashes while limits are valid")
    func stateExpired() {
        var model = model()
        model.take(topic: "bms/shed/limits", payload: Array(#"{"ccl":12.5}"#.utf8), at: Self.after(25))
        let seen = seen(model, 35)
        #expect(seen.line.contains("CCL 12.5 A") && seen.line.contains("- V - A SoC - %"), "\(seen.line)")
    }

    @Test(
        "limits that were held back are old by their own time, except those of a demo",
        arguments: [true, false])
    func heldBack(_ judgesTime: Bool) {
        var model = ReaderModel(base: "bms", judgesTime: judgesTime)
        for (topic, text) in Self.documents { model.take(topic: topic, payload: Array(text.utf8), at: Self.start) }
        func limits(_ age: Int64) {
            let time = (Self.start.wall - age * 1000) / 1000
            model.take(topic: "bms/shed/limits", payload: Array("{\"ccl\":12.5,\"time\":\(time)}".utf8), at: Self.start)
        }
        limits(30)
        #expect(seen(model, 0).line.contains("CCL 12.5 A"))
        limits(120)
        #expect(seen(model, 0).line.contains("120 s ago") == judgesTime)
        #expect(seen(model, 0).line.contains("CCL 12.5 A") == !judgesTime)
    }

    @Test("a pack with a cleared status is removed")
    func cleared() {
        var model = model()
        model.take(topic: "bms/shed/status", payload: [], at: Self.after(1))
        #expect(model.packs.isEmpty)
    }

    @Test("with one pack asked for, the names of other packs are known, but not shown")
    func others() {
        let model = model(Self.documents + [("bms/barn/status", "online")], only: "nope")
        #expect(model.packs.isEmpty)
        #expect(model.others == ["barn", "shed"])
    }

    @Test("settings are in force while bridge and pack are online, and unknown before both statuses came")
    func settings() {
        var settings = RetainedSettings(base: "bms", pack: "shed")
        func take(_ topic: String, _ text: String) {
            settings.take("bms/\(topic)", Array(text.utf8), isRetained: true, wall: Self.start.wall)
        }
        take("shed/settings", "{}")
        take("shed/status", "online")
        #expect(settings.verdict == nil)
        take("bridge/status", "online")
        #expect(settings.verdict == RetainedSettings.Verdict())
        take("shed/status", "offline")
        #expect(settings.verdict?.fault?.hasPrefix("pack 'shed' offline since \(Self.clock(0)) or earlier") == true)
        take("bridge/status", "offline")
        #expect(settings.verdict?.fault?.hasPrefix("bridge offline since \(Self.clock(0)) or earlier") == true)
    }

    private func screen(_ columns: Int = 120, _ rows: Int = 40) -> MonitorScreen {
        MonitorScreen(columns: columns, rows: rows, isUnicode: false, hasColour: false)
    }

    @Test("pack, limits with reasons, permissions, alarms, cells and the last event are on the screen")
    func everything() {
        let text = screen().lines(model(), footer: ["press Ctrl-C"], at: Self.start).joined(separator: "\n")
        for part in [
            "Shed   online   bulk", "53.00 V   -4.3 A   -225 W   SoC 57 %", "CVL charge voltage limit       54.88 V",
            "CCL charge current limit        12.5 A  coldest cell 3 at 4.0 °C",
            "charging permitted, discharging NOT permitted",
            "ALARM: Low state of charge", "3.300 V (1) to 3.450 V (2), 150 mV apart, 1 balancing (*)",
            "1 3.300  ..........",
            "2 3.450* ##########", "event: good frames come", "press Ctrl-C", "- °C",
        ] { #expect(text.contains(part), "\(part) in \(text)") }
    }

    /// A bank of two packs, one of them with alarms and a relay.
    private func bank() -> ReaderModel {
        let alarms =
            #""Alarms":{"LowCellVoltage":2,"LowTemperature":1,"CellImbalance":1,"BmsCable":1,"Relay":2,"Alarm":2}"#
        let limits =
            #"{"cvl":54.88,"ccl":12.5,"dcl":100,"reasons":{"ccl":"a reason that is long enough to fill two lines of a window that is narrow"}}"#
        let relay = #""reason":"charging is permitted""#
        return model([
            ("bms/bridge/status", "online"), ("bms/house/status", "online"), ("bms/attic/status", "online"),
            ("bms/cellar/status", "online"), ("bms/house/state", #"{"ProductName":"123\\SmartBMS bank","Soc":55}"#),
            ("bms/attic/state", "{\"Soc\":50,\(alarms)}"), ("bms/cellar/state", #"{"Soc":60}"#),
            ("bms/house/limits", limits), ("bms/attic/limits", limits), ("bms/cellar/limits", limits),
            ("bms/attic/relays", "{\"charger\":{\"closed\":true,\"readBack\":false,\"alarm\":true,\(relay)}}"),
        ])
    }

    @Test("A bank is listed first and shown at first, and keys go through the list and around it")
    func bankFirst() {
        let model = bank()
        #expect(model.sorted.map(\.id) == ["house", "attic", "cellar"])
        let lines = screen().lines(model, footer: [], at: Self.start)
        #expect(lines[0].hasPrefix("> house") && lines.contains { $0.hasPrefix("house   online") })
        #expect(model.neighbour(of: nil, 1) == "attic" && model.neighbour(of: "house", -1) == "cellar")
        #expect(model.neighbour(of: "cellar", 1) == "house" && model.neighbour(of: "gone", 1) == "attic")
        let other = screen().lines(model, selected: "cellar", footer: [], at: Self.start)
        #expect(other.contains { $0.hasPrefix("> cellar") } && other.contains { $0.hasPrefix("cellar   online") })
    }

    @Test("Alarms are whole at any width, in the list and on the page", arguments: [40, 60, 80, 200])
    func wholeAlarms(_ columns: Int) {
        let lines = screen(columns, 60).lines(bank(), selected: "attic", footer: [], at: Self.start)
        #expect(lines.allSatisfy { $0.count <= columns })
        let text = lines.joined(separator: " ").split(separator: " ").joined(separator: " ")
        for alarm in ["Low cell voltage", "Low temperature", "Cell imbalance"] {
            #expect(text.ranges(of: alarm).count >= 2, "\(alarm) in \(text)")
        }
    }

    @Test("A relay is shown with its position and reason, and one that does not follow says so")
    func relay() {
        let text = screen().lines(bank(), selected: "attic", footer: [], at: Self.start).joined(separator: "\n")
        #expect(text.contains("relay charger open, does NOT follow: charging is permitted"))
    }

    @Test("Hundreds of batteries are listed around the chosen one, with its place")
    func many() {
        var model = ReaderModel(base: "bms")
        model.take(topic: "bms/bridge/status", payload: Array("online".utf8), at: Self.start)
        for number in 100..<400 {
            model.take(topic: "bms/p\(number)/status", payload: Array("online".utf8), at: Self.start)
        }
        let lines = screen(80, 24).lines(model, selected: "p300", footer: [], at: Self.start)
        #expect(lines.count <= 24 && lines.contains { $0.hasPrefix("> p300") } && lines.contains("  201 of 300"))
    }

    @Test("The last minutes are a line for each value, one sample in ten seconds, none older than ten minutes")
    func history() {
        var model = model()
        for second in stride(from: Int64(0), through: 1200, by: 5) {
            let now = Self.after(second)
            model.take(topic: "bms/shed/limits", payload: Array(#"{"ccl":12.5,"dcl":0,"cvl":54.88}"#.utf8), at: now)
            model.take(topic: "bms/shed/state", payload: Array("{\"Dc\":{\"Power\":\(second)}}".utf8), at: now)
        }
        let values = model.packs["shed"]?.history.values(.power).compactMap(\.self) ?? []
        #expect(values.count == 61 && values.first == 600 && values.last == 1200)
        let text = screen().lines(model, footer: [], at: Self.after(1200)).joined(separator: "\n")
        #expect(text.contains("the last 10 minutes:") && text.contains("600 to 1200 W") && text.contains(" 12.5 A"))
    }

    @Test(
        "Keys of a terminal are understood, and others are ignored",
        arguments: [
            ("q", [Key.quit]), ("\t", [.next]), ("\u{1B}[A\u{1B}[B", [.previous, .next]), ("\u{1B}OC", [.next]),
            ("\u{1B}[Z", [.previous]), ("x1é\u{1B}", []), ("\u{1B}[", []), ("Q", [.quit]),
        ])
    func keys(_ text: String, _ keys: [Key]) { #expect(Key.parse(Array(text.utf8)) == keys) }

    @Test("A long word is broken, and no part of a text is lost", arguments: [4, 7, 20])
    func wrapping(_ width: Int) {
        let text = "a bb ccc dddd eeeeeeeeeeeeeeeeeeeeeeeeeeee f"
        let lines = StyledText.wrap(text, width)
        #expect(lines.allSatisfy { $0.count <= width })
        #expect(lines.joined().filter { $0 != " " } == text.filter { $0 != " " })
    }

    @Test("no line or row exceeds a small window", arguments: [(20, 5), (1, 1), (80, 3)])
    func small(_ columns: Int, _ rows: Int) {
        let lines = screen(columns, rows).lines(model(), footer: ["foot"], at: Self.start)
        #expect(lines.count <= rows)
        #expect(lines.allSatisfy { $0.count <= columns })
    }

    @Test("the content of a document cannot move the cursor", arguments: [true, false])
    func escape(_ hasColour: Bool) {
        let evil = [
            ("bms/bridge/status", "online"), ("bms/shed/status", "online"), ("bms/shed/limits", "{}"),
            ("bms/shed/state", "{\"CustomName\":\"\\u001b[2JShed\\u009b1A\",\"Info\":{\"ChargeMode\":\"x\\r\\ny\"}}"),
        ]
        var view = screen()
        view.hasColour = hasColour
        let text = view.lines(model(evil), footer: [], at: Self.start).joined()
        #expect(text.contains("[2JShed1A"))
        #expect(!text.contains("\u{1B}[2J") && !text.contains("\u{9B}") && !text.contains("\r"))
        #expect(seen(model(evil), 0).line.contains("xy"))
        // Without a document, too, status and id are texts from outside.
        let early = model([("bms/bridge/status", "online"), ("bms/shed/status", "on\u{1B}[31m\u{9B}1m\u{202E}\r\n")])
        #expect(seen(early, 0).line == "shed: nothing valid: on[31m1m since \(Self.clock(0))")
    }

    @Test("huge numbers, other layouts and other packs do no harm")
    func hostile() {
        let absurd = #"{"Soc":1e300,"Dc":{"Voltage":"x","Current":-1e99},"Info":[],"Alarms":3}"#
        let seen = model([
            ("bms/bridge/status", "online"), ("bms/shed/status", "online"), ("bms/shed/state", absurd),
            ("bms/shed/limits", "not JSON"), ("bms/a/b/c", "1"), ("other/shed/state", "{}"),
        ])
        #expect(seen.packs.count == 1)
        #expect(screen().lines(seen, footer: [], at: Self.start).joined().contains("- V"))
        var many = ReaderModel(base: "bms")
        for number in 0..<2000 { many.take(topic: "bms/p\(number)/status", payload: [49], at: Self.start) }
        #expect(many.packs.count == 1000)
    }

    @Test("without a pack the screen names the topic that it reads")
    func empty() {
        #expect(
            screen().lines(model([]), footer: [], at: Self.start).first == "bridge unknown, no pack seen yet under bms/"
        )
    }
}

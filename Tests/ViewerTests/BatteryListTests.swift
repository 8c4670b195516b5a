import JSON
import TestThreads
import Testing

@testable import Viewer

@Suite("What a page is told", .calculates)
struct BatteryListTests {
    private static let start = ReaderModel.Instant(monotonic: 300_000, wall: 1_795_246_192_000)
    private static let broker = BatteryList.Broker(since: 1_795_246_000_000)

    private static func after(_ seconds: Int64) -> ReaderModel.Instant {
        ReaderModel.Instant(monotonic: start.monotonic + seconds * 1000, wall: start.wall + seconds * 1000)
    }

    private static let documents = [
        ("bms/bridge/status", "online"), ("bms/shed/status", "online"),
        (
            "bms/shed/state",
            #"{"CustomName":"Shed","Soc":57,"Dc":{"Voltage":53.0,"Current":-4.25,"Power":-225},"Alarms":{"Alarm":1},"ToDo":{"Count":2}}"#
        ),
        (
            "bms/shed/limits",
            #"{"cvl":54.88,"ccl":12.5,"dcl":0,"chargeState":"bulk","reasons":{"ccl":"no good frame for 14 s"},"time":1795246192.0}"#
        ),
        ("bms/shed/cells", #"{"Voltages":{"Cell1":3.3}}"#),
        ("bms/shed/settings", #"{"maxSoc":{"value":90}}"#),
        ("bms/shed/event", #"{"event":"alarm","text":"first","time":1795246190.5}"#),
        ("bms/shed/event", #"{"event":"alarm","text":"second \"quoted\"","time":1795246191}"#),
    ]

    /// Bytes of memory.
    private static let room = 2 << 20

    private func model(_ documents: [(String, String)] = Self.documents) -> ReaderModel {
        var model = ReaderModel(base: "bms", readsSettings: true, mostEvents: 2, room: Self.room)
        for (topic, text) in documents { take(topic, text, &model) }
        return model
    }

    private func take(_ topic: String, _ text: String, _ model: inout ReaderModel, at now: ReaderModel.Instant = start)
    {
        model.take(topic: topic, payload: Array(text.utf8), at: now)
    }

    private func row(_ model: ReaderModel, _ seconds: Int64 = 0) throws -> BatteryRow {
        BatteryRow("shed", try #require(model.packs["shed"]), model, at: Self.after(seconds))
    }

    @Test("a live battery has its values")
    func live() throws {
        let row = try row(model())
        #expect(row.status == .live && row.text == nil && row.name == "Shed")
        #expect(row.soc == 57 && row.voltage == 53 && row.current == -4.25 && row.power == -225)
        #expect(row.cvl == 54.88 && row.ccl == 12.5 && row.dcl == 0 && row.chargeState == "bulk")
        #expect(row.alarm == 1 && row.toDo == 2)
    }

    @Test("a silent battery has no values, and the limits that its bridge asks for")
    func stale() throws {
        var model = model()
        take("bms/shed/status", "offline", &model)
        let row = try row(model, 5)
        #expect(row.status == .stale && row.text == "no good frame for 14 s" && row.since == Self.start.wall)
        #expect(row.soc == nil && row.voltage == nil && row.alarm == nil)
        #expect(row.ccl == 12.5 && row.chargeState == "bulk")
    }

    @Test("without a bridge nothing is valid, limits included; so after 30 s without limits")
    func dead() throws {
        var model = model()
        take("bms/bridge/status", "offline", &model, at: Self.after(3))
        let offline = try row(model, 4)
        #expect(offline.status == .offline && offline.ccl == nil && offline.soc == nil)
        #expect(offline.since == Self.after(3).wall && offline.text == "the bridge is offline")
        let old = try row(self.model(), 31)
        #expect(old.status == .stale && old.ccl == nil && old.soc == nil)
        #expect(try row(self.model([("bms/shed/status", "online")])).status == .unknown)
    }

    @Test("nobody knows since when a retained status holds")
    func retained() throws {
        var model = ReaderModel(base: "bms")
        for (topic, text) in [("bms/bridge/status", "online"), ("bms/shed/status", "offline")] {
            model.take(topic: topic, payload: Array(text.utf8), isRetained: true, at: Self.start)
        }
        #expect(try row(model).since == nil && model.bridge?.began == nil)
        take("bms/shed/status", "online", &model, at: Self.after(1))
        take("bms/shed/status", "offline", &model, at: Self.after(2))
        #expect(try row(model, 3).since == Self.after(2).wall)
        take("bms/bridge/status", "offline", &model, at: Self.after(4))
        let list = BatteryList.json(model, Self.broker, at: Self.after(5))
        #expect(JSONValue(parsing: list)?["bridge.since"]?.number == Double(Self.after(4).wall) / 1000)
    }

    @Test("limits that were held back have a sentence that stays the same, and no time")
    func heldBack() throws {
        let late = Self.documents.map { ($0, $1.replacing("1795246192.0", with: "1795246102.0")) }
        let rows = try [0, 5].map { try row(model(late), $0) }
        #expect(rows[0] == rows[1] && rows[0].status == .stale && rows[0].since == nil && rows[0].ccl == nil)
        #expect(rows[0].text?.contains("one of the two clocks is wrong") == true)
    }

    @Test("details are the documents that are valid, as they came, and the newest events")
    func details() throws {
        var model = model()
        func details(_ seconds: Int64) throws -> JSONValue {
            let pack = try #require(model.packs["shed"])
            return try #require(JSONValue(parsing: BatteryDetails.json("shed", pack, model, at: Self.after(seconds))))
        }
        var value = try details(0)
        #expect(value["documents.state.Soc"]?.number == 57 && value["documents.cells.Voltages.Cell1"]?.number == 3.3)
        #expect(value["documents.settings.maxSoc.value"]?.number == 90 && value["documents.relays"] == .null)
        #expect(value["events"]?.array?.compactMap { $0["text"]?.text } == ["second \"quoted\"", "first"])
        #expect(value["row.status"]?.text == "live")
        take("bms/shed/status", "offline", &model)
        value = try details(5)
        #expect(value["documents.state"] == .null && value["documents.cells"] == .null)
        #expect(value["documents.limits.ccl"]?.number == 12.5)
        take("bms/bridge/status", "offline", &model)
        value = try details(5)
        #expect(value["documents.limits"] == .null && value["documents.settings"] == .null)
    }

    @Test("only what has changed is told, and what is gone")
    func changes() {
        var (list, model) = (BatteryList(), model())
        let first = list.changes(model, Self.broker, at: Self.start)
        #expect(JSONValue(parsing: first?.all ?? [])?["batteries"]?.array?.count == 1)
        #expect(list.changes(model, Self.broker, at: Self.after(1)) == nil)
        take("bms/barn/status", "online", &model)
        let second = list.changes(model, Self.broker, at: Self.after(1))
        #expect(JSONValue(parsing: second?.all ?? [])?["batteries"]?.array?.compactMap { $0["id"]?.text } == ["barn"])
        take("bms/barn/status", "", &model)
        let third = list.changes(model, Self.broker, at: Self.after(2))
        #expect(JSONValue(parsing: third?.all ?? [])?["removed"]?.array == [.text("barn")])
        #expect(second?.each.map(\.battery) == ["barn"] && third?.each.map(\.battery) == ["barn"])
        var lost = Self.broker
        (lost.isConnected, lost.text) = (true, nil)
        #expect(list.changes(model, lost, at: Self.after(2)) != nil)
    }

    @Test("hostile documents fill a bounded memory, and real ones are taken again when there is room")
    func bytes() {
        var model = model()
        // 2 kB of text, and fifty times as much in memory.
        let large = "[" + String(repeating: "0,", count: 1_000) + "0]"
        for number in 0..<40 {
            take("bms/p\(number)/status", "online", &model)
            take("bms/p\(number)/settings", large, &model)
        }
        func total() -> Int { model.packs.values.reduce(0) { $0 + $1.size } }
        #expect(total() <= Self.room && total() > Self.room - (200 << 10))
        take("bms/shed/state", #"{"CustomName":"Shed","Soc":58}"#, &model)
        for number in 0..<40 { take("bms/p\(number)/status", "", &model) }
        take("bms/late/settings", large, &model)
        #expect(model.packs["late"]?.settings != nil && model.packs["p0"] == nil)
    }

    @Test("documents that have ended, and batteries for which nobody speaks, make room")
    func room() throws {
        var model = model()
        let large = "[" + String(repeating: "0,", count: 1_000) + "0]"
        for number in 0..<40 { take("bms/p\(number)/cells", large, &model) }
        let before = model.packs.count
        let fits = model.take(topic: "bms/barn/cells", payload: Array(large.utf8), at: Self.after(1))
        #expect(!fits && model.packs["barn"] == nil)
        let fitsLater = model.take(topic: "bms/barn/cells", payload: Array(large.utf8), at: Self.after(91))
        #expect(fitsLater && model.packs.count < before && model.packs["p0"] == nil)
        let view = model.view(try #require(model.packs["shed"]), at: Self.after(91))
        #expect(view.fault == .limitsEnded(at: Self.start.wall + 30_000))
        for number in 0..<1_100 { take("bms/invented\(number)/event", #"{"text":"x"}"#, &model, at: Self.after(100)) }
        #expect(model.packs.count <= 1_000)
        take("bms/real/status", "online", &model, at: Self.after(102))
        #expect(model.packs["real"] != nil && model.packs["shed"] != nil && model.packs.count < 200)
    }

    @Test("events are a part of the memory that is bounded")
    func eventMemory() {
        var model = ReaderModel(base: "bms", mostEvents: 50, room: Self.room)
        let long = String(repeating: "x", count: 4_000)
        for number in 0..<30 {
            for _ in 0..<50 { take("bms/p\(number)/event", #"{"text":"\#(long)"}"#, &model) }
        }
        #expect(model.packs.values.reduce(0) { $0 + $1.size } <= Self.room)
    }

    @Test("a time beyond all calendars is none")
    func hugeTime() {
        var model = model()
        take("bms/shed/event", #"{"event":"a","text":"b","time":1e300}"#, &model)
        #expect(model.packs["shed"]?.events.first.map { $0.time == nil && $0.text == "b" } == true)
    }

    @Test("details and news of documents say for how long they hold, and are on one line")
    func holds() throws {
        var model = model()
        model.take(
            topic: "bms/shed/state", payload: Array("{\"Soc\":\r\n57}".utf8), expiry: 12, at: Self.after(2))
        let pack = try #require(model.packs["shed"])
        let details = BatteryDetails.json("shed", pack, model, at: Self.after(5))
        let value = try #require(JSONValue(parsing: details))
        #expect(value["holds.state"]?.number == 9 && value["holds.limits"]?.number == 25)
        #expect(value["holds.cells"]?.number == 85 && value["holds.settings"] == .null)
        let news = BatteryDetails.news("shed", "state", pack, model, at: Self.after(5))
        #expect(JSONValue(parsing: news)?["holds"]?.number == 9 && !news.contains(10) && !details.contains(13))
        let ended = BatteryDetails.news("shed", "state", pack, model, at: Self.after(15))
        #expect(JSONValue(parsing: ended)?["document"] == .null && JSONValue(parsing: ended)?["holds"] == .null)
    }

    @Test("who looks at a bank gets the packs that its limits name")
    func members() {
        var (list, model) = (BatteryList(), model())
        for (topic, text) in [
            ("house/status", "online"), ("house/state", #"{"ProductName":"123\\SmartBMS bank"}"#),
            (
                "house/limits",
                #"{"ccl":1,"constraints":[{"name":"cellRating:shed"},{"name":"tail:gone"},{"name":"userCap"},{"name":7}]}"#
            ), ("barn/status", "online"),
        ] { take("bms/\(topic)", text, &model) }
        func ids(_ bytes: [UInt8]) -> [String] {
            JSONValue(parsing: bytes)?["batteries"]?.array?.compactMap { $0["id"]?.text } ?? []
        }
        #expect(ids(BatteryList.json(model, Self.broker, only: "house", at: Self.start)) == ["house", "shed"])
        #expect(ids(BatteryList.json(model, Self.broker, only: "shed", at: Self.start)) == ["shed"])
        _ = list.changes(model, Self.broker, at: Self.start)
        take("bms/shed/state", #"{"Soc":58}"#, &model)
        let changes = list.changes(model, Self.broker, at: Self.start)
        #expect(changes?.each.map { "\($0.battery) \(ids($0.data))" } == [#"shed ["shed"]"#, #"house ["shed"]"#])
    }

    @Test("names and events are cut or left out")
    func long() {
        var model = model()
        let long = String(repeating: "x", count: 5_000)
        take("bms/shed/state", #"{"CustomName":"\#(long)"}"#, &model)
        take("bms/shed/event", #"{"event":"alarm","text":"\#(long)"}"#, &model)
        #expect(model.packs["shed"]?.name?.count == 64 && model.packs["shed"]?.events.count == 2)
    }

    @Test("words and sentences of a row are cut, however they are composed")
    func longWords() throws {
        // One character for people, and a thousand in memory.
        let long = "x" + String(repeating: "\u{301}", count: 1_000)
        var model = model()
        take("bms/shed/limits", #"{"ccl":1,"chargeState":"\#(long)","reasons":{"ccl":"\#(long)"}}"#, &model)
        #expect(try row(model).chargeState?.unicodeScalars.count == 64)
        let shed = try #require(model.packs["shed"])
        #expect(model.view(shed, at: Self.start).mode.unicodeScalars.count == 64)
        take("bms/shed/status", "offline", &model)
        #expect(try row(model).text?.unicodeScalars.count == 200)
    }

    @Test("a battery whose id no bridge has is none")
    func ids() {
        var model = model()
        let longest = String(repeating: "x", count: 64)
        for id in [longest, longest + "x", "\u{E9}" + longest.dropLast(), "", "a b", "a\u{1}", "a\u{7F}", "garage"] {
            take("bms/\(id)/status", "online", &model)
        }
        #expect(model.packs.keys.sorted() == ["garage", "shed", longest])
        var one = ReaderModel(base: "bms", only: "shed")
        take("bms/\(longest)x/status", "online", &one)
        take("bms/garage/status", "online", &one)
        #expect(one.others == ["garage"])
    }
}

@Suite("The plan of the page's program")
struct WebPlanTests {
    @Test("a plan is read as it was written, whatever its texts hold")
    func roundTrip() {
        var plan = WebPlan()
        #expect(WebPlan(text: plan.text) == plan)
        (plan.host, plan.port, plan.username, plan.password) = ("b \"q\" é", 8883, "u", "p\\\n\u{1}#'")
        (plan.usesTLS, plan.caFile, plan.names, plan.folder) = (true, "/a", ["x.lan", "y"], "/var/lib/x")
        (plan.pagePassword, plan.readsFreely, plan.megabytes, plan.language) = ("geheim", false, 5, "de")
        plan.export = WebPlan.Export(battery: "garage", from: 1.5, to: 2e9, level: 60)
        #expect(WebPlan(text: plan.text) == plan)
        #expect(WebPlan(text: "") == nil && WebPlan(text: "{}") == nil)
    }
}

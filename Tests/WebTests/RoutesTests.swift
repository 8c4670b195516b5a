import BMSCore
import BatteryEngine
@testable import HTTPServer
import HistoryData
import JSON
import LinuxIO
import MQTT
import MQTTBridge
import Mosquitto
import PackSimulator
import Rehearsal
import TestSupport
import TestThreads
import Testing
import Viewer

@testable import History
@testable import bms_mqtt_web

@Suite("Addresses of the page", .calculates)
struct RoutesTests {
    private static let state = #"""
        {"CustomName":"Shed","Soc":57,"Dc":{"Voltage":53.0,"Current":-4.25,"Power":-225},"System":{"MinCellVoltage":3.301},
        "Energy":{"InToday":1.25,"OutToday":0.5},"Alarms":{"Alarm":0}}
        """#

    /// Routes over what a broker has said.
    private func routes(_ more: [(String, String)] = []) -> Routes {
        let state = WebState(base: "bms", at: 0)
        state.connected(at: .now)
        let messages = [
            ("bridge/status", "online"), ("shed/status", "online"), ("shed/state", Self.state),
            (
                "shed/limits",
                #"{"cvl":54.88,"ccl":12.5,"dcl":80.0,"names":{"ccl":"tail"},"reasons":{"ccl":"it is cold"}}"#
            ),
            ("shed/cells", #"{"Voltages":{"Cell1":3.301,"Cell2":null,"Cell3":3.4},"Temperatures":{"Cell1":20.5}}"#),
        ]
        for (topic, text) in messages + more { _ = state.take(MQTTMessage("bms/\(topic)", Array(text.utf8)), at: .now) }
        return Routes(
            state: state, history: nil, language: "en", access: PageAccess(password: nil, readsFreely: true),
            desk: CommandDesk(base: "bms") { _ in .notConnected })
    }

    private func get(_ routes: Routes, _ path: String, _ query: [String: String] = [:]) -> HTTPAnswer {
        routes.answer(HTTPRequest(method: .get, path: path, query: query, headers: [:], peer: "127.0.0.1"))
    }

    private func json(_ answer: HTTPAnswer) -> JSONValue? {
        guard case .bytes(let bytes) = answer.content else { return nil }
        return JSONValue(parsing: bytes)
    }

    @Test("the page's files are in the program", arguments: ["", "index.html", "app.js", "style.css", "icon.svg"])
    func files(path: String) {
        let answer = get(routes(), path)
        #expect(answer.status == 200)
        guard case .bytes(let bytes) = answer.content else { return #expect(Bool(false)) }
        #expect(bytes.count > 100)
    }

    @Test("the list, a battery and the words are JSON by the documents")
    func documents() {
        let routes = routes()
        let list = json(get(routes, "api/batteries"))
        #expect(list?["batteries"]?.array?.first?["soc"]?.number == 57 && list?["commands.allowed"] == .flag(false))
        let shed = json(get(routes, "api/batteries/shed"))
        #expect(shed?["documents.limits.ccl"]?.number == 12.5 && shed?["row.status"]?.text == "live")
        #expect(json(get(routes, "api/words", ["language": "de"]))?["words.To do"]?.text == "Zu tun")
        #expect(json(get(routes, "api/words", ["language": "x"]))?["language"]?.text == "en")
        guard case .bytes(let text) = get(routes, "metrics").content else { return #expect(Bool(false)) }
        let metrics = String(decoding: text, as: UTF8.self)
        #expect(metrics.contains("bms_soc_ratio{pack=\"shed\"} 0.57") && metrics.contains("bms_broker_connected "))
    }

    @Test("metrics have broker and bridge as 0 before the first word of either, and without a connection")
    func gone() {
        let state = WebState(base: "bms", at: 0)
        func lines() -> [Substring] { state.metrics(at: .now).split(separator: "\n").filter { !$0.hasPrefix("#") } }
        #expect(lines() == ["bms_broker_connected 0", "bms_bridge_online 0"])
        state.connected(at: .now)
        #expect(lines() == ["bms_broker_connected 1", "bms_bridge_online 0"])
        _ = state.take(MQTTMessage("bms/bridge/status", Array("online".utf8)), at: .now)
        #expect(lines() == ["bms_broker_connected 1", "bms_bridge_online 1"])
        state.disconnected("the broker is gone", at: .now)
        #expect(lines() == ["bms_broker_connected 0", "bms_bridge_online 0"])
    }

    @Test(
        "what is not there is said in a sentence",
        arguments: [
            ("nothing", 404), ("api/nothing/x", 404), ("api/batteries/none", 404), ("api/history/shed", 404),
            ("api", 404),
            ("app.js/x", 404),
        ])
    func missing(path: String, status: Int) {
        let answer = get(routes(), path)
        #expect(answer.status == status && json(answer)?["error"]?.text != nil)
    }

    @Test(
        "what cannot be in a question for the history is named",
        arguments: [
            ("from", "yesterday", "from: expected seconds since 1970, found 'yesterday'"), ("to", "inf", "found 'inf'"),
            ("points", "0", "points: expected a whole number, 1 to 2000"), ("points", "1.5", "found '1.5'"),
            ("series", "soc,sock", "series: expected some of soc,"), ("series", "", "found ''"),
            ("series", "\u{202e}", "found ''"),
        ])
    func question(name: String, value: String, sentence: String) throws {
        let history = History("/nonexistent/history.sqlite")
        let answer = try #require(HistoryQuestion("series", history, "shed", [name: value]).refusal)
        let text = json(answer)?["error"]?.text ?? ""
        #expect(answer.status == 400 && text.contains(sentence), "\(text)")
    }

    @Test("a page that other machines reach goes by the names of its own machine, and a local one does not")
    func hostNames() {
        var plan = WebPlan()
        plan.names = ["Batteries.lan"]
        #expect(plan.page.hostNames == ["batteries.lan"])
        plan.address = "0.0.0.0"
        #expect(plan.page.hostNames == HostName.inNetwork(HostName.ofMachine).union(["batteries.lan"]))
    }

    @Test("behind a further name, as of a reverse proxy, one address has a larger share, and still not all")
    func proxy() {
        let direct = WebPlan().page
        var plan = WebPlan()
        plan.names = ["batteries.lan"]
        let proxied = plan.page
        #expect(direct.connectionsPerAddress == 16 && proxied.connectionsPerAddress == 40)
        #expect(proxied.connectionsPerNetwork < proxied.connections - proxied.connectionsForLoopback)
        #expect(direct.streamsPerNetwork < proxied.streamsPerNetwork)
        #expect(proxied.streamsPerNetwork < proxied.streams - proxied.streamsForLoopback)
        #expect(proxied.answerBytesPerNetwork < proxied.answerBytes)
    }

    @Test("nothing can be done where there is no password")
    func post() {
        for (path, status) in [
            ("api/batteries", 404), ("login", 403), ("api/batteries/shed/settings", 403), ("metrics", 404),
        ] {
            let request = HTTPRequest(
                method: .post, path: path, query: [:], headers: ["content-type": "application/json"],
                body: Array(#"{"setting":"republish","value":"ON","password":""}"#.utf8), peer: "127.0.0.1")
            #expect(routes().answer(request).status == status, "\(path)")
        }
    }

    @Test("a battery's stream begins with its row, and the list's with all")
    func streams() throws {
        let routes = routes([("barn/status", "online")])
        for (query, count) in [([:], 2), (["battery": "shed"], 1)] {
            guard case .events(_, _, let first) = get(routes, "events", query).content else {
                return #expect(Bool(false))
            }
            let text = String(decoding: first(), as: UTF8.self)
            let data = try #require(text.split(separator: "\n").first { $0.hasPrefix("data: ") })
            #expect(JSONValue(parsing: Array(data.dropFirst(6).utf8))?["batteries"]?.array?.count == count)
        }
        #expect(get(routes, "events", ["battery": "none"]).status == 404)
        routes.state.disconnected("it is down", at: .now)
        #expect(get(routes, "events", ["battery": "none"]).status == 503, "nobody can know")
    }

    @Test("messages become news for browsers and samples for the history, and nothing else does")
    func news() throws {
        let state = WebState(base: "bms", at: 0)
        func take(_ topic: String, _ text: String) -> WebState.News? {
            state.take(MQTTMessage("bms/\(topic)", Array(text.utf8)), at: .now)
        }
        #expect(take("bridge/status", "online") == nil && take("shed/status", "online") == nil)
        #expect(take("shed/unknown", "x") == nil && take("elsewhere", "x") == nil)
        let limits = try #require(take("shed/limits", #"{"ccl":12.5,"names":{"ccl":"tail"},"reasons":{"ccl":"cold"}}"#))
        let changes = HistoryIntake.changes(limits.limits, at: 1)
        #expect(changes.map(\.limit) == ["cvl", "ccl", "dcl"] && changes[1].value == 12.5 && changes[1].name == "tail")
        _ = take("shed/cells", #"{"Voltages":{"Cell1":3.301,"Cell2":null,"Cell3":3.4}}"#)
        let news = try #require(take("shed/state", Self.state))
        let sample = try #require(HistoryIntake.sample(news.view, at: 1))
        #expect(sample.values[.soc] == 57 && sample.values[.ccl] == 12.5 && sample.values[.dcl] == nil)
        #expect(sample.cells == [3.301, nil, 3.4] && sample.energyIn == 1.25)
        var bank = news.view
        (bank.isBank, bank.state) = (true, .object(["Energy": .object(["In": .number(500), "InToday": .number(1)])]))
        let total = try #require(HistoryIntake.sample(bank, at: 1))
        #expect(total.energyIn == 1 && total.lifetimeIn == nil, "its steps are too coarse")
        #expect(news.event?.name == "document")
        let event = try #require(take("shed/event", #"{"event":"alarm","text":"hot","time":5.5}"#))
        #expect(event.event?.name == "happened")
        _ = take("shed/status", "offline")
        let silent = try #require(take("shed/state", Self.state))
        #expect(HistoryIntake.sample(silent.view, at: 2) == nil, "what is not valid is no sample")
    }

    @Test("settings that come before the bridge's status are told once it is online")
    func returned() throws {
        let state = WebState(base: "bms", at: 0)
        func take(_ topic: String, _ text: String) -> WebState.News? {
            state.take(MQTTMessage("bms/\(topic)", Array(text.utf8), retain: true), at: .now)
        }
        _ = take("shed/status", "online")
        let early = try #require(take("shed/settings", #"{"maxSoc":{"value":90}}"#)?.event)
        #expect(JSONValue(parsing: early.data)?["document"] == .null)
        #expect(state.returned(at: .now).isEmpty)
        _ = take("bridge/status", "online")
        let told = state.returned(at: .now)
        #expect(told.map(\.tag) == [Routes.tag("shed")])
        let news = told.first.flatMap { JSONValue(parsing: $0.data) }
        #expect(news?["name"]?.text == "settings" && news?["document.maxSoc.value"]?.number == 90)
        #expect(state.returned(at: .now).isEmpty, "once")
        _ = take("bridge/status", "offline")
        #expect(state.returned(at: .now).isEmpty)
        _ = take("bridge/status", "online")
        #expect(state.returned(at: .now).count == 1)
    }

    @Test("what the reader's memory does not take is no news, and a retained copy is no second sample")
    func noNews() throws {
        let state = WebState(base: "bms", at: 0)
        func take(_ topic: String, _ text: String, retain: Bool = false) -> WebState.News? {
            state.take(MQTTMessage("bms/\(topic)", Array(text.utf8), retain: retain), at: .now)
        }
        _ = take("bridge/status", "online")
        _ = take("shed/status", "online")
        _ = take("shed/limits", #"{"ccl":1}"#)
        let first = try #require(take("shed/state", Self.state, retain: true))
        let again = try #require(take("shed/state", Self.state, retain: true))
        #expect(!first.isRepeated && again.isRepeated)
        #expect(take("shed/state", Self.state)?.isRepeated == false, "the same values can come twice")
        #expect(take("shed/event", #"{"text":"one"}"#) != nil)
        for text in ["", "{}", #"{"text":"\#(String(repeating: "x", count: 5_000))"}"#] {
            #expect(take("shed/event", text) == nil)
        }
    }

    @Test("a series is told once, however often it is asked for")
    func sameSeries() throws {
        let folder = TemporaryFolder()
        let history = History("\(folder.path)/history.sqlite")
        _ = history.open()
        let names = "soc" + String(repeating: ",soc,voltage", count: 100)
        let answer = HistoryQuestion(
            "series", history, "shed", ["series": names, "from": "0", "to": "20000", "points": "2000"]
        ).answer()
        guard case .object(let lines)? = json(answer)?["series"], case .bytes(let bytes) = answer.content else {
            return #expect(Bool(false))
        }
        #expect(Set(lines.keys) == ["soc", "voltage"] && bytes.count < 100_000)
    }

    @Test("the demo's day is the same in both programs, and becomes samples, limits with reasons and a live battery")
    func rehearsal() throws {
        var (one, other) = (Rehearsal.demo(begin: 1_795_000_000_000), Rehearsal.demo(begin: 1_795_000_000_000))
        let state = WebState(base: "bms", at: 0)
        var samples: [HistorySample] = []
        var names: Set<String> = []
        func take(_ outbox: Outbox) {
            let now = ReaderModel.Instant(monotonic: one.now.monotonic.milliseconds, wall: one.now.wall)
            for message in outbox.messages {
                guard let news = state.take(message, at: now) else { continue }
                if case .document("state") = news.kind {
                    if let sample = HistoryIntake.sample(news.view, at: Double(now.wall) / 1000) {
                        samples.append(sample)
                    }
                }
                for change in HistoryIntake.changes(news.limits, at: 0) { names.insert(change.name) }
            }
        }
        take(one.bridge.connected(canExpire: true, at: one.now))
        _ = other.bridge.connected(canExpire: true, at: other.now)
        for _ in 0..<600 {
            take(one.step())
            _ = other.step()
        }
        #expect(samples.count > 50 && samples.last?.cells.count == 16 && samples.last?.values[.ccl] != nil)
        #expect(names.contains("cellRating") && one.simulator.truth.packVoltage == other.simulator.truth.packVoltage)
        let now = ReaderModel.Instant(monotonic: one.now.monotonic.milliseconds, wall: one.now.wall)
        let details = state.details("demo", at: now) { _ in }
        #expect(details.flatMap { JSONValue(parsing: $0) }?["row.status"]?.text == "live")
    }
}

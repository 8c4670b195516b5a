@testable import HTTPServer
import BMSCore
import JSON
import LinuxIO
import MQTT
import Mosquitto
import TestThreads
import Testing
import Viewer

@testable import bms_mqtt_web

/// A page with the password "open sesame" over a broker that says one live battery.
private struct Door {
    let routes: Routes
    let sent = Recorder()
    let desk: CommandDesk
    let state: WebState
    let access: PageAccess

    final class Recorder: Sendable {
        let messages = Lock<[MQTTMessage]>([])
        let outcome = Lock(PublishOutcome.queued)
    }

    init(readsFreely: Bool = true, isLive: Bool = true) {
        let state = WebState(base: "bms", at: 0)
        state.connected(at: .now)
        for (topic, text) in [
            ("bridge/status", "online"), ("shed/status", isLive ? "online" : "offline"), ("shed/limits", #"{"ccl":1}"#),
            ("shed/state", #"{"Soc":57}"#),
            (
                "shed/settings",
                #"{"maxChargeCurrent":{"value":80,"min":0,"max":100},"relay/heater":{"value":"auto"},"a+b":{},"":{},"../../shed/set/x":{},"+\u0301":{},"relay/a/b":{},"../x":{}}"#
            ),
        ] { _ = state.take(MQTTMessage("bms/\(topic)", Array(text.utf8)), at: .now) }
        let count = Lock(0)
        let sent = sent
        desk = CommandDesk(base: "bms", secret: { "mark" }) { message in
            sent.messages.withLock { $0.append(message) }
            return sent.outcome.withLock { $0 }
        }
        access = PageAccess(password: "open sesame", readsFreely: readsFreely, port: 8099) {
            count.withLock { count in
                count += 1
                return "secret\(count)"
            }
        }
        self.state = state
        routes = Routes(state: state, history: nil, language: "en", access: access, desk: desk)
    }

    func ask(
        _ path: String, post body: String? = nil, _ headers: [String: String] = [:], from peer: String = "192.0.2.1",
        of network: String? = nil, at seconds: Double = 0
    ) -> HTTPAnswer {
        var headers = headers
        if body != nil, headers["content-type"] == nil { headers["content-type"] = "application/json" }
        let request = HTTPRequest(
            method: body == nil ? .get : .post, path: path, query: [:], headers: headers,
            body: Array((body ?? "").utf8), peer: peer, address: Array(peer.utf8),
            network: Array((network ?? peer).utf8))
        return routes.answer(request, at: Timestamp(milliseconds: Int64(seconds * 1000)))
    }

    /// Headers of somebody who is logged in.
    func login(at seconds: Double = 0) -> [String: String] {
        let answer = ask("login", post: #"{"password":"open sesame"}"#, from: "\(seconds)", at: seconds)
        let cookie = answer.headers["Set-Cookie"]?.split(separator: ";").first.map(String.init) ?? ""
        let token = json(ask("session", ["cookie": cookie], at: seconds))?["token"]?.text ?? ""
        return ["cookie": cookie, "x-token": token]
    }
}

private func json(_ answer: HTTPAnswer) -> JSONValue? {
    guard case .bytes(let bytes) = answer.content else { return nil }
    return JSONValue(parsing: bytes)
}

@Suite("Who may look at the page, and who may command from it", .calculates)
struct PageAccessTests {
    @Test("the cookie of a session is of no use to scripts and other sites, and has no path")
    func cookie() {
        let door = Door()
        let answer = door.ask("login", post: #"{"password":"open sesame"}"#)
        #expect(
            answer.status == 204 && answer.headers["Set-Cookie"] == "bms-mqtt-8099=secret1; HttpOnly; SameSite=Strict")
        let secure = door.ask("login", post: #"{"password":"open sesame"}"#, ["x-forwarded-proto": "https"])
        #expect(secure.headers["Set-Cookie"]?.hasSuffix("; Secure") == true)
    }

    @Test(
        "a wrong password opens nothing",
        arguments: ["", "{}", #"{"password":"open sesam"}"#, #"{"password":7}"#, "[]"])
    func wrong(body: String) {
        let answer = Door().ask("login", post: body)
        #expect(answer.status == 403 && answer.headers["Set-Cookie"] == nil)
    }

    @Test("who guesses has to wait, and does not hold up others")
    func guessing() {
        let door = Door()
        let guess = #"{"password":"guess"}"#
        for _ in 0..<5 { #expect(door.ask("login", post: guess).status == 403) }
        let late = door.ask("login", post: #"{"password":"open sesame"}"#)
        #expect(late.status == 429 && late.headers["Retry-After"] == "10")
        #expect(door.ask("login", post: #"{"password":"open sesame"}"#, from: "192.0.2.2").status == 204)
        #expect(door.ask("login", post: #"{"password":"open sesame"}"#, at: 10).status == 204)
        for number in 0..<200 { _ = door.ask("login", post: guess, from: "2001:db8::\(number)", at: 20) }
        #expect(
            door.ask("login", post: guess, from: "192.0.2.3", at: 20).status == 429, "many addresses are one guesser")
    }

    @Test("who guesses from many addresses keeps nobody out whose address gave the password before")
    func owners() {
        let door = Door(readsFreely: false)
        let right = #"{"password":"open sesame"}"#
        #expect(door.ask("login", post: right, from: "192.0.2.9").status == 204)
        for number in 0..<300 { _ = door.ask("login", post: "{}", from: "198.51.100.\(number)", at: 1) }
        #expect(door.ask("login", post: right, from: "192.0.2.8", at: 1).status == 429)
        #expect(door.ask("login", post: right, from: "192.0.2.9", at: 1).status == 204)
        for _ in 0..<5 { _ = door.ask("login", post: "{}", from: "192.0.2.9", at: 1) }
        #expect(door.ask("login", post: right, from: "192.0.2.9", at: 1).status == 429, "but not for guessing")
    }

    @Test("in an IPv6 network, who guesses keeps nobody out whose address gave the password before")
    func neighbours() {
        let door = Door(readsFreely: false)
        let right = #"{"password":"open sesame"}"#
        func login(_ body: String, from peer: String) -> Int {
            door.ask("login", post: body, from: peer, of: "2001:db8::").status
        }
        #expect(login(right, from: "2001:db8::9") == 204)
        for number in 0..<10 { _ = login("{}", from: "2001:db8::1:\(number)") }
        #expect(login(right, from: "2001:db8::8") == 429, "one machine has all addresses of a network")
        #expect(login(right, from: "2001:db8::9") == 204)
        for _ in 0..<5 { #expect(login("{}", from: "2001:db8::9") == 403) }
        #expect(login(right, from: "2001:db8::9") == 429, "but not for guessing")
    }

    @Test("a stream of events ends with the session that opened it, and keeps the session alive until then")
    func streams() throws {
        let (door, seconds) = (Door(readsFreely: false), Lock(0.0))
        var routes = door.routes
        routes.clock = { Timestamp(milliseconds: Int64(seconds.withLock { $0 } * 1000)) }
        _ = door.ask("login", post: #"{"password":"open sesame"}"#)
        let cookie = ["cookie": "bms-mqtt-8099=secret1"]
        func opened(_ headers: [String: String]) -> (@Sendable () -> Bool)? {
            let request = HTTPRequest(
                method: .get, path: "events", query: [:], headers: headers, body: [], peer: "192.0.2.1")
            guard case .events(_, let mayGoOn, _) = routes.answer(request).content else { return { false } }
            return mayGoOn
        }
        let mayGoOn = try #require(opened(cookie))
        for hours in 1...(24 * 7 - 1) {
            seconds.withLock { $0 = Double(hours) * 3600 }
            let goesOn = mayGoOn()
            #expect(goesOn)
        }
        _ = door.ask("login", post: #"{"password":"open sesame"}"#, at: seconds.withLock { $0 })
        let other = try #require(opened(["cookie": "bms-mqtt-8099=secret3"]))
        seconds.withLock { $0 += 3600 }
        #expect(!mayGoOn(), "a week is the longest")
        #expect(other())
        _ = door.ask("logout", post: "{}", ["cookie": "bms-mqtt-8099=secret3"])
        #expect(!other())
        // The password itself has no session, and no end.
        #expect(opened(["authorization": "Bearer open sesame"]) == nil)
    }

    @Test("a password for somebody else, as a reverse proxy, is no attempt here, and the scheme has no case")
    func schemes() {
        let door = Door(readsFreely: false)
        for _ in 0..<20 { #expect(door.ask("metrics", ["authorization": "Basic b3BlbiBzZXNhbWU="]).status == 401) }
        #expect(door.ask("metrics", ["authorization": "bearer open sesame"]).status == 200)
    }

    @Test("where reading is not free, nothing but the page itself is given without the password")
    func reading() {
        let door = Door(readsFreely: false)
        for path in ["", "app.js", "style.css", "session", "api/words"] {
            #expect(door.ask(path).status == 200, "\(path)")
        }
        let closed = [
            "api/batteries", "api/batteries/shed", "api/history/shed", "events", "metrics", "api/other", "other",
        ]
        for path in closed { #expect(door.ask(path).status == 401, "\(path)") }
        #expect(json(door.ask("session"))?["mayRead"] == .flag(false))
        let session = door.login()
        for path in ["api/batteries", "events", "metrics"] { #expect(door.ask(path, session).status == 200, "\(path)") }
        let bearer = ["authorization": "Bearer open sesame"]
        #expect(door.ask("metrics", bearer).status == 200)
        for _ in 0..<50 { #expect(door.ask("metrics", bearer).status == 200, "a right password is no guess") }
        #expect(door.ask("metrics", ["authorization": "Bearer open sesam"]).status == 401)
        #expect(door.ask("metrics", ["authorization": "Basic b3BlbiBzZXNhbWU="]).status == 401)
        let command = #"{"setting":"maxChargeCurrent","value":40}"#
        #expect(door.ask("api/batteries/shed/settings", post: command, bearer).status == 401, "a bearer only reads")
    }

    @Test("a session ends: by logging out, unused after 12 hours, after a week, as the oldest of too many")
    func ends() {
        let door = Door(readsFreely: false)
        let first = door.login()
        #expect(
            door.ask("metrics", first, at: 43_199).status == 200
                && door.ask("metrics", first, at: 43_199 + 43_200).status == 401)
        let second = door.login(at: 100_000)
        for hour in 1..<168 { #expect(door.ask("metrics", second, at: 100_000 + Double(hour) * 3600).status == 200) }
        #expect(door.ask("metrics", second, at: 100_000 + 168 * 3600).status == 401)
        let third = door.login(at: 1_000_000)
        #expect(door.ask("logout", post: "", third).headers["Set-Cookie"]?.contains("Max-Age=0") == true)
        #expect(door.ask("metrics", third, at: 1_000_001).status == 401)
        let oldest = door.login(at: 2_000_000)
        for number in 0..<PageAccess.mostSessions { _ = door.login(at: 2_000_001 + Double(number)) }
        #expect(door.ask("metrics", oldest, at: 2_000_100).status == 401)
    }
}

@Suite("Commands from the page", .calculates)
struct PageCommandTests {
    private static let path = "api/batteries/shed/settings"
    private static let command = #"{"setting":"maxChargeCurrent","value":40}"#

    @Test("a command goes out with its mark and an expiry, and the bridge's answer comes back")
    func command() throws {
        let door = Door()
        let answer = door.ask(Self.path, post: Self.command, door.login())
        guard case .later(let owed) = answer.content else { return #expect(Bool(false)) }
        let message = try #require(door.sent.messages.withLock { $0.first })
        #expect(
            message.topic == "bms/shed/set/maxChargeCurrent" && message.qos == 1 && !message.retain
                && message.expiry == 5)
        #expect(String(decoding: message.payload, as: UTF8.self) == #"{"id":"mark","value":40}"#)
        func result(_ topic: String, _ value: String, retain: Bool = false) {
            let text = #"{"setting":"maxChargeCurrent","value":"\#(value)","accepted":false,"reason":"no"}"#
            door.desk.take(MQTTMessage(topic, Array(text.utf8), retain: retain))
        }
        result("bms/shed/result", #"{\"id\":\"other\",\"value\":40}"#)
        result("bms/barn/result", #"{\"id\":\"mark\",\"value\":40}"#)
        result("bms/shed/result", #"{\"id\":\"mark\",\"value\":40}"#, retain: true)
        #expect(owed.answer == nil, "others' answers are not ours")
        result("bms/shed/result", #"{\"id\":\"mark\",\"value\":40}"#)
        #expect(owed.answer.flatMap(json)?["reason"]?.text == "no")
    }

    @Test("without a session, without its token, or as something else than JSON, nothing is sent")
    func forgery() {
        let door = Door()
        let session = door.login()
        #expect(door.ask(Self.path, post: Self.command).status == 401)
        #expect(door.ask(Self.path, post: Self.command, ["cookie": session["cookie"] ?? ""]).status == 403)
        #expect(door.ask(Self.path, post: Self.command, session.merging(["x-token": "secret9"]) { $1 }).status == 403)
        for type in ["text/plain", "application/x-www-form-urlencoded", ""] {
            let headers = session.merging(["content-type": type]) { $1 }
            #expect(door.ask(Self.path, post: Self.command, headers).status == 415)
        }
        #expect(
            door.ask(
                Self.path, post: Self.command,
                session.merging(["content-type": "application/json; charset=utf-8"]) { $1 }
            ).status == 200)
        #expect(door.sent.messages.withLock { $0.count } == 1)
    }

    @Test(
        "what cannot be right is refused here",
        arguments: [
            ("", 400), ("[]", 400), (#"{"setting":"maxChargeCurrent"}"#, 400), (#"{"setting":7,"value":1}"#, 400),
            (#"{"setting":"maxChargeCurrent","value":null}"#, 400),
            (#"{"setting":"maxChargeCurrent","value":[1]}"#, 400),
            (#"{"setting":"maxChargeCurrent","value":1,"value":2}"#, 400), (#"{"setting":"other","value":1}"#, 404),
            (#"{"setting":"a+b","value":1}"#, 404), (#"{"setting":"../x","value":1}"#, 404),
            (#"{"setting":"","value":1}"#, 404), (#"{"setting":"../../shed/set/x","value":1}"#, 404),
            ("{\"setting\":\"+\u{301}\",\"value\":1}", 404), (#"{"setting":"relay/a/b","value":1}"#, 404),
            ("{\"setting\":\"maxChargeCurrent\",\"value\":\"\(String(repeating: "x", count: 129))\"}", 400),
        ])
    func refused(body: String, status: Int) {
        let door = Door()
        #expect(door.ask(Self.path, post: body, door.login()).status == status)
        #expect(door.sent.messages.withLock { $0.isEmpty })
    }

    @Test("settings of relays and buttons can be commanded")
    func others() {
        let door = Door()
        let session = door.login()
        for (setting, value) in [("relay/heater", "\"off\""), ("clearPeaks", "\"ON\""), ("allowDeepCharge", "true")] {
            #expect(door.ask(Self.path, post: #"{"setting":"\#(setting)","value":\#(value)}"#, session).status == 200)
            #expect(door.sent.messages.withLock { $0.last?.topic } == "bms/shed/set/\(setting)")
        }
    }

    @Test("no command goes to a battery that says nothing now, or that nobody knows, or without a broker")
    func stale() {
        let silent = Door(isLive: false)
        let refusal = silent.ask(Self.path, post: Self.command, silent.login())
        #expect(refusal.status == 409 && json(refusal)?["error"]?.text?.contains("offline") == true)
        let door = Door()
        let session = door.login()
        #expect(door.ask("api/batteries/none/settings", post: Self.command, session).status == 404)
        #expect(door.sent.messages.withLock { $0.isEmpty } && silent.sent.messages.withLock { $0.isEmpty })
        door.sent.outcome.withLock { $0 = .notConnected }
        #expect(door.ask(Self.path, post: Self.command, session).status == 503)
        door.state.disconnected("refused", at: .now)
        #expect(door.ask(Self.path, post: Self.command, session).status == 409)
    }

    @Test("a flood of commands is refused, and those that nobody answers do not pile up")
    func flood() {
        let door = Door()
        let session = door.login()
        let first = (0..<12).map { _ in door.ask(Self.path, post: Self.command, session).status }
        #expect(first == Array(repeating: 200, count: 10) + [429, 429])
        let later = (1...60).map { door.ask(Self.path, post: Self.command, session, at: Double($0)).status }
        #expect(Set(later) == [200], "one a second, each of which waits five seconds at most")
    }
}

import BMSCore
import HTTPServer
import JSON
import LinuxIO
import MQTTBridge
import ServiceIO
import Viewer

/// The addresses of the page, each with its answer.
struct Routes: Sendable {
    /// Folder in which Debian puts the library for plots.
    private static let plots = "/usr/share/javascript/dygraphs"

    let state: WebState
    let history: HistoryDesk?
    let language: String
    let access: PageAccess
    let desk: CommandDesk
    var clock: @Sendable () -> Timestamp = { Clock.monotonic() }

    /// Name of the streams that get news of a battery; `nil`: of the list alone.
    static func tag(_ battery: String?) -> String { battery.map { "battery \($0)" } ?? "list" }

    /// The answer to a request, made on the server's thread.
    func answer(_ request: HTTPRequest) -> HTTPAnswer { answer(request, at: clock()) }

    /// - Parameter now: the time for sessions and attempts to log in.
    func answer(_ request: HTTPRequest, at now: Timestamp) -> HTTPAnswer {
        let parts = request.path.split(separator: "/").map(String.init)
        if request.method == .post { return act(parts, request, at: now) }
        // The page itself is no secret, and asks for the password.
        if let file = PageFiles.file(request.path) { return file }
        switch (parts.first, parts.count) {
        case ("dygraph.min.js", 1): return .file("\(Self.plots)/dygraph.min.js", type: "text/javascript; charset=utf-8")
        case ("dygraph.css", 1): return .file("\(Self.plots)/dygraph.min.css", type: "text/css; charset=utf-8")
        case ("session", 1): return access.session(request, at: now)
        case ("api", 2) where parts[1] == "words": return .json(PageWords.json(request.query["language"] ?? language))
        default: break
        }
        if let refusal = access.refusalToRead(request, at: now) { return refusal }
        switch (parts.first, parts.count) {
        case ("events", 1): return events(request, access.mayGoOn(request, at: now, clock))
        case ("metrics", 1):
            return HTTPAnswer(
                type: "text/plain; version=0.0.4; charset=utf-8", .bytes(Array(state.metrics(at: .now).utf8)))
        case ("api", 2...): return api(Array(parts.dropFirst()), request)
        default: return Self.nothing
        }
    }

    private static let nothing = HTTPAnswer.error(404, "there is nothing at this address")

    /// Answers a request that changes something.
    private func act(_ parts: [String], _ request: HTTPRequest, at now: Timestamp) -> HTTPAnswer {
        // Pages of other sites can only send other types without asking first.
        guard request.header("content-type")?.split(separator: ";").first == "application/json" else {
            return .error(415, "the body has to be JSON: 'Content-Type: application/json'")
        }
        switch parts {
        case ["login"]: return access.login(request, at: now)
        case ["logout"]: return access.logout(request)
        default: break
        }
        guard parts.count == 4, parts[0] == "api", parts[1] == "batteries", parts[3] == "settings" else {
            return Self.nothing
        }
        if let refusal = access.refusalToCommand(request, at: now) { return refusal }
        guard let standing = state.standing(parts[2], at: .now) else { return unknown(parts[2]) }
        return desk.send(parts[2], request.body, standing, at: now)
    }

    private func api(_ parts: [String], _ request: HTTPRequest) -> HTTPAnswer {
        switch (parts[0], parts.count) {
        case ("batteries", 1): return .json(state.list(at: .now, members: commands))
        case ("batteries", 2):
            return state.details(parts[1], at: .now, members: commands).map { .json($0) } ?? unknown(parts[1])
        case ("history", 2), ("history", 3):
            guard let history else { return .error(404, "no history is kept: start 'bms-mqtt web' with --data") }
            return history.answer(
                parts[1], request.query, parts.count == 3 ? parts[2] : "series",
                from: request.isLoopback ? nil : request.network)
        default: return Self.nothing
        }
    }

    private func events(_ request: HTTPRequest, _ mayGoOn: (@Sendable () -> Bool)?) -> HTTPAnswer {
        let battery = request.query["battery"]
        if let battery, !state.knows(battery) { return unknown(battery) }
        return .events(tag: Self.tag(battery), mayGoOn: mayGoOn) { [state, commands] in
            ServerEvent.text("rows", state.list(battery, at: .now, members: commands))
        }
    }

    private func unknown(_ id: String) -> HTTPAnswer {
        state.isConnected
            ? .error(404, "no battery '\(id.prefix(64))' is known on the broker")
            : .error(
                503, "there is no connection to the MQTT broker, so nothing is known of battery '\(id.prefix(64))'")
    }

    private func commands(_ writer: inout JSONWriter) {
        writer.key("commands")
        writer.beginObject()
        writer.member("allowed", access.takesCommands)
        writer.endObject()
    }
}

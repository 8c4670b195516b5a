import HTTPServer
import History
import JSON
import LinuxIO
import MQTTBridge
import Viewer

/// The addresses of the page, each with its answer.
struct Routes: Sendable {
    /// Folder in which Debian puts the library for plots.
    private static let plots = "/usr/share/javascript/dygraphs"

    let state: WebState
    let history: History?
    let language: String

    /// Name of the streams that get news of a battery; `nil`: of the list alone.
    static func tag(_ battery: String?) -> String { battery.map { "battery \($0)" } ?? "list" }

    /// The answer to a request, made on the server's thread.
    func answer(_ request: HTTPRequest) -> HTTPAnswer {
        let parts = request.path.split(separator: "/").map(String.init)
        guard request.method == .get else { return .error(405, "commands are given to the bridge over MQTT, not here") }
        if let file = PageFiles.file(request.path) { return file }
        switch (parts.first, parts.count) {
        case ("dygraph.min.js", 1): return .file("\(Self.plots)/dygraph.min.js", type: "text/javascript; charset=utf-8")
        case ("dygraph.css", 1): return .file("\(Self.plots)/dygraph.min.css", type: "text/css; charset=utf-8")
        case ("events", 1): return events(request.query["battery"])
        case ("metrics", 1):
            return HTTPAnswer(
                type: "text/plain; version=0.0.4; charset=utf-8", .bytes(Array(state.metrics(at: .now).utf8)))
        case ("api", 2...): return api(Array(parts.dropFirst()), request)
        default: return .error(404, "there is nothing at this address")
        }
    }

    private func api(_ parts: [String], _ request: HTTPRequest) -> HTTPAnswer {
        switch (parts[0], parts.count) {
        case ("words", 1): return .json(PageWords.json(request.query["language"] ?? language))
        case ("session", 1): return .json(Array(#"{"loggedIn":false}"#.utf8))
        case ("batteries", 1): return .json(state.list(at: .now, members: Self.commands))
        case ("batteries", 2):
            return state.details(parts[1], at: .now, members: Self.commands).map { .json($0) } ?? Self.unknown(parts[1])
        case ("history", 2), ("history", 3):
            guard let history else { return .error(404, "no history is kept: start 'bms-mqtt web' with --data") }
            let question = HistoryQuestion(history, parts[1], request.query)
            return question.answer(parts.count == 3 ? parts[2] : "series")
        default: return .error(404, "there is nothing at this address")
        }
    }

    private func events(_ battery: String?) -> HTTPAnswer {
        if let battery, !state.knows(battery) { return Self.unknown(battery) }
        return .events(tag: Self.tag(battery)) { [state] in
            ServerEvent.text("rows", state.list(battery, at: .now, members: Self.commands))
        }
    }

    private static func unknown(_ id: String) -> HTTPAnswer {
        .error(404, "no battery '\(id.prefix(64))' was heard of on the broker")
    }

    private static func commands(_ writer: inout JSONWriter) {
        writer.key("commands")
        writer.beginObject()
        writer.member("allowed", false)
        writer.member("loggedIn", false)
        writer.endObject()
    }
}

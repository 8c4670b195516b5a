import HTTPServer
import HistoryData
import JSON
import LinuxIO
import TestSupport
import TestThreads
import Testing

@testable import History
@testable import bms_mqtt_web

@Suite("Questions for the history", .waits, .timeLimit(.minutes(10)))
struct HistoryDeskTests {
    private let folder = TemporaryFolder()

    private func desk() -> HistoryDesk {
        let history = History("\(folder.path)/history.sqlite")
        _ = history.open()
        history.add(HistorySample(time: 1_767_225_600, values: [.soc: 57]), of: "shed")
        _ = history.commit(at: 1_767_225_660)
        return HistoryDesk(history)
    }

    private func text(_ answer: HTTPAnswer?) -> String {
        guard case .bytes(let bytes)? = answer?.content else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A server that asks a desk.
    ///
    /// - Parameter asked: set when it has asked.
    private func server(_ desk: HistoryDesk, asked: EventDescriptor = EventDescriptor()) throws -> HTTPServer {
        let server = HTTPServer(HTTPOptions()) { request in
            if request.path == "session" { return .empty(204) }
            defer { asked.set() }
            return desk.answer("shed", request.query, request.path)
        }
        try server.start()
        return server
    }

    private func ask(_ server: HTTPServer, _ path: String) throws -> PageClient {
        let client = try #require(PageClient(server.port))
        client.ask(path)
        return client
    }

    @Test("a question is answered by a thread of its own, and what is no question at once")
    func answers() throws {
        let desk = desk()
        guard case .later = desk.answer("shed", [:], "days").content else { return #expect(Bool(false)) }
        #expect(desk.answer("shed", ["from": "x"], "days").status == 400)
        #expect(desk.answer("shed", [:], "nothing").status == 404)
        let server = try server(desk)
        let slow = try ask(server, "days")
        // The desk has no thread yet: whoever waits for it holds up nobody.
        #expect(try ask(server, "session").answer().hasPrefix("HTTP/1.1 204"))
        #expect(desk.start())
        let days = slow.answer()
        #expect(days.hasPrefix("HTTP/1.1 200") && days.contains(#"{"days":[{"time":"#), "\(days)")
        server.stop(seconds: 20)
        #expect(desk.close(seconds: 20))
    }

    @Test("questions that wait are bounded, and refused at the end")
    func bounds() throws {
        let (desk, asked) = (desk(), EventDescriptor())
        let server = try server(desk, asked: asked)
        let last = try ask(server, "days")
        #expect(asked.wait(seconds: 20))
        for _ in 1..<HistoryDesk.most {
            guard case .later = desk.answer("shed", [:], "days").content else { return #expect(Bool(false)) }
        }
        let full = desk.answer("shed", [:], "days")
        #expect(full.status == 503 && text(full).contains("too many questions for the history"))
        #expect(desk.close(seconds: 20))
        let refused = last.answer()
        #expect(refused.hasPrefix("HTTP/1.1 503") && refused.contains("ends"), "\(refused)")
        let late = desk.answer("shed", [:], "days")
        #expect(late.status == 503 && text(late).contains("ends"))
        server.stop(seconds: 20)
    }

    @Test("one network's questions have a bound of their own, and leave places to others and to this machine")
    func networks() {
        let desk = desk()
        func status(_ network: [UInt8]?) -> Int {
            if case .later = desk.answer("shed", [:], "days", from: network).content { 200 } else { 503 }
        }
        for network in [[1], [2], [3]] as [[UInt8]] {
            let taken = (0..<HistoryDesk.most).map { _ in status(network) }.count { $0 == 200 }
            #expect(taken == HistoryDesk.mostOfNetwork)
        }
        #expect(status([4]) == 200 && status(nil) == 200)
        #expect(desk.close(seconds: 20))
    }

    @Test("a desk that is closed ends its thread, and the history can be closed then")
    func end() throws {
        let desk = desk()
        #expect(desk.start())
        for _ in 0..<20 { _ = desk.answer("shed", [:], "changes") }
        #expect(desk.close(seconds: 20))
        #expect(desk.history.close(at: 1_767_225_720).isEmpty)
    }

    @Test("an export names the time from which on its rows are kept, and the detail that has more")
    func gap() {
        #expect(
            HistoryPrinter.note(HistoryGap(end: 1_767_225_600, coarser: .hours), .minutes)
                == "minutes begin at 2026-01-01T00:00:00Z; --detail hours has more")
        #expect(
            HistoryPrinter.note(HistoryGap(end: nil, coarser: .minutes), .samples)
                == "there are no samples; --detail minutes has more")
    }
}

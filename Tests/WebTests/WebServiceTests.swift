import BMSCore
import HTTPServer
import HistoryData
import LinuxIO
import ServiceIO
import TestSupport
import TestThreads
import Testing

@testable import Viewer
@testable import bms_mqtt_web

@Suite("The page's program", .waits, .timeLimit(.minutes(10)))
struct WebServiceTests {
    @Test("an end has one time for all that it waits for")
    func oneDeadline() {
        var (now, times) = (100.0, [Double]())
        func hang(_ seconds: Double) -> Bool {
            times.append(seconds)
            now += seconds
            return false
        }
        WebService.wait(
            8, clock: { now },
            [
                { _ in
                    now += 3
                    return true
                }, hang, hang,
            ])
        #expect(now == 108 && times == [5, 0])
    }

    @Test("an event has its own time only where that is near the time of its receipt")
    func eventTimes() {
        let received = 2e9
        let cases: [(said: Double?, kept: Double)] = [
            (nil, 0), (-86_400, -86_400), (86_400, 86_400), (86_401, 0), (-86_401, 0), (1e9, 0), (-1e300, 0),
        ]
        for (said, kept) in cases {
            let event = ReaderModel.Event(time: said.map { received + $0 }, kind: "alarm", text: "hot")
            #expect(HistoryIntake.event(event, at: received).time == received + kept)
        }
    }

    @Test("the watchdog is fed at half its time, and not while the server's thread hangs")
    func watchdog() throws {
        let socket = NotifySocket()
        let variables = ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "30000000"]
        let server = Heartbeat()
        let now = Heartbeat.now()
        var watchdog = PageWatchdog(ServiceNotifier { variables[$0] }, server)
        for second in 0..<30 { watchdog.step(at: now + Int64(second) * 1000) }
        #expect([socket.next(), socket.next()] == ["WATCHDOG=1", "WATCHDOG=1"] && socket.next(seconds: 0) == nil)
        server.beat(within: 1)
        watchdog.step(at: now + 600_000)
        #expect(socket.next(seconds: 0) == nil, "the thread has not given the sign that it promised")
        server.rest()
        watchdog.step(at: now + 601_000)
        #expect(socket.next() == "WATCHDOG=1")
    }

    @Test("a handler that hangs is no sign of life of the server's thread, and a server that waits is none that hangs")
    func heartbeat() throws {
        let (entered, leave) = (EventDescriptor(), EventDescriptor())
        let server = HTTPServer(HTTPOptions()) { _ in
            entered.set()
            leave.wait(seconds: 20)
            return .empty(204)
        }
        try server.start()
        let late = Heartbeat.now() + 3_600_000
        let end = Deadline()
        while server.heartbeat.isOverdue(at: late), !end.isOver {}
        #expect(!server.heartbeat.isOverdue(at: late))
        let client = try #require(PageClient(server.port))
        client.ask("x")
        #expect(entered.wait(seconds: 20))
        #expect(server.heartbeat.isOverdue(at: late))
        leave.set()
        #expect(client.answer().hasPrefix("HTTP/1.1 204"))
        server.stop(seconds: 20)
        #expect(!server.heartbeat.isOverdue(at: late))
    }
}

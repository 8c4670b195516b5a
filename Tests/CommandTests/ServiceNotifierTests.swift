import Glibc
import LinuxIO
import TestSupport
import TestThreads
import Testing
import ServiceIO

@testable import bms_mqtt

@Suite("Service manager", .waits)
struct ServiceNotifierTests {
    private func make(_ variables: [String: String], process: Int32 = 7) -> ServiceNotifier? {
        ServiceNotifier(variable: { variables[$0] }, process: process)
    }

    @Test("a message arrives as one datagram, at a path and at an abstract name", arguments: [false, true])
    func datagram(isAbstract: Bool) throws {
        let socket = NotifySocket(isAbstract: isAbstract)
        let notifier = try #require(make(["NOTIFY_SOCKET": socket.path]))
        #expect(notifier.send(["READY=1", "STATUS=16 cells"]))
        #expect(socket.next() == "READY=1\nSTATUS=16 cells")
    }

    @Test(
        "without a socket, or with one that is not a path, there is no notifier",
        arguments: [nil, "", "vsock:2:1", "x", "@"])
    func absent(path: String?) {
        #expect(make(path.map { ["NOTIFY_SOCKET": $0] } ?? [:]) == nil)
    }

    @Test("a path that is too long for a socket is refused")
    func longPath() {
        #expect(make(["NOTIFY_SOCKET": "/" + String(repeating: "x", count: 107)]) == nil)
        #expect(make(["NOTIFY_SOCKET": "/" + String(repeating: "x", count: 106)])?.send(["READY=1"]) == false)
    }

    @Test("a manager that does not read does not stop the sender")
    func full() throws {
        let socket = NotifySocket()
        let notifier = try #require(make(["NOTIFY_SOCKET": socket.path]))
        #expect((0..<10_000).contains { _ in !notifier.send(["WATCHDOG=1"]) })
    }

    @Test(
        "the watchdog is fed at half its time, and only if it is meant for this process",
        arguments: [
            (["WATCHDOG_USEC": "30000000"], 15_000), (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"], 15_000),
            (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"], nil), ([:], nil), (["WATCHDOG_USEC": "0"], nil),
            (["WATCHDOG_USEC": "-5"], nil), (["WATCHDOG_USEC": "soon"], nil),
            (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "none"], nil),
        ] as [([String: String], Int64?)])
    func interval(variables: [String: String], expected: Int64?) {
        let notifier = make(variables.merging(["NOTIFY_SOCKET": "/run/x"]) { $1 })
        #expect(notifier != nil)
        #expect(notifier?.feedInterval == expected)
    }

    @Test("reloading carries the monotonic time, as systemd asks")
    func reloading() throws {
        let socket = NotifySocket()
        let notifier = try #require(make(["NOTIFY_SOCKET": socket.path]))
        notifier.reloading()
        let text = try #require(socket.next())
        #expect(text.hasPrefix("RELOADING=1\nMONOTONIC_USEC="))
        let time = try #require(text.split(separator: "=").last.flatMap { Int64($0) })
        #expect(abs(time / 1000 - Heartbeat.now()) < 20_000)
        notifier.stopping()
        #expect(socket.next()?.hasPrefix("STOPPING=1\n") == true)
    }
}

@Suite("Watchdog of the data")
struct DataWatchdogTests {
    private let reader = Heartbeat()
    private let bridge = Heartbeat()
    private let broker = Heartbeat()

    private var watchdog: DataWatchdog {
        DataWatchdog(
            [("the reader", reader), ("the bridge", bridge), ("the broker", broker)].map {
                DataWatchdog.Link(name: $0.0, heartbeat: $0.1)
            }, interval: 15_000)
    }

    @Test("the watchdog is fed at once and then at its interval, while no heartbeat is overdue")
    func fed() {
        var watchdog = watchdog
        let start = Heartbeat.now()
        bridge.beat(within: 1000)
        let fed = (0...60).filter { watchdog.step(at: start + Int64($0) * 1000).feeds }
        #expect(fed == [0, 15, 30, 45, 60])
    }

    @Test("one overdue heartbeat stops the feeding, and its thread is named once", arguments: 0..<3)
    func stuck(index: Int) throws {
        var watchdog = watchdog
        let start = Heartbeat.now()
        for heartbeat in [reader, bridge, broker] { heartbeat.beat(within: 1000) }
        let first = watchdog.step(at: start)
        #expect(first.feeds)
        [reader, bridge, broker][index].beat(within: 10)
        var news: [String] = []
        for second in 16...60 {
            let step = watchdog.step(at: start + Int64(second) * 1000)
            #expect(!step.feeds)
            news += step.news.map { [$0] } ?? []
        }
        #expect(news.count == 1)
        #expect(
            news.first?.contains("no sign of life from \(["the reader", "the bridge", "the broker"][index])") == true)
        [reader, bridge, broker][index].beat(within: 1000)
        let step = watchdog.step(at: start + 61_000)
        #expect(step.feeds)
        #expect(step.news?.contains("work again") == true)
    }

    @Test("without a manager that watches, the bridge ends after 20 s of an overdue heartbeat, and not before")
    func unwatched() {
        var watchdog = DataWatchdog([DataWatchdog.Link(name: "the reader", heartbeat: reader)], interval: nil)
        let start = Heartbeat.now()
        reader.beat(within: 10)
        let steps = (1...60).map { watchdog.step(at: start + Int64($0) * 1000) }
        #expect(steps.allSatisfy { !$0.feeds })
        #expect(steps.firstIndex(where: \.ends) == 30)
        #expect(steps.compactMap(\.news).count == 1)
        #expect(steps.compactMap(\.news).first?.contains("the bridge ends in 20 s") == true)
    }

    @Test("a process that was stopped for an hour goes on")
    func stopped() {
        var watchdog = DataWatchdog([DataWatchdog.Link(name: "the reader", heartbeat: reader)], interval: nil)
        let start = Heartbeat.now()
        reader.beat(within: 10)
        #expect(!watchdog.step(at: start).ends)
        let overdue = watchdog.step(at: start + 3_600_000)
        #expect(!overdue.ends)
        #expect(overdue.news != nil)
        reader.beat(within: 4000)
        let again = watchdog.step(at: start + 3_601_000)
        #expect(!again.ends)
        #expect(again.news == "all threads of the bridge work again")
        #expect(!watchdog.step(at: start + 3_640_000).ends)
    }

    @Test("a watched bridge leaves its end to the manager")
    func watched() {
        var watchdog = watchdog
        let start = Heartbeat.now()
        reader.beat(within: 10)
        #expect((0...120).allSatisfy { !watchdog.step(at: start + Int64($0) * 1000).ends })
    }

    @Test("a thread at rest is never overdue")
    func rest() {
        let heartbeat = Heartbeat()
        heartbeat.beat()
        #expect(heartbeat.isOverdue(at: Heartbeat.now() + 60_000))
        heartbeat.rest()
        #expect(!heartbeat.isOverdue(at: .max - 1))
    }

    @Test("a thousand threads that hang give one short sentence")
    func many() throws {
        let links = (1...1000).map { DataWatchdog.Link(name: "the reader of pack p\($0)", heartbeat: Heartbeat()) }
        for link in links { link.heartbeat.beat(within: 1) }
        var watchdog = DataWatchdog(links, interval: 1)
        let step = watchdog.step(at: Heartbeat.now() + 10_000)
        let news = try #require(step.news)
        #expect(news.contains("and 997 more"))
        #expect(news.utf8.count < 300)
    }

    @Test("the thread feeds the socket until a heartbeat is overdue, and again afterwards")
    func thread() throws {
        let socket = NotifySocket()
        let notifier = try #require(
            ServiceNotifier(
                variable: { ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "100000"][$0] }))
        bridge.beat(within: 3600)
        let thread = WatchdogThread(
            [DataWatchdog.Link(name: "the bridge", heartbeat: bridge)], notifier, Log(threshold: .error))
        defer { thread.stop() }
        for _ in 0..<5 { #expect(socket.next() == "WATCHDOG=1") }
        bridge.beat(within: 0.001)
        // Feeds from before the hang may still be in the socket.
        while socket.next(seconds: 0.5) != nil {}
        #expect(socket.next(seconds: 0.5) == nil)
        bridge.beat(within: 3600)
        #expect(socket.next() == "WATCHDOG=1")
    }
}

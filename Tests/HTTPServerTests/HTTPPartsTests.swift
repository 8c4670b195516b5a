import LinuxIO
import Testing

@testable import HTTPServer

@Suite("Parts of the web server that need no socket")
struct HTTPPartsTests {
    @Test(
        "A cookie that is there once is found",
        arguments: [
            ("session=abc", "abc"), ("a=b; session=x=y; c=d", "x=y"), ("session=", ""), (" session=a\t;b", "a"),
            ("xsession=1", nil),
            ("session", nil), ("session=1; session=2", nil), ("Session=1", nil), ("", nil),
        ])
    func cookies(_ header: String, _ value: String?) {
        let request = HTTPRequest(method: .get, path: "", query: [:], headers: ["cookie": header], peer: "")
        #expect(request.cookie("session") == value)
    }

    @Test("A queue gives back what it took, in any portions, and knows the age of the oldest")
    func queue() {
        for most in [1, 3, 7, 1000] {
            var queue = EventQueue()
            var result: [UInt8] = []
            for number in 0..<200 {
                let isTaken = queue.append(Array("text \(number),".utf8), at: Double(number), limit: 100_000)
                #expect(isTaken)
                if number == 100 { result += queue.take(most, at: 200) }
            }
            if most == 1000 { #expect(queue.oldest == 1) }
            while queue.count > 0 { result += queue.take(most, at: 200) }
            #expect(String(decoding: result, as: UTF8.self) == (0..<200).map { "text \($0)," }.joined())
            let rest = queue.take(most, at: 200)
            #expect(queue.oldest == nil && rest.isEmpty)
        }
    }

    @Test("A reader of a slow link may take its time for a long text, and for no others")
    func slowLink() {
        var queue = EventQueue()
        queue.prepend([UInt8](repeating: 1, count: 350_000), at: 0)
        for second in 1...30 { _ = queue.append([2], at: Double(second), limit: 1_000_000) }
        var now = 0.0
        while queue.count > 30 {
            now += 1
            _ = queue.take(5_000, at: now)
            #expect(queue.oldest == now, "it goes on")
        }
        #expect(now == 70)
        _ = queue.take(1, at: 80)
        #expect(queue.oldest == 70, "what follows has waited since the end of the long text")
        queue.prepend([UInt8](repeating: 1, count: EventQueue.longText + 1), at: 81)
        _ = queue.take(100, at: 82)
        #expect(queue.oldest == 82)
        var short = EventQueue()
        short.prepend([UInt8](repeating: 1, count: EventQueue.longText), at: 0)
        _ = short.take(100, at: 5)
        #expect(short.oldest == 0)
    }

    @Test("A queue has a bound, and a first text goes before the others")
    func bound() {
        var queue = EventQueue()
        let taken = [[1, 2], [3, 4]].map { queue.append($0, at: 1, limit: 3) }
        #expect(taken == [true, false])
        queue.prepend([9], at: 3)
        #expect(queue.count == 3)
        let all = [queue.take(10, at: 3), queue.take(10, at: 3)].flatMap { $0 }
        #expect(all == [9, 1, 2])
    }

    @Test(
        "A name as browsers write it",
        arguments: [
            ("Batteries.LAN.", "batteries.lan"), ("a_b-1", "a_b-1"), ("", nil), (".", nil), ("b\u{fc}cher.lan", nil),
            ("a b", nil), ("host:80", nil), ("a\u{301}", nil),
            ("a..b", nil), (".lan", nil), (Self.label(63), Self.label(63)), (Self.label(64), nil),
            ("pi." + Self.label(64), nil),
            (Self.label(63, 63, 63, 61), Self.label(63, 63, 63, 61)), (Self.label(63, 63, 63, 62), nil),
        ] as [(String, String?)])
    func names(text: String, name: String?) { #expect(HostName.ascii(text) == name) }

    private static func label(_ counts: Int...) -> String {
        counts.map { String(repeating: "a", count: $0) }.joined(separator: ".")
    }

    @Test(
        "Other machines know a machine by three names at most",
        arguments: [
            ("raspberrypi", ["raspberrypi", "raspberrypi.local"]),
            ("Pi.House.lan", ["pi.house.lan", "pi", "pi.local"]),
            (nil, []), ("", []), ("b\u{fc}cher", []), ("a b", []),
        ] as [(String?, Set<String>)])
    func ownNames(hostName: String?, names: Set<String>) { #expect(HostName.inNetwork(hostName) == names) }
}

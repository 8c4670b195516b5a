import Testing

@testable import Mosquitto

@Suite("Pace of a line, by receipts")
struct LinePaceTests {
    /// One message, as the link sends it.
    private func send(_ pace: inout LinePace, _ bytes: Int, pending: Int = 0, identifier: Int32 = 1, at now: Double)
        -> Bool
    {
        let hasReceipt = pace.wantsReceipt(at: now, pending: pending)
        pace.sent(bytes, receipt: hasReceipt ? identifier : nil, at: now)
        return hasReceipt
    }

    @Test("one message a second carries a receipt, and one every two kilobytes")
    func receipts() {
        var pace = LinePace()
        #expect(send(&pace, 1500, at: 0))
        #expect(!send(&pace, 1500, at: 0.1))
        #expect(!send(&pace, 600, at: 0.2))
        #expect(send(&pace, 10, at: 0.3))
        #expect(!send(&pace, 10, at: 1.1))
        #expect(send(&pace, 10, at: 1.3))
    }

    @Test("a line that gives no receipts holds nothing back")
    func none() {
        var pace = LinePace()
        #expect(pace.isNarrow == nil)
        pace.giveUp()
        pace.sent(1200, receipt: nil, at: 0)
        #expect(pace.isNarrow == false && !pace.mustWait(.first, at: 100))
    }

    @Test("none is asked for where the library would keep the message back")
    func quota() {
        var pace = LinePace()
        #expect(!send(&pace, 10, pending: 10, at: 0))
        #expect(send(&pace, 10, pending: 9, at: 0))
        pace.limit(to: 1)
        #expect(!send(&pace, 10, pending: 1, at: 2))
        #expect(send(&pace, 10, pending: 0, at: 2))
        pace.limit(to: 65_535)
        #expect(!send(&pace, 10, pending: 10, at: 4))
    }

    @Test("a receipt within a second holds nothing back, however much is sent meanwhile")
    func quick() {
        var pace = LinePace()
        for _ in 0..<100 { _ = send(&pace, 1000, at: 0) }
        #expect(!pace.mustWait(.first, at: 1))
        pace.received(at: 1)
        #expect(!pace.isSlow && pace.isNarrow == false && pace.awaited == nil)
    }

    @Test("after a late receipt one batch is sent at a time, all of it with receipts")
    func slow() {
        var pace = LinePace()
        #expect(send(&pace, 1200, at: 0))
        #expect(pace.mustWait(.first, at: 1.1))
        pace.received(at: 4)
        #expect(pace.isSlow && pace.isNarrow == true && pace.room == 300)
        #expect(!pace.mustWait(.first, at: 4))
        #expect(send(&pace, 1200, identifier: 2, at: 4))
        #expect(pace.mustWait(.first, at: 4))
        #expect(send(&pace, 600, pending: 1, identifier: 3, at: 4))
        #expect(pace.awaited?.identifier == 3 && pace.awaited?.since == 4)
        pace.received(at: 10)
        #expect(pace.room == 300)
        #expect(send(&pace, 10, at: 10))
        pace.received(at: 10.5)
        #expect(!pace.isSlow && !pace.mustWait(.first, at: 10.5))
    }

    @Test("the time of a receipt counts from the oldest that is awaited, and the rate by all that was sent since")
    func several() {
        var pace = LinePace()
        #expect(send(&pace, 2100, at: 0))
        #expect(!send(&pace, 2100, at: 0.1))
        #expect(send(&pace, 1800, identifier: 2, at: 0.2))
        pace.received(at: 20)
        #expect(pace.room == 300)
    }

    @Test(
        "what nobody obeys waits for the receipt, what is large for a wide line, and urgent messages for a late receipt alone"
    )
    func precedence() {
        var pace = LinePace()
        #expect(pace.mustWait(.large, at: 0) && !pace.mustWait(.normal, at: 0))
        #expect(send(&pace, 1200, at: 0))
        #expect(!pace.mustWait(.early, at: 0.5) && !pace.mustWait(.first, at: 0.5))
        #expect(pace.mustWait(.normal, at: 0) && pace.mustWait(.large, at: 0))
        #expect(pace.mustWait(.early, at: 1.5) && pace.mustWait(.first, at: 1.5))
        pace.received(at: 2)
        // Slow, but not narrow.
        #expect(!pace.mustWait(.large, at: 2) && !pace.mustWait(.normal, at: 2))
        #expect(send(&pace, 1200, at: 2))
        #expect(pace.mustWait(.first, at: 2))
        pace.received(at: 6)
        #expect(pace.mustWait(.large, at: 6) && !pace.mustWait(.normal, at: 6))
    }

    @Test("behind a large message nothing is sent before its receipt")
    func large() {
        var pace = LinePace()
        #expect(send(&pace, 10, at: 0))
        pace.received(at: 0)
        #expect(!pace.mustWait(.large, at: 0))
        pace.sent(48_000, receipt: 2, isLarge: true, at: 0)
        #expect(pace.mustWait(.first, at: 0) && pace.mustWait(.large, at: 0))
        pace.sent(100, receipt: 3, at: 0)
        #expect(pace.mustWait(.first, at: 0))
        pace.received(at: 0.1)
        #expect(!pace.mustWait(.first, at: 0.1))
    }

    @Test("a receipt that does not come at all means that the connection is of no use")
    func overdue() {
        var pace = LinePace()
        #expect(!pace.isOverdue(25, at: 1000))
        #expect(send(&pace, 1200, at: 1000))
        #expect(!pace.isOverdue(25, at: 1025))
        #expect(pace.isOverdue(25, at: 1025.1))
        pace.heard(at: 1020)
        #expect(!pace.isOverdue(25, at: 1045))
        #expect(pace.isOverdue(25, at: 1045.1))
    }

    @Test("the time on the way is known on a slow line, behind what was sent before")
    func transit() {
        var pace = LinePace()
        #expect(send(&pace, 1200, at: 0))
        #expect(pace.transit(600) == 0)
        pace.received(at: 4)
        #expect(pace.transit(600) == 2)
        #expect(send(&pace, 600, at: 4))
        #expect(pace.transit(600) == 4)
    }
}

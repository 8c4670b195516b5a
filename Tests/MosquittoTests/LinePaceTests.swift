import Testing
import MQTT

@testable import Mosquitto

@Suite("Rate of a line, by receipts")
struct LinePaceTests {
    /// Sends one message, as the link does.
    private func send(_ pace: inout LinePace, _ bytes: Int, pending: Int = 0, identifier: Int32 = 1, at now: Double)
        -> Bool
    {
        let hasReceipt = pace.wantsReceipt(bytes, at: now, pending: pending)
        pace.sent(bytes, receipt: hasReceipt ? identifier : nil, at: now)
        return hasReceipt
    }

    /// A line that has given its first receipt at once.
    private func quick(at now: Double = 0) -> LinePace {
        var pace = LinePace()
        #expect(send(&pace, 10, at: now))
        pace.received(at: now)
        return pace
    }

    @Test("before the first receipt one batch is sent, and each of its messages asks for a receipt")
    func first() {
        var pace = LinePace()
        #expect(!pace.mustWait(.first, at: 0))
        #expect(send(&pace, 10, at: 0) && send(&pace, 10, at: 0))
        #expect(pace.mustWait(.first, at: 0) && pace.mustWait(.early, at: 0) && pace.mustWait(.normal, at: 0))
        pace.received(at: 0.001)
        #expect(!pace.isSlow && !pace.mustWait(.first, at: 0.001))
    }

    @Test(
        "a few bytes with a quick receipt prove nothing: a slow line stays slow until it carries two kilobytes a second"
    )
    func proof() {
        var pace = LinePace()
        // A status behind subscriptions, on a line of 300 bytes a second.
        pace.sent(230, receipt: nil, at: 0)
        #expect(send(&pace, 26, at: 0))
        pace.received(at: 0.85)
        #expect(pace.isSlow && pace.isNarrow == false && pace.rate == 301)
        #expect(send(&pace, 1380, at: 1))
        #expect(pace.transit(1670) > 10)
        pace.received(at: 5.6)
        #expect(pace.isSlow && pace.rate == 300)
        // A short message shows nothing of the rate once the rate is known.
        #expect(send(&pace, 26, at: 6))
        pace.received(at: 6.6)
        #expect(pace.isSlow && pace.rate == 300)
        #expect(send(&pace, 1380, at: 7))
        pace.received(at: 7.5)
        #expect(!pace.isSlow && pace.rate == 2760)
    }

    @Test("one message a second carries a receipt, and one every two kilobytes")
    func receipts() {
        var pace = quick(at: -1)
        #expect(send(&pace, 1500, at: 0))
        #expect(!send(&pace, 1500, at: 0.1))
        #expect(send(&pace, 600, at: 0.2))
        #expect(!send(&pace, 10, at: 1.0))
        #expect(send(&pace, 10, at: 1.2))
    }

    @Test("a line that is slow for a minute is reported as narrow, until it is quick")
    func persistence() {
        var pace = LinePace()
        for second in 0..<60 {
            let now = Double(second)
            #expect(send(&pace, 10, at: now))
            pace.received(at: now + 0.95)
            #expect(pace.isSlow && pace.isNarrow == false)
        }
        #expect(send(&pace, 10, at: 60))
        pace.received(at: 60.95)
        #expect(pace.isNarrow == true)
        #expect(send(&pace, 2000, at: 61))
        pace.received(at: 61.1)
        #expect(pace.isNarrow == false && !pace.isSlow)
        #expect(send(&pace, 10, at: 62))
        pace.received(at: 62.95)
        #expect(pace.isNarrow == false)
    }

    @Test("a line without receipts holds no message back")
    func none() {
        var pace = LinePace()
        #expect(pace.isNarrow == nil)
        #expect(send(&pace, 1200, at: 0))
        pace.giveUp()
        #expect(pace.isNarrow == false && !pace.mustWait(.normal, at: 100) && !pace.mustWait(.large, at: 100))
        #expect(!send(&pace, 1200, at: 100))
    }

    @Test("no receipt is asked for where the library would hold the message back")
    func quota() {
        var pace = LinePace()
        #expect(!send(&pace, 10, pending: 10, at: 0))
        #expect(send(&pace, 10, pending: 9, at: 0))
        pace.limit(to: 1)
        #expect(!send(&pace, 10, pending: 1, at: 2))
        #expect(send(&pace, 10, pending: 0, at: 2))
        pace.limit(to: 65_535)
        #expect(!send(&pace, 10, pending: 10, at: 4))
        #expect(pace.hasQuota(pending: 9) && !pace.hasQuota(pending: 10))
    }

    @Test("on a line that always carries something no receipt looks late because of those after it")
    func steady() {
        var pace = LinePace()
        #expect(send(&pace, 10, at: 0))
        pace.received(at: 0)
        for step in 0..<100 {
            let now = Double(step) * 0.07
            #expect(!send(&pace, 2000, at: now))
            #expect(send(&pace, 100, at: now))
            // Each message takes 80 ms, so one is always on its way.
            if step > 0 { pace.received(at: now + 0.01) }
            #expect(!pace.isSlow && !pace.mustWait(.first, at: now))
            #expect(pace.mustWait(.normal, at: now) && !pace.mustWait(.normal, at: now, hasReceived: true))
        }
        #expect(pace.isAwaiting && pace.room > 4096)
    }

    @Test("after a late receipt one batch is sent at a time, and each of its messages asks for a receipt")
    func slow() {
        var pace = quick(at: -1)
        #expect(send(&pace, 3000, at: 0))
        #expect(!pace.mustWait(.first, at: 0.9) && pace.mustWait(.first, at: 1.1))
        pace.received(at: 10)
        #expect(pace.isSlow && pace.isNarrow == true && pace.rate == 300 && pace.room == 300)
        #expect(!pace.mustWait(.first, at: 10))
        #expect(send(&pace, 1200, identifier: 2, at: 10))
        #expect(pace.mustWait(.first, at: 10) && pace.mustWait(.first, at: 10, hasReceived: true))
        #expect(send(&pace, 1800, pending: 1, identifier: 3, at: 10))
        #expect(pace.nextReceipt == 2)
        pace.received(at: 14)
        #expect(pace.mustWait(.first, at: 14))
        pace.received(at: 20)
        #expect(pace.rate == 300)
        #expect(send(&pace, 1500, at: 20))
        pace.received(at: 20.5)
        #expect(!pace.isSlow && !pace.mustWait(.first, at: 20.5) && pace.room == 4096)
    }

    @Test(
        "normal messages wait for the receipt, large ones for a wide line, and urgent ones for a late receipt alone"
    )
    func precedence() {
        var pace = quick(at: -1)
        #expect(!pace.mustWait(.large, at: 0) && !pace.mustWait(.normal, at: 0))
        #expect(send(&pace, 1200, at: 0))
        #expect(!pace.mustWait(.early, at: 0.5) && !pace.mustWait(.first, at: 0.5))
        #expect(pace.mustWait(.normal, at: 0) && pace.mustWait(.large, at: 0))
        #expect(pace.mustWait(.early, at: 1.5) && pace.mustWait(.first, at: 1.5))
        pace.received(at: 2)
        // The line is slow, but not narrow.
        #expect(pace.mustWait(.large, at: 2) && !pace.mustWait(.normal, at: 2))
        #expect(send(&pace, 1200, at: 2))
        pace.received(at: 2.1)
        #expect(!pace.mustWait(.large, at: 2.1))
        #expect(send(&pace, 1200, at: 3))
        pace.received(at: 7)
        #expect(pace.mustWait(.large, at: 7) && !pace.mustWait(.normal, at: 7))
    }

    @Test("after a large message no other is sent before its receipt")
    func large() {
        var pace = LinePace()
        #expect(send(&pace, 10, at: 0))
        pace.received(at: 0)
        #expect(!pace.mustWait(.large, at: 0))
        pace.sent(48_000, receipt: 2, isLarge: true, at: 0)
        #expect(pace.mustWait(.first, at: 0) && pace.mustWait(.large, at: 0, hasReceived: true))
        pace.received(at: 0.1)
        #expect(!pace.mustWait(.first, at: 0.1))
    }

    @Test("a connection whose receipt does not come is overdue")
    func overdue() {
        var pace = quick(at: 990)
        #expect(!pace.isOverdue(25, at: 1000))
        #expect(send(&pace, 3000, identifier: 1, at: 1000))
        #expect(!send(&pace, 2000, at: 1000.1))
        #expect(send(&pace, 100, identifier: 2, at: 1000.1))
        #expect(!pace.isOverdue(25, at: 1025))
        #expect(pace.isOverdue(25, at: 1025.1))
        pace.received(at: 1020)
        #expect(!pace.isOverdue(25, at: 1045))
        #expect(pace.isOverdue(25, at: 1045.1))
    }

    @Test("the next connection knows that there are no receipts, or that large messages have to wait")
    func after() {
        var silent = LinePace()
        #expect(send(&silent, 10, at: 0))
        #expect(silent.next(isOverdue: true, at: 25).isGivenUp)
        #expect(!silent.next(isOverdue: false, at: 25).isGivenUp)
        silent.received(at: 1)
        #expect(send(&silent, 10, at: 2))
        #expect(!silent.next(isOverdue: true, at: 27).isGivenUp)
        silent.sent(48_000, receipt: 9, isLarge: true, at: 3)
        var next = silent.next(isOverdue: true, at: 30)
        #expect(send(&next, 10, at: 30))
        next.received(at: 30.001)
        #expect(next.mustWait(.large, at: 629) && !next.mustWait(.large, at: 631))
        // A connection that ended for another reason in between changes nothing.
        #expect(next.next(isOverdue: false, at: 40).next(isOverdue: false, at: 50).isNarrow == nil)
    }

    @Test("the time to arrive is known on a slow line, behind the messages that were sent before")
    func transit() {
        var pace = quick(at: -1)
        #expect(send(&pace, 3000, at: 0))
        #expect(pace.transit(600) == 0)
        pace.received(at: 10)
        #expect(pace.transit(600) == 2)
        #expect(send(&pace, 600, at: 10))
        #expect(pace.transit(600) == 4)
    }
}

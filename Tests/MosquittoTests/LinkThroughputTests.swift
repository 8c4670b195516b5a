import Testing
import MQTT

@testable import Mosquitto

@Suite("Rate of a line, by receipts")
struct LinkThroughputTests {
    /// Sends one message, as the link does.
    private func send(
        _ throughput: inout LinkThroughput, _ bytes: Int, pending: Int = 0, identifier: Int32 = 1, at now: Double
    )
        -> Bool
    {
        let hasReceipt = throughput.wantsReceipt(bytes, at: now, pending: pending)
        throughput.sent(bytes, receipt: hasReceipt ? identifier : nil, at: now)
        return hasReceipt
    }

    /// A line that has given its first receipt at once.
    private func quick(at now: Double = 0) -> LinkThroughput {
        var throughput = LinkThroughput()
        #expect(send(&throughput, 10, at: now))
        throughput.received(at: now)
        return throughput
    }

    @Test("before the first receipt one batch is sent, and each of its messages asks for a receipt")
    func first() {
        var throughput = LinkThroughput()
        #expect(!throughput.mustWait(.first, at: 0))
        #expect(send(&throughput, 10, at: 0) && send(&throughput, 10, at: 0))
        #expect(
            throughput.mustWait(.first, at: 0) && throughput.mustWait(.early, at: 0)
                && throughput.mustWait(.normal, at: 0))
        throughput.received(at: 0.001)
        #expect(!throughput.isSlow && !throughput.mustWait(.first, at: 0.001))
    }

    @Test(
        "a few bytes with a quick receipt prove nothing: a slow line stays slow until it carries two kilobytes a second"
    )
    func proof() {
        var throughput = LinkThroughput()
        // A status behind subscriptions, on a line of 300 bytes a second.
        throughput.sent(230, receipt: nil, at: 0)
        #expect(send(&throughput, 26, at: 0))
        throughput.received(at: 0.85)
        #expect(throughput.isSlow && throughput.isNarrow == false && throughput.rate == 301)
        #expect(send(&throughput, 1380, at: 1))
        #expect(throughput.transit(1670) > 10)
        throughput.received(at: 5.6)
        #expect(throughput.isSlow && throughput.rate == 300)
        // A short message shows nothing of the rate once the rate is known.
        #expect(send(&throughput, 26, at: 6))
        throughput.received(at: 6.6)
        #expect(throughput.isSlow && throughput.rate == 300)
        #expect(send(&throughput, 1380, at: 7))
        throughput.received(at: 7.5)
        #expect(!throughput.isSlow && throughput.rate == 2760)
    }

    @Test("one message a second carries a receipt, and one every two kilobytes")
    func receipts() {
        var throughput = quick(at: -1)
        #expect(send(&throughput, 1500, at: 0))
        #expect(!send(&throughput, 1500, at: 0.1))
        #expect(send(&throughput, 600, at: 0.2))
        #expect(!send(&throughput, 10, at: 1.0))
        #expect(send(&throughput, 10, at: 1.2))
    }

    @Test("a line that is slow for a minute is reported as narrow, until it is quick")
    func persistence() {
        var throughput = LinkThroughput()
        for second in 0..<60 {
            let now = Double(second)
            #expect(send(&throughput, 10, at: now))
            throughput.received(at: now + 0.95)
            #expect(throughput.isSlow && throughput.isNarrow == false)
        }
        #expect(send(&throughput, 10, at: 60))
        throughput.received(at: 60.95)
        #expect(throughput.isNarrow == true)
        #expect(send(&throughput, 2000, at: 61))
        throughput.received(at: 61.1)
        #expect(throughput.isNarrow == false && !throughput.isSlow)
        #expect(send(&throughput, 10, at: 62))
        throughput.received(at: 62.95)
        #expect(throughput.isNarrow == false)
    }

    @Test("a line without receipts holds no message back")
    func none() {
        var throughput = LinkThroughput()
        #expect(throughput.isNarrow == nil)
        #expect(send(&throughput, 1200, at: 0))
        throughput.giveUp()
        #expect(
            throughput.isNarrow == false && !throughput.mustWait(.normal, at: 100)
                && !throughput.mustWait(.large, at: 100))
        #expect(!send(&throughput, 1200, at: 100))
    }

    @Test("no receipt is asked for where the library would hold the message back")
    func quota() {
        var throughput = LinkThroughput()
        #expect(!send(&throughput, 10, pending: 10, at: 0))
        #expect(send(&throughput, 10, pending: 9, at: 0))
        throughput.limit(to: 1)
        #expect(!send(&throughput, 10, pending: 1, at: 2))
        #expect(send(&throughput, 10, pending: 0, at: 2))
        throughput.limit(to: 65_535)
        #expect(!send(&throughput, 10, pending: 10, at: 4))
        #expect(throughput.hasQuota(pending: 9) && !throughput.hasQuota(pending: 10))
    }

    @Test("on a line that always carries something no receipt looks late because of those after it")
    func steady() {
        var throughput = LinkThroughput()
        #expect(send(&throughput, 10, at: 0))
        throughput.received(at: 0)
        for step in 0..<100 {
            let now = Double(step) * 0.07
            #expect(!send(&throughput, 2000, at: now))
            #expect(send(&throughput, 100, at: now))
            // Each message takes 80 ms, so one is always on its way.
            if step > 0 { throughput.received(at: now + 0.01) }
            #expect(!throughput.isSlow && !throughput.mustWait(.first, at: now))
            #expect(throughput.mustWait(.normal, at: now) && !throughput.mustWait(.normal, at: now, hasReceived: true))
        }
        #expect(throughput.isAwaiting && throughput.room > 4096)
    }

    @Test("after a late receipt one batch is sent at a time, and each of its messages asks for a receipt")
    func slow() {
        var throughput = quick(at: -1)
        #expect(send(&throughput, 3000, at: 0))
        #expect(!throughput.mustWait(.first, at: 0.9) && throughput.mustWait(.first, at: 1.1))
        throughput.received(at: 10)
        #expect(throughput.isSlow && throughput.isNarrow == true && throughput.rate == 300 && throughput.room == 300)
        #expect(!throughput.mustWait(.first, at: 10))
        #expect(send(&throughput, 1200, identifier: 2, at: 10))
        #expect(throughput.mustWait(.first, at: 10) && throughput.mustWait(.first, at: 10, hasReceived: true))
        #expect(send(&throughput, 1800, pending: 1, identifier: 3, at: 10))
        #expect(throughput.nextReceipt == 2)
        throughput.received(at: 14)
        #expect(throughput.mustWait(.first, at: 14))
        throughput.received(at: 20)
        #expect(throughput.rate == 300)
        #expect(send(&throughput, 1500, at: 20))
        throughput.received(at: 20.5)
        #expect(!throughput.isSlow && !throughput.mustWait(.first, at: 20.5) && throughput.room == 4096)
    }

    @Test(
        "normal messages wait for the receipt, large ones for a wide line, and urgent ones for a late receipt alone"
    )
    func precedence() {
        var throughput = quick(at: -1)
        #expect(!throughput.mustWait(.large, at: 0) && !throughput.mustWait(.normal, at: 0))
        #expect(send(&throughput, 1200, at: 0))
        #expect(!throughput.mustWait(.early, at: 0.5) && !throughput.mustWait(.first, at: 0.5))
        #expect(throughput.mustWait(.normal, at: 0) && throughput.mustWait(.large, at: 0))
        #expect(throughput.mustWait(.early, at: 1.5) && throughput.mustWait(.first, at: 1.5))
        throughput.received(at: 2)
        // The line is slow, but not narrow.
        #expect(throughput.mustWait(.large, at: 2) && !throughput.mustWait(.normal, at: 2))
        #expect(send(&throughput, 1200, at: 2))
        throughput.received(at: 2.1)
        #expect(!throughput.mustWait(.large, at: 2.1))
        #expect(send(&throughput, 1200, at: 3))
        throughput.received(at: 7)
        #expect(throughput.mustWait(.large, at: 7) && !throughput.mustWait(.normal, at: 7))
    }

    @Test("after a large message no other is sent before its receipt")
    func large() {
        var throughput = LinkThroughput()
        #expect(send(&throughput, 10, at: 0))
        throughput.received(at: 0)
        #expect(!throughput.mustWait(.large, at: 0))
        throughput.sent(48_000, receipt: 2, isLarge: true, at: 0)
        #expect(throughput.mustWait(.first, at: 0) && throughput.mustWait(.large, at: 0, hasReceived: true))
        throughput.received(at: 0.1)
        #expect(!throughput.mustWait(.first, at: 0.1))
    }

    @Test("a connection whose receipt does not come is overdue")
    func overdue() {
        var throughput = quick(at: 990)
        #expect(!throughput.isOverdue(25, at: 1000))
        #expect(send(&throughput, 3000, identifier: 1, at: 1000))
        #expect(!send(&throughput, 2000, at: 1000.1))
        #expect(send(&throughput, 100, identifier: 2, at: 1000.1))
        #expect(!throughput.isOverdue(25, at: 1025))
        #expect(throughput.isOverdue(25, at: 1025.1))
        throughput.received(at: 1020)
        #expect(!throughput.isOverdue(25, at: 1045))
        #expect(throughput.isOverdue(25, at: 1045.1))
    }

    @Test("the next connection knows that there are no receipts, or that large messages have to wait")
    func after() {
        var silent = LinkThroughput()
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
        var throughput = quick(at: -1)
        #expect(send(&throughput, 3000, at: 0))
        #expect(throughput.transit(600) == 0)
        throughput.received(at: 10)
        #expect(throughput.transit(600) == 2)
        #expect(send(&throughput, 600, at: 10))
        #expect(throughput.transit(600) == 4)
    }
}

import Testing

@testable import Mosquitto

@Suite("Pace of a line, by receipts")
struct LinePaceTests {
    /// One message, as the link sends it.
    private func send(_ pace: inout LinePace, _ bytes: Int, pending: Int = 0, identifier: Int32 = 1, at now: Double) -> Bool {
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
        #expect(pace.isNarrow == false && !pace.mustWait(at: 100))
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
        #expect(!pace.mustWait(at: 1))
        pace.received(at: 1)
        #expect(!pace.isSlow && pace.isNarrow == false && pace.awaited == nil)
    }

    @Test("after a late receipt one batch is sent at a time, all of it with receipts")
    func slow() {
        var pace = LinePace()
        #expect(send(&pace, 1200, at: 0))
        #expect(pace.mustWait(at: 1.1))
        pace.received(at: 4)
        #expect(pace.isSlow && pace.isNarrow == true && pace.room == 300)
        #expect(!pace.mustWait(at: 4))
        #expect(send(&pace, 1200, identifier: 2, at: 4))
        #expect(pace.mustWait(at: 4))
        #expect(send(&pace, 600, pending: 1, identifier: 3, at: 4))
        #expect(pace.awaited?.identifier == 3 && pace.awaited?.since == 4)
        pace.received(at: 10)
        #expect(pace.room == 300)
        #expect(send(&pace, 10, at: 10))
        pace.received(at: 10.5)
        #expect(!pace.isSlow && !pace.mustWait(at: 10.5))
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

    @Test("urgent batches and others go by turns")
    func turns() {
        var pace = LinePace()
        #expect(pace.nextBatch() == .first ... .early)
        #expect(pace.nextBatch() == .normal ... .normal)
        #expect(pace.nextBatch() == .first ... .early)
    }
}

import TestSupport
import Testing

@testable import Mosquitto

@Suite("Back-off")
struct BackoffTests {
    @Test("the wait is 1 s, then 2 s for half a minute, then 4 s and 8 s")
    func steps() {
        var backoff = Backoff()
        #expect((0..<20).map { _ in backoff.wait(random: 0) } == [1] + Array(repeating: 2, count: 15) + [4, 8, 8, 8])
        backoff.reset()
        #expect((0..<2).map { _ in backoff.wait(random: 0) } == [1, 2])
    }

    @Test(
        "jitter spreads the early waits over a second and adds a quarter to the others: 10 s at most",
        arguments: [0.0, 0.5, 0.999])
    func jitter(random: Double) {
        var backoff = Backoff()
        let waits = (0..<30).map { _ in backoff.wait(random: random) }
        #expect(waits[0] >= 1 && waits[0] <= 1.25)
        #expect(waits[1...9].allSatisfy { $0 == 2 + random })
        #expect(waits.allSatisfy { $0 <= 10 } && waits[29] >= 8)
    }

    @Test(
        "after an outage of 1 to 14 s an attempt follows within 3 s of its end, with any random numbers",
        arguments: 1...200 as ClosedRange<UInt64>)
    func outage(seed: UInt64) {
        var random = SeededRandom(seed)
        for outage in stride(from: 1.0, through: 14, by: 0.25) {
            var backoff = Backoff()
            var attempt = 0.0
            while attempt < outage { attempt += backoff.wait(random: Double.random(in: 0..<1, using: &random)) }
            #expect(attempt - outage <= 3, "\(outage) s: \(attempt) s")
        }
    }
}

import Testing

@testable import Mosquitto

@Suite("Back-off")
struct BackoffTests {
    @Test("waits double from 1 s to 8 s")
    func doubling() {
        var backoff = Backoff()
        #expect((0..<6).map { _ in backoff.wait(random: 0) } == [1, 2, 4, 8, 8, 8])
        backoff.reset()
        #expect(backoff.wait(random: 0) == 1)
    }

    @Test("jitter adds at most a quarter, to the longest wait, too: 10 s", arguments: [0.0, 0.5, 0.999])
    func jitter(random: Double) {
        var backoff = Backoff()
        for base in [1.0, 2, 4, 8, 8] {
            let wait = backoff.wait(random: random)
            #expect(wait >= base && wait <= base * 1.25)
        }
    }
}

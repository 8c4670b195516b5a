import LinuxIO
import Testing

@Suite("A lock")
struct LockTests {
    private static let rounds = 100_000

    /// Sums up and frees the array now and then. A lost change shows in the sum, a shared one in the sanitizers.
    private static func count(_ lock: Lock<[Int]>) {
        for round in 0..<rounds {
            lock.withLock { values in
                if values.count >= 64 { values = [values.reduce(0, +)] }
                values.append(round)
            }
        }
    }

    @Test("Two threads that use the lock at once lose none of their changes")
    func contended() {
        let lock = Lock<[Int]>([])
        let hasEnded = EventDescriptor()
        let isStarted = OwnThread.start("lock-test") {
            Self.count(lock)
            hasEnded.set()
        }
        #expect(isStarted)
        Self.count(lock)
        #expect(hasEnded.wait(seconds: 60))
        #expect(lock.withLock { $0.reduce(0, +) } == Self.rounds * (Self.rounds - 1))
    }

    @Test("A closure that throws keeps its change and releases the lock")
    func throwing() {
        struct Refusal: Error {}
        let lock = Lock(1)
        #expect(throws: Refusal.self) {
            try lock.withLock { value throws(Refusal) in
                value = 2
                throw Refusal()
            }
        }
        #expect(lock.withLock { $0 } == 2)
    }

    @Test("A thread that locks twice ends the program and does not wait for itself")
    func takenTwice() async {
        await #expect(processExitsWith: .failure) {
            let lock = Lock(1)
            lock.withLock { _ in lock.withLock { $0 = 2 } }
        }
    }
}

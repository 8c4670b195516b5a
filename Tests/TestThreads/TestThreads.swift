import Glibc
import LinuxIO
public import Testing

/// Threads for tests that would hold up others.
///
/// All tests begin at once, in a pool with one thread for each processor, and in no order. A test that waits for a process would keep a
/// processor idle there, and one that calculates for seconds would keep those that wait from beginning.
private final class TestThreads: TaskExecutor {
    static let waiting = TestThreads(count: 4)
    static let calculating = TestThreads(count: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))

    private let jobs = Lock([UnownedJob]())
    /// Count of ``jobs``, on the heap because the C library needs an address that never changes.
    private nonisolated(unsafe) let pending = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    private init(count: Int) {
        sem_init(pending, 0, 0)
        for _ in 0..<count {
            var thread = pthread_t()
            let this = Unmanaged.passRetained(self).toOpaque()
            pthread_create(
                &thread, nil,
                { argument in
                    if let argument { Unmanaged<TestThreads>.fromOpaque(argument).takeUnretainedValue().run() }
                    return nil
                }, this)
            pthread_detach(thread)
        }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
        sem_post(pending)
    }

    private func run() {
        while true {
            guard sem_wait(pending) == 0 else { continue }
            jobs.withLock { $0.removeFirst() }.runSynchronously(on: asUnownedTaskExecutor())
        }
    }
}

/// The threads on which the tests of a suite run.
public struct ThreadsTrait: SuiteTrait, TestTrait, TestScoping {
    /// The tests wait for processes, ports and clocks; else they calculate for a second or more.
    fileprivate let isWaiting: Bool

    /// A suite passes the trait on to its tests.
    public var isRecursive: Bool { true }

    /// Runs a test on the threads of the trait.
    ///
    /// - Throws: the error of the test.
    @concurrent public func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(isWaiting ? TestThreads.waiting : TestThreads.calculating) {
            try await function()
        }
    }
}

extension Trait where Self == ThreadsTrait {
    /// The tests wait for processes, ports or clocks.
    public static var waits: Self { ThreadsTrait(isWaiting: true) }

    /// The tests calculate for a second or more.
    public static var calculates: Self { ThreadsTrait(isWaiting: false) }
}

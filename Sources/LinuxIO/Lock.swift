public import Glibc

/// A value that one thread at a time reads and changes.
///
/// `Synchronization.Mutex` is not used: on Linux it waits for a lock in the kernel (`FUTEX_LOCK_PI`), and the thread sanitizer does not see
/// how the kernel hands that lock over, so that everything done under a contended `Mutex` is reported as a race. The sanitizer knows a
/// mutex of the C library, and a real race stays visible.
public final class Lock<Value: Sendable>: @unchecked Sendable {
    /// The mutex is on the heap: the C library needs an address that never changes.
    @usableFromInline
    let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    @usableFromInline
    var value: Value

    /// Creates a lock that nobody holds. The value has a size: one without lies at the address of the object itself, which each thread reads
    /// before it has the lock, and the thread sanitizer calls that a race.
    public init(_ value: Value) {
        assert(MemoryLayout<Value>.size > 0, "a lock guards a value")
        self.value = value
        var attributes = pthread_mutexattr_t()
        pthread_mutexattr_init(&attributes)
        // A thread that takes the lock twice ends the program, as with `Mutex`, instead of waiting for itself forever.
        pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_ERRORCHECK))
        pthread_mutex_init(mutex, &attributes)
        pthread_mutexattr_destroy(&attributes)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    // Inlinable: the bridge's whole state goes through here with each frame, and a generic function of another module would
    // look up how to copy it each time.
    /// Waits until no other thread holds the lock, and lets go when the body ends or throws. A body that takes the same lock ends the
    /// program.
    @inlinable
    public func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let failure = pthread_mutex_lock(mutex)
        precondition(failure == 0, "a thread took a lock that it holds")
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}

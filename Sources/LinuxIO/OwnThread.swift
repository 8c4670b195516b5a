import CLinux
import Glibc

/// A thread of the system for work that blocks: network and serial loops have no place on Swift's cooperative pool.
public enum OwnThread {
    /// Starts a detached thread that runs the body and ends.
    ///
    /// - Parameter name: the name that `ps -T` shows, 15 characters at most.
    /// - Returns: `false` when the system has no thread to give.
    public static func start(_ name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
        var thread = pthread_t()
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        defer { pthread_attr_destroy(&attributes) }
        let job = Unmanaged.passRetained(Job(name: name, body: body))
        let result = pthread_create(&thread, &attributes, runJob, job.toOpaque())
        if result != 0 { job.release() }
        return result == 0
    }
}

private final class Job: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

/// A function at file scope and not a closure: a function that C calls must not be isolated to an actor.
private func runJob(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let job = Unmanaged<Job>.fromOpaque(argument).takeRetainedValue()
    clinux_name_thread(job.name)
    job.body()
    return nil
}

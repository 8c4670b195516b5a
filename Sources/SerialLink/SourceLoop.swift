public import LinuxIO
import Synchronization

/// Reads many sources on one thread: opens them, reads, and opens again forever. A recording has a thread of its own.
///
/// An event is handed to a function on the thread that read it: no other thread has to wake up first. A source that floods gives 4096 bytes
/// in its turn and then waits for all others.
public final class SourceLoop: Sendable {
    /// Takes an event of a source, by the source's index. The result is `false` when more should not follow at once: a recording then waits
    /// a little, and all other sources keep their own pace.
    public typealias Handler = @Sendable (Int, SourceEvent) -> Bool

    private let core: SourceCore
    private let work: [@Sendable () -> Void]
    private let isStarted = Lock(false)

    /// Creates a loop over sources; simulators are left out.
    ///
    /// - Parameters:
    ///   - options: times and places.
    ///   - ended: called once, after the last event.
    ///   - handler: called on the loop's threads.
    public init(
        _ addresses: [SourceAddress], options: ByteSource.Options = ByteSource.Options(),
        ended: @escaping @Sendable () -> Void = {}, handler: @escaping Handler
    ) {
        let core = SourceCore(options, handler: handler, ended: ended)
        var polled: [PolledSource] = []
        var work: [@Sendable () -> Void] = []
        for (index, address) in addresses.enumerated() {
            if case .replay(let path, let speed) = address {
                work.append { Replay(core, index: index, path: path, speed: speed).run() }
            } else if let opening = SourceOpening(address, core) {
                polled.append(PolledSource(index: index, opening: opening))
            }
        }
        if !polled.isEmpty {
            let polled = polled
            work.append {
                var thread = SourceThread(core, polled)
                thread.run()
            }
        }
        self.core = core
        self.work = work
    }

    deinit { stop() }

    /// The heartbeat of the reading thread: overdue when an event is not taken in time; at rest while the sources send nothing.
    public var heartbeat: Heartbeat { core.heartbeat }

    /// Starts the threads; a second call does nothing.
    ///
    /// - Returns: `false` when the system has no thread to give.
    @discardableResult
    public func start() -> Bool {
        isStarted.withLock { isStarted in
            guard !isStarted else { return true }
            isStarted = true
            let core = core
            core.running.store(work.count, ordering: .relaxed)
            if work.isEmpty { core.end() }
            var isComplete = true
            for body in work {
                let hasThread = OwnThread.start("serial") {
                    body()
                    core.leave()
                }
                if !hasThread { core.leave() }
                isComplete = isComplete && hasThread
            }
            return isComplete
        }
    }

    /// Ends the threads soon.
    public func stop() { core.stop.set() }

    /// Waits until all sources are closed after ``stop()``.
    ///
    /// - Returns: `false` when the closing took longer.
    @discardableResult
    public func waitForEnd(seconds: Double) -> Bool {
        guard isStarted.withLock({ $0 }) else { return true }
        return core.finished.wait(seconds: seconds)
    }
}

/// State that the threads of a loop and its owner share.
final class SourceCore: Sendable {
    let options: ByteSource.Options
    let stop = EventDescriptor()
    let finished = EventDescriptor()
    let running = Atomic(0)
    let heartbeat = Heartbeat()
    private let handler: SourceLoop.Handler
    private let ended: @Sendable () -> Void

    init(_ options: ByteSource.Options, handler: @escaping SourceLoop.Handler, ended: @escaping @Sendable () -> Void) {
        self.options = options
        self.handler = handler
        self.ended = ended
    }

    /// Hands an event on; `false` when it is better to wait before the next.
    @discardableResult
    func report(_ event: SourceEvent, of index: Int) -> Bool { handler(index, event) }

    /// Waits; `true` when told to stop.
    func pause(seconds: Double) -> Bool { stop.wait(seconds: seconds) }

    /// Counts a thread that is done; the last one ends the loop.
    func leave() {
        if running.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { end() }
    }

    func end() {
        ended()
        finished.set()
    }
}

import Glibc
import LinuxIO
import Synchronization

/// A source on a thread of its own: opens, reads, and opens again for ever. The bridge never waits for it.
public final class ByteSource: Sendable {
    /// News in order. Bounded: when nobody reads, the oldest is lost, and the frame stream finds its way again.
    public let events: AsyncStream<SourceEvent>
    private let core: SourceCore
    private let work: @Sendable (SourceCore) -> Void
    private let isStarted = Mutex(false)

    /// A source for an address; a simulator has none.
    ///
    /// - Parameters:
    ///   - options: times and places, see ``Options``.
    public convenience init?(_ address: SourceAddress, options: Options = Options()) {
        switch address {
        case .serial(let path):
            self.init(options) { core in
                DescriptorLoop(core, name: path, silence: nil) { () throws(SerialError) in try SerialPort.open(path) }
                    .run()
            }
        case .serialAuto:
            self.init(options) { core in
                let folder = core.options.cableFolder
                DescriptorLoop(core, name: "serial:auto", silence: nil) { () throws(SerialError) in
                    try SerialPort.open(SerialCable.find(in: folder))
                }.run()
            }
        case .tcp(let host, let port):
            self.init(options) { core in
                let connection = TCPConnection(host: host, port: port, stop: core.stop)
                DescriptorLoop(core, name: connection.name, silence: core.options.tcpSilence) {
                    () throws(SerialError) in try connection.open()
                }.run()
            }
        case .replay(let path, let speed):
            self.init(options) { core in Replay(core, path: path, speed: speed).run() }
        case .simulator: return nil
        }
    }

    private init(_ options: Options, _ work: @escaping @Sendable (SourceCore) -> Void) {
        let (stream, continuation) = AsyncStream.makeStream(
            of: SourceEvent.self, bufferingPolicy: .bufferingNewest(1024))
        events = stream
        core = SourceCore(options, continuation)
        self.work = work
    }

    deinit { stop() }

    /// Starts the thread; once.
    ///
    /// - Returns: `false` when the system has no thread to give.
    @discardableResult
    public func start() -> Bool {
        isStarted.withLock { isStarted in
            guard !isStarted else { return true }
            let core = core
            let work = work
            isStarted = OwnThread.start("serial") {
                work(core)
                core.continuation.finish()
            }
            return isStarted
        }
    }

    /// Ends the thread soon; the events end.
    public func stop() { core.stop.set() }
}

extension ByteSource {
    /// What differs between a bridge, a test and a recording.
    public struct Options: Sendable {
        /// Seconds of silence after which a TCP connection counts as half open.
        public var tcpSilence = 60.0
        /// Where the system lists serial ports by their USB names.
        public var cableFolder = "/dev/serial/by-id"
        /// Wait before each attempt after the first; replaced in tests.
        public var delay: @Sendable (inout ReopenDelay) -> Double = { $0.next(random: Double.random(in: 0..<1)) }

        /// The defaults above.
        public init() {}
    }
}

/// What a source's thread and its owner share.
final class SourceCore: Sendable {
    let options: ByteSource.Options
    let continuation: AsyncStream<SourceEvent>.Continuation
    let stop = EventDescriptor()

    init(_ options: ByteSource.Options, _ continuation: AsyncStream<SourceEvent>.Continuation) {
        self.options = options
        self.continuation = continuation
    }

    /// Hands an event on.
    ///
    /// - Returns: how many more fit before the oldest is lost.
    @discardableResult
    func report(_ event: SourceEvent) -> Int {
        if case .enqueued(let remaining) = continuation.yield(event) { remaining } else { 0 }
    }

    /// Waits; `true` when told to stop.
    func pause(seconds: Double) -> Bool { stop.wait(seconds: seconds) }
}

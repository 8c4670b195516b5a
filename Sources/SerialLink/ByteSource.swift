public import LinuxIO

/// One source that is opened, read, and opened again forever, with its news as a stream.
public final class ByteSource: Sendable {
    /// News in order. The buffer is bounded: when nobody reads, the oldest event is lost, and the frame stream finds its way again.
    public let events: HandoverStream<SourceEvent>
    private let loop: SourceLoop

    /// Creates a source for an address; `nil` for a simulator, which is not read.
    ///
    /// - Parameters:
    ///   - options: times and places, see ``Options``.
    public init?(_ address: SourceAddress, options: Options = Options()) {
        if case .simulator = address { return nil }
        let (stream, continuation) = HandoverStream<SourceEvent>.make(.bufferingNewest(1024))
        events = stream
        loop = SourceLoop([address], options: options, ended: { continuation.finish() }) { _, event in
            // A recording is faster than any reader: it waits while little room is left.
            if case .enqueued(let remaining) = continuation.yield(event) { remaining > 128 } else { false }
        }
    }

    /// Starts to read; a second call does nothing.
    ///
    /// - Returns: `false` when the system has no thread to give.
    @discardableResult
    public func start() -> Bool { loop.start() }

    /// Ends the reading, and then the events, soon.
    public func stop() { loop.stop() }
}

extension ByteSource {
    /// Settings that differ between a bridge, a test and a recording.
    public struct Options: Sendable {
        /// Seconds of silence after which a TCP connection counts as half open.
        public var tcpSilence = 60.0
        /// Seconds by which the reading thread may be late; bytes that waited longer are thrown away, because their age is unknown.
        public var longestDelay = 3.0
        /// Seconds since boot, suspend included; replaced in tests.
        public var clock: @Sendable () -> Double = { MonotonicTime.sinceBoot() }
        /// Folders in which the system lists serial ports.
        public var cableFolders = SerialCable.Folders()
        /// Wait before each attempt after the first; replaced in tests.
        public var delay: @Sendable (inout ReopenDelay) -> Double = { $0.next(random: Double.random(in: 0..<1)) }

        /// Creates the default options.
        public init() {}
    }
}

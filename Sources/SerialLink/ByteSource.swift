import LinuxIO

/// One source, opened, read, and opened again for ever, with its news as a stream.
public final class ByteSource: Sendable {
    /// News in order. Bounded: when nobody reads, the oldest is lost, and the frame stream finds its way again.
    public let events: SourceEvents
    private let loop: SourceLoop

    /// A source for an address; a simulator has none.
    ///
    /// - Parameters:
    ///   - options: times and places, see ``Options``.
    public init?(_ address: SourceAddress, options: Options = Options()) {
        if case .simulator = address { return nil }
        let (stream, continuation) = AsyncStream.makeStream(
            of: SourceEvent.self, bufferingPolicy: .bufferingNewest(1024))
        let handover = Handover()
        events = SourceEvents(stream: stream, handover: handover)
        loop = SourceLoop([address], options: options, ended: { continuation.finish() }) { _, event in
            handover.give()
            // A recording is faster than any reader: it waits while little room is left.
            if case .enqueued(let remaining) = continuation.yield(event) { return remaining > 128 }
            return false
        }
    }

    /// Starts to read; once.
    ///
    /// - Returns: `false` when the system has no thread to give.
    @discardableResult
    public func start() -> Bool { loop.start() }

    /// Ends soon; the events end.
    public func stop() { loop.stop() }
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

/// News of a ``ByteSource``, for one reader.
public struct SourceEvents: AsyncSequence, Sendable {
    let stream: AsyncStream<SourceEvent>
    let handover: Handover

    /// Reads the events.
    public struct Iterator: AsyncIteratorProtocol {
        var base: AsyncStream<SourceEvent>.Iterator
        let handover: Handover

        /// The next event; `nil` after the source was stopped.
        public mutating func next(isolation actor: isolated (any Actor)?) async -> SourceEvent? {
            let event = await base.next(isolation: actor)
            handover.take()
            return event
        }

        /// The next event; `nil` after the source was stopped.
        public mutating func next() async -> SourceEvent? { await next(isolation: #isolation) }
    }

    /// An iterator; there is one reader.
    public func makeAsyncIterator() -> Iterator { Iterator(base: stream.makeAsyncIterator(), handover: handover) }
}

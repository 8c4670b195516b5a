public import BMSCore

/// Turns bytes in any chunking into frames: slides one byte at a time until 58 bytes obey the ``FrameValidator``.
///
/// No clock is needed to resynchronise, so late reads, double reads and single bytes cost nothing. A window that fails
/// is never repaired and never skipped whole: a good frame may begin inside it.
public struct FrameStream: Sendable {
    /// The rules that a window must obey.
    public let rules: FrameValidator
    /// Counters of frames that were taken and of frames that were refused.
    public private(set) var counters = LinkCounters()
    /// The last window that looked like a frame and was refused, for diagnosis.
    public private(set) var lastRejected: RejectedFrame?

    private var buffer: [UInt8] = []
    private var head = 0
    /// Times at which the bytes of the buffer came, each with the place from which on it holds, in order.
    private var times: [(place: Int, time: Timestamp)] = []
    /// Time of the first byte of the window that ``next()`` returned last; `nil` where the time was not given.
    private(set) var begin: Timestamp?
    /// A frame is due at the next window.
    private var isAligned = false
    private var hasFoundFrame = false
    /// Number of bytes to come that may belong to no good frame without being damaged: the end of a frame whose beginning was sent before
    /// the source was opened, or of a frame whose sum was right and whose content was refused.
    private var excused = FrameLayout.length - 1
    /// Number of pushed bytes that the line must have damaged.
    public private(set) var damagedBytes = 0

    /// An empty stream.
    public init(rules: FrameValidator = FrameValidator()) { self.rules = rules }

    /// Bytes that wait for the rest of their frame.
    var pending: Int { buffer.count - head }

    /// Takes bytes as they were read. Call ``next()`` until it returns `nil` before the next push: fewer than 58 bytes then stay buffered.
    ///
    /// - Parameter now: time at which the bytes came; `nil` where nobody asks for ``begin``.
    public mutating func push(_ bytes: [UInt8], at now: Timestamp? = nil) {
        buffer.removeFirst(head)
        times = times.map { ($0.place - head, $0.time) }
        // Of the entries at or before the first byte, the last one is valid.
        if let first = times.lastIndex(where: { $0.place <= 0 }) { times.removeFirst(first) }
        if buffer.isEmpty { times = [] }
        head = 0
        if let now { times.append((buffer.count, now)) }
        buffer.append(contentsOf: bytes)
    }

    /// The next frame of the bytes so far whose signs and sum are right; `nil` when more bytes are needed.
    ///
    /// - Returns: the frame, or the refused frame and the rule that it breaks.
    public mutating func next() -> Result<Frame, RejectedFrame>? {
        while buffer.count - head >= FrameLayout.length {
            let window = rules.check(buffer.span.extracting(head..<(head + FrameLayout.length)))
            begin = times.last { $0.place <= head }?.time
            switch window {
            case .success:
                head += FrameLayout.length
                accept()
                return window
            case .failure(let rejected):
                head += 1
                reject(rejected)
                if rejected.frame != nil { return window }
            }
        }
        return nil
    }

    /// Takes bytes that claim to be one whole frame; a frame that ``next()`` would find inside them does not count.
    ///
    /// - Returns: the frame or its refusal, as from ``next()``; `nil` where the number of bytes, the signs or the sum are wrong.
    public mutating func take(_ window: Span<UInt8>) -> Result<Frame, RejectedFrame>? {
        guard window.count == FrameLayout.length else {
            counters.bytesDropped += window.count
            return nil
        }
        let result = rules.check(window)
        switch result {
        case .success:
            counters.framesAccepted += 1
        case .failure(let rejected):
            counters.bytesDropped += window.count
            counters.count(rejected.rejection)
            lastRejected = rejected
            if rejected.frame == nil { return nil }
        }
        return result
    }

    /// Counts a frame of this stream as rejected instead of accepted, because it was refused for the frames before it.
    mutating func refuse(_ rejection: Rejection) {
        counters.framesAccepted -= 1
        counters.bytesDropped += FrameLayout.length
        counters.count(rejection)
    }

    /// Forgets a half-received frame: the source was closed and opened again.
    public mutating func reset() {
        counters.bytesDropped += buffer.count - head
        times = []
        buffer.removeAll(keepingCapacity: true)
        head = 0
        isAligned = false
        excused = FrameLayout.length - 1
    }

    private mutating func accept() {
        if !isAligned && hasFoundFrame { counters.resyncs += 1 }
        isAligned = true
        hasFoundFrame = true
        excused = 0
        counters.framesAccepted += 1
    }

    /// Where no frame is due, a window without its sign bytes is noise, and noise is counted in bytes, not in frames.
    private mutating func reject(_ rejected: RejectedFrame) {
        counters.bytesDropped += 1
        if rejected.frame != nil {
            excused = FrameLayout.length - 1
        } else if excused > 0 {
            excused -= 1
        } else {
            damagedBytes += 1
        }
        if isAligned || rejected.rejection != .signs {
            counters.count(rejected.rejection)
            lastRejected = rejected
        }
        isAligned = false
    }
}

public import BMSCore

/// Bytes in any chunking to frames: slides one byte at a time until 58 bytes obey the ``FrameRules``.
///
/// No clock is needed to resynchronise, so late reads, double reads and single bytes cost nothing. A window that fails
/// is never repaired and never skipped whole: a good frame may begin inside it.
public struct FrameStream: Sendable {
    /// The rules that a window must obey.
    public let rules: FrameRules
    /// Counts of frames that were taken and that were not.
    public private(set) var counters = LinkCounters()
    /// The last window that looked like a frame and was refused, for diagnosis.
    public private(set) var lastRejected: RejectedFrame?

    private var buffer: [UInt8] = []
    private var head = 0
    /// When the bytes of the buffer came: from which place on, in order.
    private var times: [(place: Int, time: Timestamp)] = []
    /// When the first byte came of the window that ``next()`` returned last; `nil` where its time was not told.
    private(set) var begin: Timestamp?
    /// The next window is where a frame is due.
    private var isAligned = false
    private var hasFoundFrame = false
    /// Bytes to come that need no damage to be part of no good frame: the end of a frame whose beginning was sent before the
    /// source was opened, or of one whose sum was right and whose content was refused.
    private var excused = FrameLayout.length - 1
    /// Bytes of those pushed that the line must have damaged.
    public private(set) var damagedBytes = 0

    /// An empty stream.
    public init(rules: FrameRules = FrameRules()) { self.rules = rules }

    /// Bytes that wait for the rest of their frame.
    var pending: Int { buffer.count - head }

    /// Takes bytes as they were read. Call ``next()`` until it returns `nil` before the next push: what stays buffered
    /// is then below 58 bytes.
    ///
    /// - Parameter now: when they came; `nil` where nobody asks for ``begin``.
    public mutating func push(_ bytes: [UInt8], at now: Timestamp? = nil) {
        buffer.removeFirst(head)
        times = times.map { ($0.place - head, $0.time) }
        // Of the entries at or before the first byte the last one holds.
        if let first = times.lastIndex(where: { $0.place <= 0 }) { times.removeFirst(first) }
        if buffer.isEmpty { times = [] }
        head = 0
        if let now { times.append((buffer.count, now)) }
        buffer.append(contentsOf: bytes)
    }

    /// The next frame of the bytes so far whose signs and sum are right; `nil` when more bytes are needed.
    ///
    /// - Returns: the frame, or what it would have been and the rule that it breaks.
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

    /// Takes bytes that claim to be one whole frame; what ``next()`` would find inside them does not count.
    ///
    /// - Returns: as ``next()``; `nil` where their number, their signs or their sum is wrong.
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

    /// A frame of this stream was refused for what came before it: it counts as rejected, not as accepted.
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

import BMSCore
import SmartBMS

/// A way to find frames in bytes, and to use them.
protocol Acceptance {
    init()
    /// Frames that end in these bytes.
    mutating func frames(in bytes: [UInt8]) -> [Frame]
    /// Uses a frame from ``frames(in:)``.
    mutating func believe(_ frame: Frame, at now: Timestamp)
    /// Number of bytes given to ``frames(in:)`` that are known to be damaged.
    var damagedBytes: Int { get }
    /// The known values of the pack.
    var snapshot: PackSnapshot { get }
}

/// The way of the bridge: stream, rules, gate and votes.
struct WholeReceiver: Acceptance {
    private var stream = FrameStream()
    private var decoding = SnapshotBuilder()

    var snapshot: PackSnapshot { decoding.snapshot }
    var damagedBytes: Int { stream.damagedBytes }

    mutating func frames(in bytes: [UInt8]) -> [Frame] {
        stream.push(bytes)
        var frames: [Frame] = []
        while let window = stream.next() {
            if case .success(let frame) = window { frames.append(frame) }
        }
        return frames
    }

    mutating func believe(_ frame: Frame, at now: Timestamp) { decoding.take(frame, at: now) }
}

/// A way without checks: a window of 58 bytes with a right sum is a frame, and each frame is used.
struct SumOnly: Acceptance {
    /// The count is not used for this way.
    let damagedBytes = 0
    private var buffer: [UInt8] = []
    private(set) var snapshot = PackSnapshot()

    mutating func frames(in bytes: [UInt8]) -> [Frame] {
        buffer += bytes
        var frames: [Frame] = []
        var start = 0
        while buffer.count - start >= FrameLayout.length {
            let window = Array(buffer[start..<(start + FrameLayout.length)])
            let isRight = window.dropLast().reduce(0, &+) == window[FrameLayout.sum.offset]
            if isRight, let frame = FrameDecoder.decode(window) { frames.append(frame) }
            start += isRight ? FrameLayout.length : 1
        }
        buffer.removeFirst(start)
        return frames
    }

    mutating func believe(_ frame: Frame, at now: Timestamp) {
        snapshot.measurements = frame.measurements()
        (snapshot.measuredAt, snapshot.linkAt) = (now, now)
        snapshot.newestStatus = frame.status
        snapshot.permissions = frame.status.intersection(.permissions)
        snapshot.alarms = frame.status.subtracting(.permissions)
        snapshot.settings = frame.settings
        snapshot.chemistry = .lfp
    }
}

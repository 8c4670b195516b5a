public import BMSCore

/// Frames of a recording, each taken by itself: nothing is voted or confirmed. The decoding of a pack may believe something else.
public struct FrameInspector: Sendable {
    /// A frame of the recording.
    public struct Finding: Sendable {
        /// Contents of the frame, as if it were believed.
        public var snapshot: PackSnapshot
        /// Cell, from 1, whose own reading the frame carries; `nil` where there is none.
        public var slotCell: Int?
        /// The check of plausibility that the frame would not pass; `nil` where it passes all.
        public var violation: Rejection?
    }

    private var stream: FrameStream
    private var keys: SnapshotBuilder
    private let scale: TemperatureScale
    private let plausibility = FrameValidator.Plausibility()

    /// An inspector that has seen no byte.
    ///
    /// - Parameter isStrict: true refuses frames that are not plausible; false only marks them.
    public init(isStrict: Bool = false, temperatureScale: TemperatureScale = .measured) {
        stream = FrameStream(rules: isStrict ? FrameValidator() : .shapeOnly)
        scale = temperatureScale
        var options = SnapshotBuilder.Options()
        options.temperatureScale = temperatureScale
        keys = SnapshotBuilder(options)
    }

    /// Counters of all bytes that were pushed.
    public var counters: LinkCounters { stream.counters }

    /// Takes bytes as they were recorded. Call ``next(at:)`` until it returns `nil` before the next push.
    public mutating func push(_ bytes: [UInt8]) { stream.push(bytes) }

    /// The next frame; `nil` when more bytes are needed. Key-values appear once a whole cycle of them has passed.
    public mutating func next(at now: Timestamp) -> Finding? {
        while let window = stream.next() {
            guard case .success(let frame) = window else { continue }
            return Finding(
                snapshot: snapshot(frame, at: now),
                slotCell: frame.slotReading(scale, at: now).map { _ in frame.slotCell },
                violation: plausibility.violation(frame))
        }
        return nil
    }

    /// Ends the recording: the rest of its bytes belongs to no frame.
    public mutating func end() { stream.reset() }

    private mutating func snapshot(_ frame: Frame, at now: Timestamp) -> PackSnapshot {
        keys.take(frame, at: now)
        var snapshot = PackSnapshot()
        snapshot.measurements = frame.measurements(scale)
        snapshot.measuredAt = now
        snapshot.linkAt = now
        snapshot.permissions = frame.status.intersection(.permissions)
        snapshot.alarms = frame.status.intersection(.alarms)
        snapshot.settings = frame.settings
        snapshot.keys = keys.snapshot.keys
        snapshot.cellSettings = keys.snapshot.cellSettings
        snapshot.chemistry = Chemistry(
            balance: frame.balanceVoltage, minimum: frame.minimumVoltage, maximum: frame.maximumVoltage,
            full: snapshot.cellSettings.full)
        if let reading = frame.slotReading(scale, at: now) {
            snapshot.cells = [CellReading?](repeating: nil, count: frame.cellCount)
            snapshot.cells[frame.slotCell - 1] = reading
        }
        return snapshot
    }
}

/// Refuses what does not follow from the frames before, until a repetition confirms it.
///
/// A sum of eight bits lets damage through about once in 256 damaged frames; the same damage twice running is another
/// matter. So a jump needs a second frame near it, changed settings need ``Limits/settingsConfirmation`` equal ones.
struct FrameGate: Hashable, Sendable {
    private let limits: PackTracker.GateLimits
    private(set) var settings: PackSettings?
    private var candidateSettings: PackSettings?
    private var candidateCount = 0
    private var last: Gauge?
    private var candidate: Gauge?

    init(_ limits: PackTracker.GateLimits) { self.limits = limits }

    /// The reason to refuse a measuring frame, or `nil` when it is taken.
    mutating func check(_ frame: Frame) -> Rejection? {
        guard confirm(frame.settings) else { return .settings }
        let gauge = Gauge(frame)
        if let last, isJump(from: last, to: gauge) {
            let isConfirmed = candidate.map { !isJump(from: $0, to: gauge) } ?? false
            guard isConfirmed else {
                candidate = gauge
                return .jump
            }
        }
        candidate = nil
        last = gauge
        return nil
    }

    /// Settings that no frame had yet need two equal frames at the start, and more for a change.
    private mutating func confirm(_ new: PackSettings) -> Bool {
        if new == settings {
            candidateSettings = nil
            candidateCount = 0
            return true
        }
        candidateCount = new == candidateSettings ? candidateCount + 1 : 1
        candidateSettings = new
        guard candidateCount >= (settings == nil ? 2 : limits.settingsConfirmation) else { return false }
        if settings?.cellCount != new.cellCount { last = nil }
        settings = new
        candidateSettings = nil
        candidateCount = 0
        return true
    }

    private func isJump(from old: Gauge, to new: Gauge) -> Bool {
        (new.highest - old.highest).magnitude > limits.highestCell
            || (new.lowest - old.lowest).magnitude > limits.lowestCell
            || abs(new.warmest.count - old.warmest.count) > limits.temperatureCounts
            || abs(new.coldest.count - old.coldest.count) > limits.temperatureCounts
    }
}

/// What jumps in a frame.
private struct Gauge: Hashable, Sendable {
    let highest: Millivolts
    let lowest: Millivolts
    let warmest: RawTemperature
    let coldest: RawTemperature

    init(_ frame: Frame) {
        highest = frame.highestVoltage
        lowest = frame.lowestVoltage
        warmest = frame.highestTemperature
        coldest = frame.lowestTemperature
    }
}

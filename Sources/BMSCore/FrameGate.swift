/// Refuses what does not follow from the frames before, until a repetition confirms it.
///
/// A sum of eight bits lets damage through about once in 256 damaged frames; the same damage twice running is another
/// matter. So a jump needs a second frame near it, changed settings need ``Limits/settingsConfirmation`` equal ones.
struct FrameGate: Hashable, Sendable {
    private let limits: PackTracker.GateLimits
    private(set) var settings: PackSettings?
    private var candidateSettings: PackSettings?
    private var candidateCount = 0
    private var last: Frame?
    private var candidate: Frame?

    init(_ limits: PackTracker.GateLimits) { self.limits = limits }

    /// The reason to refuse a measuring frame, or `nil` when it is taken.
    mutating func check(_ frame: Frame) -> Rejection? {
        guard confirm(frame.settings) else { return .settings }
        if let last, Self.isJump(from: last, to: frame, limits) {
            let isConfirmed = candidate.map { !Self.isJump(from: $0, to: frame, limits) } ?? false
            guard isConfirmed else {
                candidate = frame
                return .jump
            }
        }
        candidate = nil
        last = frame
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

    private static func isJump(from old: Frame, to new: Frame, _ limits: PackTracker.GateLimits) -> Bool {
        (new.highestVoltage - old.highestVoltage).magnitude > limits.highestCell
            || (new.lowestVoltage - old.lowestVoltage).magnitude > limits.lowestCell
            || abs(new.highestTemperature.count - old.highestTemperature.count) > limits.temperatureCounts
            || abs(new.lowestTemperature.count - old.lowestTemperature.count) > limits.temperatureCounts
    }
}

import BMSCore

/// Refuses frames that do not follow from the frames before, until a repetition confirms them.
///
/// A sum of eight bits lets damage through about once in 256 damaged frames; the same damage twice in a row is another matter. So a jump
/// needs a second frame near it, and changed settings need ``SnapshotBuilder/ConfirmationLimits/settingsConfirmation`` equal frames.
struct ChangeConfirmation: Hashable, Sendable {
    private let limits: SnapshotBuilder.ConfirmationLimits
    private(set) var settings: PackSettings?
    private var candidateSettings: PackSettings?
    private var candidateCount = 0
    private var last: Measured?
    private var candidate: Measured?

    init(_ limits: SnapshotBuilder.ConfirmationLimits) { self.limits = limits }

    /// The reason to refuse a measuring frame, or `nil` when it is taken.
    mutating func check(_ frame: Frame) -> Rejection? {
        guard confirm(frame.settings) else { return .settings }
        let new = Measured(frame)
        if let last, new.isJump(from: last, limits) {
            let isConfirmed = candidate.map { !new.isJump(from: $0, limits) } ?? false
            guard isConfirmed else {
                candidate = new
                return .jump
            }
        }
        candidate = nil
        last = new
        return nil
    }

    /// Confirms settings: at the start they need two equal frames, and more for a change.
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
}

import BMSCore

/// When to announce a pack: once its cells are counted, again when that changes, once more 3 s later, and after each
/// start of Home Assistant. Two different announcements closer than 3 s lose the second there.
struct DiscoverySchedule: Hashable, Sendable {
    private static let spacing: Int64 = 3_000

    /// What an announcement depends on.
    struct Content: Hashable, Sendable {
        var cellCount: Int
        var firmware: String?
        /// What the bounds of controls depend on.
        var basis: SettingContext.Basis?
    }

    private(set) var content: Content?
    private var due: Timestamp?
    private var sentAt: Timestamp?
    private var repeats = 0

    /// Takes what is known now.
    mutating func note(
        cellCount: Int, firmware: String?, basis: SettingContext.Basis? = nil, at now: Timestamp
    ) {
        // Firmware that is not repeated for a while has not changed.
        let new = Content(cellCount: cellCount, firmware: firmware ?? content?.firmware, basis: basis)
        guard new != content else { return }
        content = new
        due = later(now)
        repeats = 1
    }

    /// A new connection: what was said before may never have arrived. Said at once, and once more for the case that
    /// another announcement came through just before.
    mutating func reconnect(at now: Timestamp) {
        guard content != nil else { return }
        sentAt = nil
        due = now
        repeats = 1
    }

    /// Nothing is announced until the next connection or change.
    mutating func pause() {
        due = nil
        repeats = 0
    }

    /// Home Assistant starts from nothing.
    mutating func restart(at moment: Timestamp) {
        guard content != nil else { return }
        due = later(moment)
    }

    /// The content to announce now, if any.
    mutating func next(at now: Timestamp) -> Content? {
        guard let content, let due, now >= due else { return nil }
        sentAt = now
        if repeats > 0 {
            repeats -= 1
            self.due = now + Self.spacing
        } else {
            self.due = nil
        }
        return content
    }

    private func later(_ moment: Timestamp) -> Timestamp {
        guard let sentAt else { return moment }
        return max(moment, sentAt + Self.spacing)
    }
}

import BMSCore

/// Position of a relay as its device reports it, compared with the command.
struct RelayFeedback: Hashable, Sendable {
    /// Position by its own report; `nil`: unknown.
    private(set) var isClosed: Bool?
    /// Number of reports that could not be read.
    private(set) var faults = 0
    /// The device disagrees for longer than its time-out.
    private(set) var isAlarm = false
    /// Time since which the device disagrees, or owes an answer.
    private var disagreesSince: Timestamp?
    /// A change was commanded since the connection came up, so that silence is an answer, too.
    private var owesAnswer = false
    private var hasComplained = false

    /// Records the position that the device reports.
    mutating func record(isClosed: Bool) {
        self.isClosed = isClosed
        owesAnswer = false
        hasComplained = false
    }

    /// Records a report that could not be read.
    ///
    /// - Returns: `true` for the first one since the device was understood.
    mutating func recordUnreadable() -> Bool {
        faults += 1
        defer { hasComplained = true }
        return !hasComplained
    }

    /// Compares the position with the command.
    ///
    /// - Returns: `true` when the alarm comes or goes.
    mutating func step(_ commanded: Bool?, timeout: Int64, at now: Timestamp) -> Bool {
        let agrees = commanded == nil || (isClosed == nil ? !owesAnswer : isClosed == commanded)
        let before = isAlarm
        if agrees {
            disagreesSince = nil
            isAlarm = false
        } else {
            let since = disagreesSince ?? now
            disagreesSince = since
            if now - since > timeout { isAlarm = true }
        }
        return isAlarm != before
    }

    /// Records a new command: the device has its time again.
    mutating func commanded() {
        owesAnswer = true
        disagreesSince = nil
    }

    /// The connection is gone: nothing is known.
    mutating func forget() {
        isClosed = nil
        owesAnswer = false
        disagreesSince = nil
    }
}

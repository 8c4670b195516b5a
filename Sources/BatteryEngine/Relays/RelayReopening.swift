import BMSCore

/// Opens a relay again that something else has closed while it must be open: at once, and bounded, for a device or another client
/// that does not give way must not be answered without end.
///
/// Example: the BMS forbids charging and the relay was told to open an hour ago. Home Assistant closes it at 0 s and its device says
/// so at 0.1 s: the command to open goes out at 0.1 s. While the device goes on saying closed, it goes out again at 2.1 s, 4.1 s and
/// so on, ten times; then with the relay's repetition, or once a minute where that is 0.
struct RelayReopening: Hashable, Sendable {
    /// Shortest time between two of its commands, ms.
    static let pause: Int64 = 2_000
    /// Most of its commands in ``window``, and in one contradiction before the relay's own repetition takes over.
    static let most = 10
    /// Stretch of time in which ``most`` counts, ms.
    static let window: Int64 = 60_000

    /// Why a relay is opened again.
    enum Cause: Hashable {
        /// Its device had opened, and says that it is closed.
        case closing
        /// Its device goes on saying that it is closed.
        case standing
        /// Somebody else said this on its command topic.
        case command(String)
    }

    /// Commands to open that were sent for this, since the start.
    private(set) var count = 0
    /// Times at which they were sent, within ``window``.
    private var times: [Timestamp] = []
    /// Commands in the contradiction that lasts.
    private var spent = 0
    /// Read back in the step before.
    private var readBackBefore: Bool?
    /// A closing that no command has answered yet.
    private var owed: Cause?

    /// Somebody else commanded the device; it may have closed.
    mutating func heardCommand(_ word: String) { owed = .command(word) }

    /// The connection is gone: nothing is known, and the next one begins with a command.
    mutating func forget() { (owed, readBackBefore, spent) = (nil, nil, 0) }

    /// - Parameters:
    ///   - mustBeOpen: it was told to open in an earlier step.
    ///   - readBack: closed or open by its own word; `nil`: unknown.
    ///   - sentAt: when it was told last, by whatever cause.
    ///   - repetition: of its commands, ms; 0: none.
    /// - Returns: why it is to be opened again in this step; `nil`: it is not.
    mutating func step(
        mustBeOpen: Bool, readBack: Bool?, sentAt: Timestamp?, repetition: Int64, at now: Timestamp
    ) -> Cause? {
        times.removeAll { now - $0 >= Self.window }
        let before = readBackBefore
        readBackBefore = readBack
        guard mustBeOpen else {
            (owed, spent) = (nil, 0)
            return nil
        }
        if readBack != true { spent = 0 }
        if readBack == false, owed == .closing { owed = nil }
        // A device that had opened has been closed by something else. One that never said so may still be about to open.
        if readBack == true, before == false { owed = owed ?? .closing }
        guard let cause = owed ?? standing(readBack, sentAt, repetition, at: now), mayOpen(at: now) else { return nil }
        owed = nil
        times.append(now)
        spent += 1
        count += 1
        return cause
    }

    private func standing(
        _ readBack: Bool?, _ sentAt: Timestamp?, _ repetition: Int64, at now: Timestamp
    ) -> Cause? {
        guard readBack == true, sentAt.map({ now - $0 >= Self.pause }) ?? true else { return nil }
        // Ten were in vain: the device cannot, or is gone. A relay without repetition is tried once a minute.
        let isLeftToRepetition = spent >= Self.most && repetition > 0
        let isTooSoon = spent >= Self.most && sentAt.map { now - $0 < Self.window } ?? false
        return isLeftToRepetition || isTooSoon ? nil : .standing
    }

    private func mayOpen(at now: Timestamp) -> Bool {
        times.count < Self.most && times.last.map { now - $0 >= Self.pause } ?? true
    }
}

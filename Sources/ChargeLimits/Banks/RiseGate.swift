import BMSCore

/// Lets a bound fall at once, and rise only when a higher value has lasted for a while. Otherwise a bank would saw: the current that a pack
/// allows moves by a count of its cells' voltage, and the bank moves by that change over the pack's share.
///
/// A fall of 2 A closes the gate at the remaining value. The gate opens after a wait in which the bound was higher all the time, and the
/// bound is followed again; where the gate had been open for less than an hour, the next wait is thirty times as long, up to an hour. So a
/// bound that always comes back down turns twice an hour. A far higher bound, twice the held value and a tenth of C, waits ten seconds: the
/// cause is gone. Any bound waits ten seconds in the five minutes after a pack has come or gone.
///
/// Example: a bound of 60 A falls to 45 A and rises to 60 A in every half minute: 45 A, because no wait ends without a dip.
struct RiseGate: Sendable {
    /// Smallest fall that closes the gate, mA.
    private static let turn = 2_000.0
    private static let most: Int64 = 3_600_000
    private static let quick: Int64 = 10_000
    /// Milliseconds after a pack has come or gone in which the exchange among the packs fades, and a rise from that is not a saw.
    private static let settling: Int64 = 300_000
    private static let growth: Int64 = 30

    private var taking: [Int] = []
    private var isMeasured = false
    /// Time at which a pack came or went.
    private var changedAt: Timestamp?
    private var held: Double?
    /// Highest bound since the gate opened, mA.
    private var peak = 0.0
    private var isOpen = true
    private var openedAt: Timestamp?
    private var wait: Int64 = 0
    /// Time since which the bound has been above the held value.
    private var since: Timestamp?

    /// Takes the packs that take part now, and true where their shares are known: a change of either begins everything again.
    mutating func take(_ packs: [Int], isMeasured known: Bool, at now: Timestamp) {
        guard packs != taking || known != isMeasured else { return }
        let changedAt = taking.isEmpty ? nil : packs != taking ? now : changedAt
        self = RiseGate()
        (taking, isMeasured, self.changedAt) = (packs, known, changedAt)
    }

    /// Takes a bound, mA, and returns the value that may pass.
    ///
    /// - Parameters:
    ///   - much: a bound that rises to twice the held value and this, mA, waits ten seconds only.
    ///   - wait: the first wait, ms.
    mutating func pass(_ goal: Double, much: Double, wait base: Int64, at now: Timestamp) -> Double {
        guard let held else {
            (held, peak) = (goal, goal)
            return goal
        }
        if isOpen {
            peak = max(peak, goal)
            if goal <= peak - Self.turn { close(base: base, at: now) }
            self.held = goal
            return goal
        }
        if goal < held + max(1_000, held / 20) {
            since = nil
            self.held = min(held, goal)
            return min(held, goal)
        }
        let began = since ?? now
        since = began
        let needed = goal >= 2 * held + much ? min(wait, Self.quick) : wait
        guard now - began >= needed else { return held }
        (self.held, peak, isOpen, openedAt, since) = (goal, goal, true, now, nil)
        return goal
    }

    private mutating func close(base: Int64, at now: Timestamp) {
        isOpen = false
        since = nil
        if let changedAt, now - changedAt < Self.settling {
            wait = Self.quick
            openedAt = nil
            return
        }
        let wasShort = openedAt.map { now - $0 < Self.most } ?? false
        wait = wasShort ? min(Self.most, max(base, wait * Self.growth)) : base
    }
}

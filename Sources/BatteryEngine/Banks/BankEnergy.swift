import BMSCore

/// The energy totals of a bank: what its packs' counters gained while the bridge saw them, added to totals of its own.
///
/// A sum of counters steps when a pack falls silent, comes back, gets another BMS or joins, and a recorder takes each step for energy,
/// or for a reset after which all is counted anew. An increment does not: what was not seen is not counted, nothing else is lost.
///
/// Example: packs at 1000 and 2000 kWh, the bank at 5 kWh. The first goes to 1001: 6 kWh. The second is silent, and comes back with
/// 2003, or with 0 for it has a new BMS: still 6 kWh. It goes to 2004, or to 1: 7 kWh.
struct BankEnergy: Hashable, Sendable {
    /// A pack is counted when it was heard for so long, ms: by then ``EnergyTotals`` has confirmed what its counters say.
    static let settling: Int64 = 10_000
    /// More between two steps is no energy but another counter.
    static let largestStep = WattHours(1_000)
    /// Shortest time between two rises of the lifetime totals, ms. Each is written to disk before the next.
    static let pause: Int64 = 60_000
    /// The day ends with the first pack that resets its own, but not within so many ms of the last end: clocks of packs differ by
    /// seconds or minutes, and a counter that somebody resets at noon ends no day.
    static let shortestDay: Int64 = 20 * 3_600_000
    /// The day ends by itself after so many ms, where no pack was seen to reset its own.
    static let longestDay: Int64 = 26 * 3_600_000
    private static let day: Int64 = 24 * 3_600_000

    /// A pack as the bank looks at it.
    struct Member {
        var id: String
        /// The pack is on the bus by configuration, and good frames come from it.
        var isSeen: Bool
        var totals: EnergyTotals
    }

    private struct Mark: Hashable {
        var seenSince: Timestamp?
        var totals: EnergyTotals?
    }

    private struct Pair: Hashable {
        var energyIn = WattHours.zero
        var energyOut = WattHours.zero

        mutating func add(_ other: Pair) {
            energyIn = WattHours(energyIn.rawValue + other.energyIn.rawValue)
            energyOut = WattHours(energyOut.rawValue + other.energyOut.rawValue)
        }
    }

    private var all: Pair
    /// Seen, and not yet in ``all``.
    private var pending = Pair()
    private var risenAt: Timestamp?
    private var today: BankState.Today
    private var marks: [String: Mark] = [:]
    private var wantsSave: Bool

    /// - Parameter state: as it was kept; `nil`: nothing was, and the totals begin at 0.
    init(_ state: BankState?) {
        all = Pair(energyIn: state?.energyIn ?? .zero, energyOut: state?.energyOut ?? .zero)
        today = state?.today ?? BankState.Today()
        // A figure of the day must not be found again by the start after a crash.
        wantsSave = state?.today != nil
    }

    /// The totals as a recorder may see them.
    var totals: EnergyTotals {
        EnergyTotals(
            inToday: today.energyIn, outToday: today.energyOut, inAll: all.energyIn, outAll: all.energyOut)
    }

    /// - Parameter isEnding: nothing is published after it.
    func state(isEnding: Bool) -> BankState {
        var sum = all
        if isEnding { sum.add(pending) }
        return BankState(energyIn: sum.energyIn, energyOut: sum.energyOut, today: isEnding ? today : nil)
    }

    /// There is something to be written to disk since this was asked last.
    mutating func takeSave() -> Bool {
        defer { wantsSave = false }
        return wantsSave
    }

    /// Counts what the packs gained since the step before.
    mutating func step(_ members: [Member], at now: Moment) {
        var gain = Pair()
        var dayGain = Pair()
        var isReset = false
        for member in members {
            var mark = marks[member.id] ?? Mark()
            defer { marks[member.id] = mark }
            guard member.isSeen, let reading = Self.reading(member.totals) else {
                mark = Mark()
                continue
            }
            let since = mark.seenSince ?? now.monotonic
            mark.seenSince = since
            guard now.monotonic - since >= Self.settling else { continue }
            if let last = today.readings[member.id], reading.isReset(since: last) { isReset = true }
            today.readings[member.id] = reading
            if let last = mark.totals {
                gain.add(Self.gain(last, member.totals, \.inAll, \.outAll))
                dayGain.add(Self.gain(last, member.totals, \.inToday, \.outToday))
            }
            mark.totals = member.totals
        }
        endDay(isReset: isReset, wall: now.wall)
        var sum = Pair(energyIn: today.energyIn, energyOut: today.energyOut)
        sum.add(dayGain)
        (today.energyIn, today.energyOut) = (sum.energyIn, sum.energyOut)
        pending.add(gain)
        guard pending != Pair(), risenAt.map({ now.monotonic - $0 >= Self.pause }) ?? true else { return }
        all.add(pending)
        (pending, risenAt, wantsSave) = (Pair(), now.monotonic, true)
    }

    private mutating func endDay(isReset: Bool, wall: Int64) {
        guard let since = today.since else {
            // The first reset that is seen ends a day that began somewhere before.
            if isReset { begin(wall) }
            return
        }
        // A clock that was set back says nothing about the length of a day.
        let length = wall - since
        if isReset, length >= Self.shortestDay || length < 0 {
            begin(wall)
        } else if length >= Self.longestDay {
            begin(since + length / Self.day * Self.day)
        }
    }

    private mutating func begin(_ wall: Int64) {
        (today.energyIn, today.energyOut, today.since) = (.zero, .zero, wall)
    }

    private static func reading(_ totals: EnergyTotals) -> BankState.Reading? {
        guard let energyIn = totals.inToday, let energyOut = totals.outToday else { return nil }
        return BankState.Reading(energyIn: energyIn, energyOut: energyOut)
    }

    private static func gain(
        _ old: EnergyTotals, _ new: EnergyTotals, _ energyIn: KeyPath<EnergyTotals, WattHours?>,
        _ energyOut: KeyPath<EnergyTotals, WattHours?>
    ) -> Pair {
        Pair(
            energyIn: gain(old[keyPath: energyIn], new[keyPath: energyIn]),
            energyOut: gain(old[keyPath: energyOut], new[keyPath: energyOut]))
    }

    private static func gain(_ old: WattHours?, _ new: WattHours?) -> WattHours {
        guard let old, let new, new > old, new - old <= largestStep else { return .zero }
        return new - old
    }
}

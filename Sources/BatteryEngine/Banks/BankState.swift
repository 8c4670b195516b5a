public import BMSCore

/// State of a bank that survives a restart: its own energy totals.
public struct BankState: Hashable, Sendable {
    /// Energy that its packs took while the bridge saw them, Wh.
    public var energyIn: WattHours
    /// Energy that they gave, Wh.
    public var energyOut: WattHours
    /// The figures of the day, from a clean end alone: after a crash they would be older than what was published, and a recorder
    /// that sees a small total fall counts it anew.
    public var today: Today?

    /// The day of a bank.
    public struct Today: Hashable, Sendable {
        /// Energy in since the day began, Wh.
        public var energyIn: WattHours
        /// Energy out since then, Wh.
        public var energyOut: WattHours
        /// Wall time at which the day began, ms since 1970; `nil`: not seen yet.
        public var since: Int64?
        /// Each pack's own counters of the day as they were read last, by its id: one that is lower later was reset in between.
        public var readings: [String: Reading]

        /// A day.
        public init(
            energyIn: WattHours = .zero, energyOut: WattHours = .zero, since: Int64? = nil,
            readings: [String: Reading] = [:]
        ) {
            self.energyIn = energyIn
            self.energyOut = energyOut
            self.since = since
            self.readings = readings
        }
    }

    /// A pack's own counters of the day.
    public struct Reading: Hashable, Sendable {
        /// Energy in, Wh.
        public var energyIn: WattHours
        /// Energy out, Wh.
        public var energyOut: WattHours

        /// A reading.
        public init(energyIn: WattHours, energyOut: WattHours) {
            self.energyIn = energyIn
            self.energyOut = energyOut
        }

        /// A counter was reset between the other reading and this one.
        func isReset(since other: Reading) -> Bool { energyIn < other.energyIn || energyOut < other.energyOut }
    }

    /// A state; without figures a bank that nothing is known of.
    public init(energyIn: WattHours = .zero, energyOut: WattHours = .zero, today: Today? = nil) {
        self.energyIn = energyIn
        self.energyOut = energyOut
        self.today = today
    }
}

public import BMSCore

/// Share that a pack takes of the current of its bank, as it should survive a restart.
public struct BankShare: Hashable, Sendable {
    /// Weights that can have been learned: earlier programs remembered what a pack carried into another as well.
    public static let range = 0.001...2.0

    /// Id of the bank.
    public var bank: String
    /// Capacity that the pack had then: with another it is another pack.
    public var capacity: WattHours
    /// Weight among the packs of the bank, 1 = the whole current; `nil`: not measured yet.
    public var charge: Double?
    /// The same while the bank is discharged.
    public var discharge: Double?
    /// Current that the pack took from the other packs beside its share while the bank was charged, mA; it counts for ten minutes. `nil`: too
    /// old, or not known.
    public var chargeExchange: Double?
    /// Current that it gave to them while the bank was discharged, mA, likewise.
    public var dischargeExchange: Double?

    /// Exchanges that can have been measured, mA; others are of a damaged file.
    public static let exchanges = -1_000_000.0...1_000_000

    /// A share in a bank.
    public init(bank: String, capacity: WattHours, charge: Double? = nil, discharge: Double? = nil) {
        self.bank = bank
        self.capacity = capacity
        self.charge = charge
        self.discharge = discharge
    }
}

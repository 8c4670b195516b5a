public import BMSCore

/// Share that a pack takes of the current of its bank, as it should survive a restart.
public struct BankShare: Hashable, Sendable {
    /// Range of weights that can have been learned: earlier programs also remembered the current that a pack carried into another.
    public static let range = 0.001...2.0

    /// Id of the bank.
    public var bank: String
    /// Capacity of the pack at that time: a pack with another capacity is another pack.
    public var capacity: WattHours
    /// Weight among the packs of the bank while it is charged, 1 = the whole current; `nil` where it is not measured yet.
    public var charge: Double?
    /// Weight while the bank is discharged, likewise.
    public var discharge: Double?
    /// Current that the pack took from the other packs in addition to its share while the bank was charged, mA; it counts for ten minutes.
    /// `nil` where it is too old or not known.
    public var chargeExchange: Double?
    /// Current that the pack gave to the other packs while the bank was discharged, mA, likewise.
    public var dischargeExchange: Double?

    /// Exchanges that can have been measured, mA; other values come from a damaged file.
    public static let exchanges = -1_000_000.0...1_000_000

    /// A share in a bank.
    public init(bank: String, capacity: WattHours, charge: Double? = nil, discharge: Double? = nil) {
        self.bank = bank
        self.capacity = capacity
        self.charge = charge
        self.discharge = discharge
    }
}

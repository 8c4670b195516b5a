/// Something that the owner of a battery should do, where no alarm says so.
public struct Advice: Hashable, Sendable {
    /// Stable name of the kind, for machines.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Currents have no bound in the configuration.
        case unsetLimits
        /// The machine has no time zone, and the configuration needs one.
        case timeZone
        /// Thresholds of the BMS contradict the chemistry.
        case chemistry
        /// The limits do not reach an inverter over CAN, or not alone.
        case canBus
        /// Somebody else publishes for the battery.
        case secondBridge
    }

    /// Kind of the advice.
    public var kind: Kind
    /// One sentence: what is wrong, and the remedy.
    public var text: String

    /// An advice.
    public init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text
    }
}

/// The last three readings of a status byte, bit by bit.
///
/// One damaged frame can pass every check, so a bit alone must not act where acting is dangerous: permission is lost
/// with the first frame that lacks it and gained with two of the last three; an alarm shows after two of three.
struct StatusVote: Hashable, Sendable {
    private var newest: StatusFlags = []
    private var second: StatusFlags = []
    private var third: StatusFlags = []

    mutating func add(_ flags: StatusFlags) { (newest, second, third) = (flags, newest, second) }

    mutating func reset() { self = StatusVote() }

    /// Bits that are set in at least two of the last three frames.
    var majority: StatusFlags {
        newest.intersection(second).union(newest.intersection(third)).union(second.intersection(third))
    }

    /// Permissions that the newest frame and at least one of the two before it give.
    var permissions: StatusFlags {
        // Without cell communication the BMS opens both relays, whatever else the byte says.
        newest.contains(.noCellCommunication) ? [] : majority.intersection(newest).intersection(.permissions)
    }
}

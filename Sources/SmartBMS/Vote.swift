import BMSCore

/// The last three readings of each status bit.
///
/// One damaged frame can pass every check, so a bit alone must not act where acting is dangerous: permission is lost
/// with the first frame that lacks it and gained with two of the last three; an alarm shows after two of three.
struct StatusVote: Hashable, Sendable {
    private var newest: StatusFlags = []
    private var second: StatusFlags = []
    private var third: StatusFlags = []

    /// Takes readings of these bits; the other bits were not read.
    mutating func add(_ flags: StatusFlags, of bits: StatusFlags = .all) {
        third.replace(bits, by: second)
        second.replace(bits, by: newest)
        newest.replace(bits, by: flags)
    }

    /// Forgets the readings of some bits.
    mutating func reset(_ bits: StatusFlags) {
        newest.subtract(bits)
        second.subtract(bits)
        third.subtract(bits)
    }

    /// Bits that are set in at least two of their last three readings.
    var majority: StatusFlags {
        newest.intersection(second).union(newest.intersection(third)).union(second.intersection(third))
    }

    /// Permissions that the newest reading and at least one of the two before it give.
    var permissions: StatusFlags {
        // Without cell communication the BMS opens both relays, whatever else the byte says.
        newest.contains(.noCellCommunication) ? [] : majority.intersection(newest).intersection(.permissions)
    }
}

extension StatusFlags {
    fileprivate mutating func replace(_ bits: StatusFlags, by other: StatusFlags) {
        self = subtracting(bits).union(other.intersection(bits))
    }
}

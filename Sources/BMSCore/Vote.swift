/// The last three readings of a status byte, bit by bit.
///
/// One damaged frame can pass every check, so a bit alone must not act where acting is dangerous: permission is lost
/// with the first frame that lacks it and gained with two of the last three; an alarm shows after two of three.
struct StatusVote: Hashable, Sendable {
    private var history: [StatusFlags] = []

    mutating func add(_ flags: StatusFlags) {
        history.append(flags)
        if history.count > 3 { history.removeFirst() }
    }

    mutating func reset() { history.removeAll() }

    /// Bits that are set in at least two of the last three frames.
    var majority: StatusFlags {
        var result: StatusFlags = []
        for (index, first) in history.enumerated() {
            for second in history[(index + 1)...] { result.formUnion(first.intersection(second)) }
        }
        return result
    }

    /// Permissions that the newest frame and at least one of the two before it give.
    var permissions: StatusFlags {
        // Without cell communication the BMS opens both relays, whatever else the byte says.
        guard let newest = history.last, !newest.contains(.noCellCommunication) else { return [] }
        return majority.intersection(newest).intersection(.permissions)
    }
}

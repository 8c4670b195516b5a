import BMSCore

/// Readings of a frame that may not jump: a second frame near it has to confirm a jump.
struct Measured: Hashable, Sendable {
    private let frame: Frame

    init(_ frame: Frame) { self.frame = frame }

    /// A value lies too far from the value of an older frame.
    func isJump(from old: Measured, _ limits: SnapshotBuilder.ConfirmationLimits) -> Bool {
        hasCellJump(from: old.frame, limits) || hasChargeJump(from: old.frame, limits)
            || hasCurrentJump(from: old.frame, limits)
    }

    private func hasCellJump(from old: Frame, _ limits: SnapshotBuilder.ConfirmationLimits) -> Bool {
        let coldest = frame.lowestTemperature.count - old.lowestTemperature.count
        let warmest = frame.highestTemperature.count - old.highestTemperature.count
        return (frame.highestVoltage - old.highestVoltage).magnitude > limits.highestCell
            || (frame.lowestVoltage - old.lowestVoltage).magnitude > limits.lowestCell
            || max(abs(coldest), abs(warmest)) > limits.temperatureCounts
    }

    private func hasChargeJump(from old: Frame, _ limits: SnapshotBuilder.ConfirmationLimits) -> Bool {
        let energy = WattHours(max(100, frame.capacity.rawValue * limits.energyPermille / 1000))
        return abs(frame.soc - old.soc) > limits.socPoints
            || (frame.energyStored - old.energyStored).magnitude > energy
    }

    private func hasCurrentJump(from old: Frame, _ limits: SnapshotBuilder.ConfirmationLimits) -> Bool {
        let largest = max(limits.current, currentOfTwoC)
        return isJump(frame.current, old.current, largest) || isJump(frame.current1, old.current1, largest)
            || isJump(frame.current2, old.current2, largest)
    }

    /// Current of twice the capacity in an hour: 2 x 14800 Wh / (16 x 3.65 V) is 507 A. Vmax is used, so that the result is rather too
    /// small.
    private var currentOfTwoC: Milliamperes {
        let volts = frame.maximumVoltage.rawValue * frame.cellCount
        return volts > 0 ? Milliamperes(2 * frame.capacity.rawValue * 1_000_000 / volts) : .zero
    }

    /// A sensor that appears or goes while 1 A flows is a jump as well.
    private func isJump(_ new: Milliamperes?, _ old: Milliamperes?, _ largest: Milliamperes) -> Bool {
        switch (new, old) {
        case (nil, nil): false
        case (let new?, let old?): (new - old).magnitude > largest
        case (let one?, nil), (nil, let one?): one.magnitude > Milliamperes(1000)
        }
    }
}

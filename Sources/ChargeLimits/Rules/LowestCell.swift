import BMSCore

/// Keeps the lowest cell above Vmin, so that the load relay never has to open.
///
/// DCL is the current at which the lowest cell would be at its hold voltage, (lowest + r x discharge - hold) / r; the ohmic drop is taken
/// out first, so that the limit does not chase the load. DCL falls at once; it rises after five minutes without a fall, with 20 s and some
/// play. It ends at a floor of 3 % of C, half of that near Vmin, never below 3 A: a GX sends less than 2 A as 0, and 0 comes from the latch
/// alone. The pack is empty, with DCL 0, after 3 s at Vmin + 15 mV (three counts of the wire) whatever flows, and when the BMS reports a
/// cell below Vmin.
///
/// A load that switches on shows in cell, pack and current of one frame; then that frame bounds DCL at once (`loadStep`), because a weak
/// cell has no second to spare. Where the next frame does not confirm the load, DCL is back at once.
///
/// A cell that sags more than the resistance explains when loads switch on counts with a resistance of its own (``SagWatch``).
///
/// Example: 100 Ah LFP, r = 1.6 mohm, Vmin 2.900 V, hold 2.980 V: at 3.060 V and no load 0.080 / 0.0016 = 50 A.
struct LowestCell: LimitRule {
    /// Distance above Vmin at which a cell counts as empty, and distance from which on the floor is halved.
    private static let empty = Millivolts(15)
    private static let near = Millivolts(40)
    private static let emptySeconds = 3.0
    /// An empty cell must be back at hold while the pack is charged, or this far above hold at rest, for so many seconds. The release gives
    /// the floor, which the cell can bear.
    private static let releaseResting = Millivolts(200)
    private static let releaseSeconds = 60.0

    /// Distance at which a rise is followed, mV, so that one count of the wire (5 mV) up and down moves nothing.
    private static let play = 7.5

    /// Seconds for which a limit that has fallen does not rise: clouds and kettles come and go.
    private static let holdSeconds = 300.0

    private var secondsHeld = 0.0
    /// Current with which the lowest cell would be at its hold voltage, mA, filtered upward.
    private var filtered: Double?
    /// Allowed current, mA, with play.
    private var allowed: Double?
    private var secondsAtEnd = 0.0
    private var secondsRecovered = 0.0
    private var isNear = false
    private var isEmpty = false
    private var sag = SagWatch()

    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound] {
        let lowest = input.lowestVoltage
        let hold = input.figures.hold
        sag.step(input)
        let resistance = max(input.resistance, sag.resistance(over: input.resistance))
        let room = (input.lowestRest(resistance) - Double(hold.rawValue)) / resistance * 1000
        let old = filtered ?? room
        let smooth = room < old ? room : old + (room - old) * min(1, input.elapsed / 20)
        filtered = smooth
        let least = min(smooth, max(allowed ?? smooth, smooth - Self.play / resistance * 1000))
        secondsHeld = max(0, secondsHeld - input.elapsed)
        let followed = secondsHeld > 0 ? min(allowed ?? least, least) : least
        if let allowed, followed < allowed { secondsHeld = Self.holdSeconds }
        allowed = followed
        let minimum = input.settings.minimumVoltage
        latch(input, hold)

        if isEmpty {
            return [
                .dcl(
                    .zero, .empty,
                    .empty(
                        input.lowest, charging: hold, resting: hold + Self.releaseResting))
            ]
        } else {
            if lowest <= minimum + Self.near { isNear = true } else if lowest >= hold { isNear = false }
            let floor = Double(
                isNear ? input.figures.leastDischargeNearEmpty.rawValue : input.figures.leastDischarge.rawValue)
            let value = isNear ? floor : max(floor, followed)
            let held = Bound.dcl(
                Milliamperes(Int(min(value, 10_000_000))), .lowestCell,
                .held(input.lowest, hold: hold, minimum: minimum))
            guard let sudden = input.suddenRest(resistance) else { return [held] }
            let step = max(floor, (sudden - Double(hold.rawValue)) / resistance * 1000)
            guard step < value else { return [held] }
            return [
                held,
                .dcl(Milliamperes(Int(step)), .loadStep, .held(input.lowest, hold: hold, minimum: minimum)),
            ]
        }
    }

    private mutating func latch(_ input: LimitInput, _ hold: Millivolts) {
        let lowest = input.lowestVoltage
        let isAtEnd = lowest <= input.settings.minimumVoltage + Self.empty
        secondsAtEnd = isAtEnd ? secondsAtEnd + input.elapsed : 0
        if secondsAtEnd >= Self.emptySeconds || input.alarms.contains(.cellTooLow) { isEmpty = true }
        let isCharging = input.current > input.figures.charging
        let isRecovered = (lowest >= hold && isCharging) || lowest >= hold + Self.releaseResting
        secondsRecovered = isRecovered ? secondsRecovered + input.elapsed : 0
        if isEmpty && secondsRecovered >= Self.releaseSeconds {
            isEmpty = false
            secondsAtEnd = 0
        }
    }

    func remember(in memory: inout LimitMemory) {
        if isEmpty { memory.latches.insert(.empty) }
        if sag.worst > 0 { memory.sag = sag.worst }
    }

    mutating func recall(_ memory: LimitMemory) {
        if let worst = memory.sag { sag.recall(worst) }
        isEmpty = memory.latches.contains(.empty)
        guard let dcl = memory.recent?.levels?.dcl, dcl > DerivedParameters.leastOfGX else { return }
        allowed = Double(dcl.rawValue)
        secondsHeld = Self.holdSeconds
    }
}

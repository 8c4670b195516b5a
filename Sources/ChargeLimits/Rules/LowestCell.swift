import BMSCore

/// Keeps the lowest cell above Vmin, so that the load relay never has to open.
///
/// DCL: the current at which the lowest cell would sit at its hold voltage, (lowest + r x discharge - hold) / r; the
/// ohmic drop is taken out first, so that the limit does not chase the load. Down at once, up with 20 s and
/// some play. It ends at a
/// floor of 3 % of C, half of that near Vmin, which drains what is left without a pull on the cell; at Vmin + 25 mV (five
/// counts of the wire) for ten seconds the pack is empty: 0 until the cell has recovered.
///
/// Example: 100 Ah LFP, r = 1.6 mohm, Vmin 2.900 V, hold 2.980 V: at 3.060 V and no load 0.080 / 0.0016 = 50 A.
struct LowestCell: LimitRule {
    /// How far above Vmin a cell counts as empty, and from where on the floor is halved.
    private static let empty = Millivolts(15)
    private static let near = Millivolts(40)
    private static let emptySeconds = 10.0
    /// An empty cell must be back at hold while the pack is charged, or this far above it at rest, for so long. What is
    /// released is the floor, which the cell can bear.
    private static let releaseResting = Millivolts(200)
    private static let releaseSeconds = 60.0

    /// A rise is followed at this distance, so that one count of the wire (5 mV) up and down moves nothing.
    private static let play = 7.5

    /// mA, filtered upward.
    private var filtered: Double?
    /// mA, with play.
    private var allowed: Double?
    private var secondsAtFloor = 0.0
    private var secondsRecovered = 0.0
    private var isNear = false
    private var isEmpty = false

    mutating func bounds(_ input: LimitInput, after earlier: [ConstraintValue]) -> [ConstraintValue] {
        let lowest = input.frame.lowestVoltage
        let hold = input.figures.hold
        let resistance = input.resistance
        let discharge = Double(max(0, -input.current.rawValue)) / 1000
        let room = (Double((lowest - hold).rawValue) + resistance * discharge) / resistance * 1000
        let old = filtered ?? room
        let smooth = room < old ? room : old + (room - old) * min(1, input.elapsed / 20)
        filtered = smooth
        let followed = min(smooth, max(allowed ?? smooth, smooth - Self.play / resistance * 1000))
        allowed = followed
        let floor = Double(input.figures.leastDischarge.rawValue)
        let isFloored = discharge * 1000 <= floor * 1.5 || followed <= floor
        let minimum = input.settings.minimumVoltage
        latch(input, isAtFloor: isFloored && lowest <= minimum + Self.empty, hold)

        if isEmpty {
            return [
                .dcl(
                    .zero, .empty,
                    .empty(
                        input.lowest, charging: hold, resting: hold + Self.releaseResting))
            ]
        } else {
            if lowest <= minimum + Self.near { isNear = true } else if lowest >= hold { isNear = false }
            let value = isNear ? floor / 2 : max(floor, followed)
            return [
                .dcl(
                    Milliamperes(Int(min(value, 10_000_000))), .lowestCell,
                    .held(input.lowest, hold: hold, minimum: minimum))
            ]
        }
    }

    private mutating func latch(_ input: LimitInput, isAtFloor: Bool, _ hold: Millivolts) {
        let lowest = input.frame.lowestVoltage
        secondsAtFloor = isAtFloor ? secondsAtFloor + input.elapsed : max(0, secondsAtFloor - input.elapsed)
        if secondsAtFloor >= Self.emptySeconds { isEmpty = true }
        let isCharging = input.current > input.figures.charging
        let isRecovered =
            (lowest >= hold && isCharging) || lowest >= hold + Self.releaseResting
        secondsRecovered = isRecovered ? secondsRecovered + input.elapsed : 0
        if isEmpty && secondsRecovered >= Self.releaseSeconds {
            isEmpty = false
            secondsAtFloor = 0
        }
    }
}

import BMSCore

/// After full the pack rests at N x (Vbalance - flo): the boards stop burning and the cells stop ageing at the top.
///
/// The command `chargeMode float` does this at any time. Packs in parallel wait for the last pack of their bank. There is no step: the
/// voltage eases down by 1 mV a second (16 cells), so that a charger that feeds the house goes on doing so and the pack is not emptied into
/// the grid. LFP rests at 3.38 V (bench; two peers take 3.37 and 3.375 V); users of dbus-serialbattery asked for the missing ramp.
///
/// Where boards burn on at rest, because the charger holds more than it is told, the voltage falls until they rest, by up to 70 mV a cell.
/// While a cell is above Vbalance, and for 30 minutes after that, CCL is 0, for chargers that obey CCL alone.
///
/// Example: 16 LFP cells, Vbalance 3.400 V: from 54.88 V to 54.08 V in 13 minutes.
struct FloatVoltage: LimitRule {
    /// Rate at which the voltage eases down, mV a second for each cell.
    private static let ease = 0.0625

    /// Largest trim, mV a cell, and its rates: mV a second for each mV of excess, and back.
    private static let mostTrim = 70.0
    private static let trimGain = 0.02
    private static let trimBack = 0.03
    /// Seconds for which no current charges a pack at rest after a cell was above Vbalance.
    private static let pauseSeconds = 1_800.0

    /// The eased voltage, mV; `nil` while the pack is not full.
    private var level: Double?
    private var trim = 0.0
    private var secondsPaused: Double?

    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound] {
        let isCommanded = input.commands.chargeMode == .float
        let isDue = input.isFull && !input.isAwaitingPacks && (input.configuration.floats || input.isStalled)
        guard isDue || isCommanded else {
            // A full pack that waits for the others of its bank keeps its trim and pause: after a restart none of them has been heard yet.
            let isWaiting = input.isFull && input.isAwaitingPacks
            if isWaiting { level = nil } else { self = FloatVoltage() }
            return []
        }
        let goal = input.figures.floatVoltage
        let start = min(
            Double(input.published?.cvl.rawValue ?? .max), Double((input.figures.targetCell * input.cells).rawValue))
        let eased = max(Double(goal.rawValue), (level ?? start) - Self.ease * Double(input.cells) * input.elapsed)
        level = eased
        let isThere = eased <= Double(goal.rawValue)
        let cause: Cause =
            input.isStalled
            ? .balancingStalled(goal)
            : isCommanded && !input.isFull ? .commandedFloat(goal) : isThere ? .float(goal) : .towardsFloat(goal)
        let excess = Double((input.highestVoltage - input.settings.balanceVoltage).rawValue)
        moveTrim(isThere ? excess : 0, input)
        let voltage = Bound.cvl(Millivolts(Int(eased - trim * Double(input.cells))), .float, cause)
        pause(excess, input)
        guard secondsPaused != nil else { return [voltage] }
        return [
            voltage,
            .ccl(.zero, .float, .restsAboveBalance(input.highest, balance: input.settings.balanceVoltage)),
        ]
    }

    /// Boards that burn while current flows in lower the voltage until they rest: the charger holds more than it is told.
    private mutating func moveTrim(_ excess: Double, _ input: LimitInput) {
        let isFed = input.measured.current == nil || input.current > .blindSpot
        if excess > 0 && isFed {
            trim = min(Self.mostTrim, trim + input.elapsed * Self.trimGain * excess)
        } else if excess < 0 {
            trim = max(0, trim - input.elapsed * Self.trimBack)
        }
    }

    private mutating func pause(_ excess: Double, _ input: LimitInput) {
        if input.state == .float && excess > 0 {
            secondsPaused = secondsPaused ?? 0
        } else if let seconds = secondsPaused {
            let isOver = seconds >= Self.pauseSeconds && excess <= -5
            secondsPaused = isOver || input.state != .float ? nil : seconds + input.elapsed
        }
    }

    func remember(in memory: inout LimitMemory) {
        memory.recent?.numbers[.floatTrim] = trim > 0 ? trim : nil
        memory.recent?.numbers[.floatPause] = secondsPaused
    }

    mutating func recall(_ memory: LimitMemory) {
        trim = memory.recent?.numbers[.floatTrim] ?? 0
        secondsPaused = memory.recent?.numbers[.floatPause]
    }
}

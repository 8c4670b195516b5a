import BMSCore

/// Keeps the highest cell at its soft cap, by voltage where the charger follows CVL and by current where it does not.
///
/// CVL: N x (Vbalance + soft - trim) - imbalance, with imbalance = N x highest - pack. The ohmic drop is nearly common
/// to all cells and cancels in the imbalance, so this is feed-forward and does not hunt; it is filtered (4 s when it
/// grows, 15 s when it shrinks). `trim` takes out the voltage error between charger and BMS, slowly.
///
/// CCL falls from the *actual* current by 3...9 % of C a second while the highest cell is above the cap, rises by 0.2 % of C a second while
/// it is 15 mV below, and ends at a floor that keeps balancing going. A reading of Vbalance + 45 mV at that floor ends the floor, too: CCL
/// is then 0 until Vbalance + 30 mV, and for 20 minutes.
///
/// Example: 16 LFP cells, Vbalance 3.400 V, highest 3.440 V, pack 53.60 V: imbalance 1.44 V, CVL 55.07 - 1.44 = 53.63 V.
struct HighestCell: LimitRule {
    /// Largest trim, mV a cell.
    private static let mostTrim = 70.0
    /// Distance above Vbalance at which the floor of CCL ends, distance at which it is back, and the seconds before it may be back.
    private static let pause = Millivolts(45)
    private static let resume = Millivolts(30)
    private static let pauseSeconds = 1_200.0
    /// Seconds after a pause in which half of the current that led to it is given.
    private static let carefulSeconds = 3_600.0

    /// Seconds after which a charger whose voltage is 3 mV a cell above CVL, while current flows, counts as ignoring CVL: then CCL alone
    /// has to hold the cell, and begins 12 mV earlier.
    private static let ignoredSeconds = 30.0
    private static let above = 3
    private static let margin = 12

    private var secondsIgnored = 0.0
    private var isIgnored: Bool { secondsIgnored >= Self.ignoredSeconds }
    /// mV of trim, 0...70.
    private var trim = 0.0
    /// The floor of CCL has ended.
    private var isPaused = false
    /// Seconds since the pause began; once it is over, ``pauseSeconds`` plus the seconds since its end; `nil` where it is long ago.
    private var secondsSincePause: Double?
    /// Current at which a cell had reached its cap when the last pause began, mA, and the largest current that is given after it.
    private var crossing = 0.0
    private var most: Double?
    private var isOver = false
    /// The allowed charge current, mA; `nil` until the first frame.
    private var allowed: Double?
    private var hysteresis = Hysteresis()

    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound] {
        let soft = input.figures.softCap
        let excess = (input.highestVoltage - soft).rawValue
        return [voltage(input, soft, excess), current(input, soft, excess)]
    }

    private mutating func voltage(_ input: LimitInput, _ soft: Millivolts, _ excess: Int) -> Bound {
        // The cap has 5 mV of hysteresis, one count of the wire.
        if excess > 5 {
            trim = min(Self.mostTrim, trim + input.elapsed * max(0.5, Double(excess - 5) * 0.15))
        } else if excess < -5 {
            trim = max(0, trim - input.elapsed * 0.03)
        }
        let value = Double((soft * input.cells).rawValue) - Double(input.cells) * trim - input.imbalance
        return .cvl(
            Millivolts(hysteresis.settle(Int(value), input, holdsRise: input.state == .bulk)), .highestCell,
            .leads(input.highest, cap: soft))
    }

    private mutating func current(_ input: LimitInput, _ soft: Millivolts, _ excess: Int) -> Bound {
        let rating = Double(input.figures.chargeRating.rawValue)
        let hour = Double(input.capacity.rawValue)
        let floor = min(rating, max(2000, 0.02 * hour))
        watch(input)
        let excess = isIgnored ? excess + Self.margin : excess
        var value = max(floor, min(rating, most ?? rating, allowed ?? rating))
        if excess > 5 {
            if !isOver { crossing = flowing(input, value) }
            let base = min(value, max(Double(input.current.rawValue), floor) * 1.05)
            value = max(floor, base - input.elapsed * 0.03 * hour * min(3, Double(excess) / 10))
        } else if excess < -15 {
            value = min(rating, max(floor, most ?? rating), value + input.elapsed * 0.002 * hour)
        }
        if excess <= 5 && value > floor { crossing = flowing(input, value) }
        isOver = excess > 5
        pause(input, isAtFloor: value <= floor)
        // After a pause the floor comes back: from there on the cell shows the current that it bears.
        allowed = isPaused ? floor : value
        let cause: Cause =
            switch excess {
            case 6...: .overCap(input.highest, cap: soft)
            case ...(-16): .underCap(input.highest, cap: soft)
            default: .atCap(input.highest, cap: soft)
            }
        return .ccl(Milliamperes(isPaused ? 0 : Int(value)), .highestCell, cause)
    }

    /// Charge current that flows, mA; without a current sensor the allowed current counts.
    private func flowing(_ input: LimitInput, _ allowed: Double) -> Double {
        input.measured.current == nil ? allowed : max(0, Double(input.current.rawValue))
    }

    private mutating func watch(_ input: LimitInput) {
        guard let cvl = input.published?.cvl, input.current > .blindSpot else { return }
        let isAbove = input.measured.packVoltage > cvl + Millivolts(Self.above * input.cells)
        secondsIgnored =
            isAbove
            ? min(2 * Self.ignoredSeconds, secondsIgnored + input.elapsed) : max(0, secondsIgnored - input.elapsed)
    }

    /// A charger that obeys CCL alone must not hold a cell above its soft cap for the sake of balancing. A cell that got there with some
    /// current gets there again with the same current: for an hour after a pause half of it is given.
    private mutating func pause(_ input: LimitInput, isAtFloor: Bool) {
        let above = input.highestVoltage - input.settings.balanceVoltage
        let isClose = input.highestVoltage >= input.figures.hardVoltage - Millivolts(20)
        let end = isIgnored ? Self.pause - Millivolts(Self.margin) : Self.pause
        if isClose || (isAtFloor && above >= end) {
            if !isPaused { (most, secondsSincePause) = (crossing / 2, 0) }
            isPaused = true
        } else if let seconds = secondsSincePause {
            secondsSincePause = seconds + input.elapsed
            if isPaused {
                if seconds >= Self.pauseSeconds && above <= Self.resume {
                    isPaused = false
                    secondsSincePause = Self.pauseSeconds
                }
            } else if seconds >= Self.pauseSeconds + Self.carefulSeconds {
                (most, secondsSincePause) = (nil, nil)
            }
        }
    }

    func remember(in memory: inout LimitMemory) {
        memory.recent?.numbers[.trim] = trim > 0 ? trim : nil
        memory.recent?.numbers[.ignored] = secondsIgnored > 0 ? secondsIgnored : nil
        // A pause that waits for its cell must not look as if it were over.
        memory.recent?.numbers[.pause] = secondsSincePause.map { isPaused ? min($0, Self.pauseSeconds - 1) : $0 }
        memory.recent?.numbers[.pauseMost] = most
    }

    mutating func recall(_ memory: LimitMemory) {
        guard let recent = memory.recent else { return }
        trim = recent.numbers[.trim] ?? 0
        secondsIgnored = recent.numbers[.ignored] ?? 0
        secondsSincePause = recent.numbers[.pause]
        isPaused = secondsSincePause.map { $0 < Self.pauseSeconds } ?? false
        most = recent.numbers[.pauseMost]
        guard let levels = recent.levels else { return }
        hysteresis.begin(at: levels.cvl.rawValue)
        // In bulk another rule may have bounded CCL, and such a reduction comes back by the slew alone.
        guard recent.state == .absorption || recent.state == .balancing else { return }
        allowed = Double(levels.ccl.rawValue)
    }
}

/// N x highest - pack, filtered: 4 s when it grows, 15 s when it shrinks.
struct ImbalanceFilter: Sendable {
    private(set) var level: Double?

    mutating func step(_ measured: Double, elapsed: Double) {
        let filtered = level.map { old in
            old + (measured - old) * min(1, elapsed / (measured > old ? 4 : 15))
        }
        level = filtered ?? measured
    }
}

/// Play between a feedback and the voltage that follows it, so that the two do not chase each other: a fall counts from 1 mV a cell on; a
/// rise is followed at a distance of 7 mV a cell.
struct Hysteresis: Sendable {
    /// Seconds for which a voltage that has fallen does not rise, where this costs no charge.
    private static let holdSeconds = 300.0

    private var level: Int?
    private var secondsHeld = 0.0

    /// Goes on from an earlier level.
    mutating func begin(at value: Int) { level = value }

    /// - Parameter holdsRise: the pack is far from this voltage, so that a rise may wait.
    mutating func settle(_ value: Int, _ input: LimitInput, holdsRise: Bool = false) -> Int {
        secondsHeld = max(0, secondsHeld - input.elapsed)
        let old = level ?? value
        if value <= old - input.cells {
            secondsHeld = Self.holdSeconds
            level = value
        } else if !holdsRise || secondsHeld == 0 {
            level = max(old, value - 7 * input.cells)
        }
        return level ?? value
    }
}

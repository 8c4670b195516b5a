import BMSCore

/// The charge states bulk, absorption, balancing, full and float. Only believed frames step them; silence changes nothing.
///
/// A pack is full when the lowest cell is at Vbalance - 5 mV and the current is down to 4 % of C (and the 1 A that boards burn), for 120
/// counted seconds while the BMS says 100 %, 600 s without; or when the BMS ends the charge itself and the pack shows it. It floats once the
/// voltage has eased down and every other pack of the bank is full. It goes back to bulk below the restart SoC or voltage for 30 s, with
/// cells 50 mV apart at rest for 20 min, when the next full charge is due, or when somebody asks for it. Balancing that gains nothing for
/// 24 h ends as full, stalled.
///
/// Sources: the manuals' rule for 100 % SoC, two peers' restart figures, the bench. Example: 16 LFP cells of 100 Ah with
/// Vbalance 3.400 V: lowest 3.395 V, 4.5 A and 100 % for 120 s is full (4 A and the boards' 1 A).
struct ChargeStateMachine: Sendable {
    /// Circumstances of a step that no measurement shows.
    struct Context: Sendable {
        /// 4 % of C: below it a charge counts as ended.
        var tail = Milliamperes.zero
        /// 5 % of C: below it the pack rests.
        var rest = Milliamperes.zero
        /// Restart figures.
        var restartSoc = 95
        var restartVoltage: Millivolts?
        /// The BMS ended the charge itself, without a fault.
        var isEndedByBMS = false
        /// The charge voltage has come down to rest, and every other pack of the bank is full.
        var mayFloat = false
        /// A full charge is due by the calendar.
        var isFullChargeDue = false
        /// Somebody asked for a full charge.
        var isFullChargeRequested = false
        /// Seconds since the frame before.
        var elapsed = 0.0
    }

    /// A cell so far below Vbalance counts as being at the top.
    static let top = Millivolts(5)
    private static let stallSeconds = 86_400.0

    private(set) var state = ChargeState.bulk
    /// Balancing was given up, until the pack has been used.
    var isStalled: Bool { stalledSoc != nil }
    /// State of charge at which balancing was given up.
    private(set) var stalledSoc: Int?
    /// State of charge at which the pack became full, where that is below the restart figure: the BMS counts wrong.
    private var fullSoc: Int?
    private var secondsFull = 0.0
    private var secondsLow = 0.0
    private var secondsApart = 0.0
    private var secondsWithoutGain = 0.0
    private var bestLow = Millivolts.zero

    /// - Returns: `true` in the step in which the pack becomes full.
    @discardableResult
    mutating func step(_ measured: Measurements, _ settings: PackSettings, _ context: Context) -> Bool {
        switch state {
        case .full, .float:
            rest(measured, settings, context)
            return false
        case .bulk, .absorption, .balancing, .stale:
            charge(measured, settings, context)
            return state == .full && !isStalled
        }
    }

    private mutating func charge(_ measured: Measurements, _ settings: PackSettings, _ context: Context) {
        let balance = settings.balanceVoltage
        let isTop = measured.lowestVoltage >= balance - Self.top
        let current = measured.current ?? .zero
        let isEnded = isTop && current.magnitude <= context.tail + (isTop ? Milliamperes(1000) : .zero)
        secondsFull = isEnded ? secondsFull + context.elapsed : max(0, secondsFull - context.elapsed)
        if secondsFull >= (measured.soc == 100 ? 120 : 600) || (context.isEndedByBMS && isTop) {
            enterFull()
            if measured.soc < context.restartSoc { fullSoc = measured.soc }
        } else if measured.highestVoltage >= balance && measured.lowestVoltage < balance - Millivolts(20) {
            enterBalancing(measured, context)
        } else if measured.highestVoltage >= balance - Millivolts(10) {
            state = state == .balancing && measured.lowestVoltage < balance ? .balancing : .absorption
        } else if measured.highestVoltage < balance - Millivolts(40) {
            state = .bulk
        }
    }

    private mutating func enterBalancing(_ measured: Measurements, _ context: Context) {
        // Nights and days come between: only the time spent balancing counts.
        if measured.lowestVoltage > bestLow + Millivolts(5) || bestLow == .zero {
            bestLow = measured.lowestVoltage
            secondsWithoutGain = 0
        } else {
            secondsWithoutGain += context.elapsed
        }
        state = .balancing
        if secondsWithoutGain >= Self.stallSeconds {
            enterFull()
            stalledSoc = measured.soc
        }
    }

    private mutating func enterFull() {
        self = ChargeStateMachine()
        state = .full
    }

    private mutating func rest(_ measured: Measurements, _ settings: PackSettings, _ context: Context) {
        if state == .full && context.mayFloat { state = .float }
        let restartSoc = min(context.restartSoc, (stalledSoc ?? fullSoc).map { $0 - 5 } ?? 100)
        // Where the state of charge says nothing, the voltage must say that the pack was used.
        let restartVoltage =
            context.restartVoltage ?? (fullSoc == nil ? nil : settings.balanceVoltage - Millivolts(150))
        let isLow = measured.soc < restartSoc || restartVoltage.map { measured.lowestVoltage < $0 } ?? false
        secondsLow = isLow ? secondsLow + context.elapsed : 0
        let isResting = (measured.current ?? .zero).magnitude <= context.rest
        let isApart = measured.highestVoltage - measured.lowestVoltage >= Millivolts(50)
        let isBelow = measured.highestVoltage < settings.balanceVoltage
        secondsApart = isResting && isApart && isBelow && !isStalled ? secondsApart + context.elapsed : 0
        let isDue = context.isFullChargeRequested || (context.isFullChargeDue && !isStalled)
        if secondsLow >= 30 || secondsApart >= 1200 || isDue { self = ChargeStateMachine() }
    }

    /// Goes on from the state of an earlier machine.
    mutating func recall(_ recent: LimitMemory.Recent) {
        state = recent.state == .stale ? .bulk : recent.state
        stalledSoc = recent.stalledSoc
    }
}

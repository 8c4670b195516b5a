import BMSCore

/// Bulk, absorption, balancing, full. Stepped by believed frames only; silence changes nothing.
struct ChargeStateMachine: Sendable {
    private(set) var state = ChargeState.bulk
    private var secondsFull = 0.0

    /// - Parameters:
    ///   - tail: current below which a charge counts as ended, 4 % of C, and the bypass current where all boards burn.
    mutating func step(_ frame: Frame, _ settings: PackSettings, tail: Milliamperes, elapsed: Double) {
        let balance = settings.balanceVoltage
        let isTop = frame.lowestVoltage >= balance - Millivolts(5)
        let current = frame.current ?? .zero
        let isEnded = isTop && current.magnitude <= tail + (isTop ? Milliamperes(1000) : .zero)
        secondsFull = isEnded ? secondsFull + elapsed : max(0, secondsFull - elapsed)
        if state == .full {
            if frame.soc < 95 || frame.highestVoltage < balance - Millivolts(100) { leaveFull() }
        } else if secondsFull >= (frame.soc == 100 ? 120 : 600) {
            state = .full
        } else if frame.highestVoltage >= balance && frame.lowestVoltage < balance - Millivolts(20) {
            state = .balancing
        } else if frame.highestVoltage >= balance - Millivolts(10) {
            state = state == .balancing && frame.lowestVoltage < balance ? .balancing : .absorption
        } else if frame.highestVoltage < balance - Millivolts(40) {
            state = .bulk
        }
    }

    private mutating func leaveFull() {
        state = .bulk
        secondsFull = 0
    }
}

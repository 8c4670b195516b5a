import BMSCore

/// Keeps the highest cell at its soft cap, by voltage where the charger follows CVL and by current where it does not.
///
/// CVL: N x (Vbalance + soft - trim) - imbalance, with imbalance = N x highest - pack. The ohmic drop is nearly common
/// to all cells and cancels in the imbalance, so this is feed-forward and does not hunt; it is filtered (4 s when it
/// grows, 15 s when it shrinks). `trim` takes out the voltage error between charger and BMS, slowly.
///
/// CCL: falls from the *actual* current by 3...9 % of C a second while the highest cell is above the cap, rises by
/// 0.2 % of C a second while it is 15 mV below, and never ends below what keeps balancing going.
///
/// Example: 16 LFP cells, Vbalance 3.400 V, highest 3.440 V, pack 53.60 V: imbalance 1.44 V, CVL 55.07 - 1.44 = 53.63 V.
struct HighestCell: Constraint {
    /// mV of trim, 0...30.
    private var trim = 0.0
    /// mV, filtered.
    private var imbalance: Double?
    /// mA; `nil` until the first frame.
    private var allowed: Double?

    mutating func evaluate(_ input: LimitInput) -> [ConstraintValue] {
        let soft = input.settings.balanceVoltage + input.profile.soft
        let excess = (input.frame.highestVoltage - soft).rawValue
        return [voltage(input, soft, excess), current(input, soft, excess)]
    }

    private mutating func voltage(_ input: LimitInput, _ soft: Millivolts, _ excess: Int) -> ConstraintValue {
        let measured = Double(max(0, (input.frame.highestVoltage * input.cells - input.frame.packVoltage).rawValue))
        let filtered = imbalance.map { old in
            old + (measured - old) * min(1, input.elapsed / (measured > old ? 4 : 15))
        }
        let spread = filtered ?? measured
        imbalance = spread
        // The cap has 5 mV of play, one count of the wire.
        if excess > 5 {
            trim = min(30, trim + input.elapsed * 0.5 * max(1, Double(excess - 5) / 10))
        } else {
            trim = max(0, trim - input.elapsed * 0.03)
        }
        let value = Double((soft * input.cells).rawValue) - Double(input.cells) * trim - spread
        let cell = input.frame.highestVoltageCell
        return .cvl(
            Millivolts(Int(value)), "highestCell",
            "cell \(cell) at \(input.frame.highestVoltage.inVolts) leads the pack: "
                + "held at \(soft.inVolts)")
    }

    private mutating func current(_ input: LimitInput, _ soft: Millivolts, _ excess: Int) -> ConstraintValue {
        let rating = Double(input.rate(input.profile.chargeRate).rawValue)
        let hour = Double(input.capacity.rawValue)
        let isClose = input.frame.highestVoltage.rawValue >= input.hardVoltage.rawValue - 20
        let floor = isClose ? 0 : min(rating, max(2000, 0.02 * hour))
        var value = max(floor, min(rating, allowed ?? rating))
        if excess > 5 {
            let base = min(value, max(Double(input.current.rawValue), floor) * 1.05)
            value = max(floor, base - input.elapsed * 0.03 * hour * min(3, Double(excess) / 10))
        } else if excess < -15 {
            value = min(rating, value + input.elapsed * 0.002 * hour)
        }
        allowed = value
        let cell = "cell \(input.frame.highestVoltageCell) at \(input.frame.highestVoltage.inVolts)"
        let reason =
            switch excess {
            case 6...: "\(cell) is \(excess) mV over its soft cap of \(soft.inVolts): charge current falling"
            case ...(-16): "\(cell) is below its soft cap of \(soft.inVolts): charge current recovering"
            default: "\(cell) is at its soft cap of \(soft.inVolts)"
            }
        return .ccl(Milliamperes(Int(value)), "highestCell", reason)
    }
}

import BMSCore

/// The BMS's thresholds in an order that can be worked with.
///
/// A Vbalance less than 50 mV below Vmax, or at or under Vmin, means that balancing is switched off: the chemistry's Vbalance by the
/// manuals is used, and for an unknown chemistry the middle between Vmin and Vmax. Where thresholds contradict the chemistry, the more
/// careful of the two counts.
struct EffectiveThresholds: Hashable, Sendable {
    /// Settings with a Vbalance between Vmin and Vmax.
    let settings: PackSettings
    /// Treatment of Vbalance.
    let balance: Cause.BalanceSource

    /// The lowest Vmin that may be meant: CVL goes down to it, and below it.
    let lowestMinimum: Millivolts
    /// Threshold that contradicts the chemistry; `nil` where none does.
    let fault: ThresholdFault?

    private static let leastGap = Millivolts(50)

    init(_ sent: PackSettings, _ chemistry: Chemistry?) {
        var settings = sent
        let fault = chemistry.flatMap { $0.accepts(sent) }
        if let chemistry, fault != nil {
            // The more careful of the BMS's value and the value of the chemistry's manual.
            settings.minimumVoltage = max(sent.minimumVoltage, chemistry.usualMinimumVoltage)
            settings.maximumVoltage = min(sent.maximumVoltage, chemistry.highestCellVoltage)
        }
        let most = settings.maximumVoltage - Self.leastGap
        let middle = Millivolts((settings.minimumVoltage + settings.maximumVoltage).rawValue / 2)
        let usual = min(chemistry?.usualBalanceVoltage ?? middle, most)
        if sent.balanceVoltage <= sent.minimumVoltage {
            settings.balanceVoltage = usual
            balance = .missing(sent: sent.balanceVoltage)
        } else if sent.balanceVoltage > sent.maximumVoltage - Self.leastGap {
            settings.balanceVoltage = usual
            balance = .tooHigh(sent: sent.balanceVoltage)
        } else if fault != nil {
            settings.balanceVoltage = min(sent.balanceVoltage, usual)
            balance = .sent
        } else {
            balance = .sent
        }
        let lowest = fault == nil ? settings.minimumVoltage : chemistry?.usualMinimumVoltage ?? sent.minimumVoltage
        lowestMinimum = min(settings.balanceVoltage, sent.minimumVoltage, lowest)
        self.settings = settings
        self.fault = fault
    }
}

extension Chemistry {
    /// Vmin by the manual of generation 3, revision 13.
    fileprivate var usualMinimumVoltage: Millivolts {
        switch self {
        case .lfp: Millivolts(2900)
        case .nmc: Millivolts(3490)
        case .nca: Millivolts(3400)
        case .lto: Millivolts(2150)
        }
    }
}

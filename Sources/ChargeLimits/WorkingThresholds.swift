import BMSCore

/// The BMS's thresholds in an order that can be worked with.
///
/// What the BMS sends with balancing switched off is not known, and owners type. A Vbalance near or above Vmax must not
/// lift the charge voltage to where the relay opens: the manuals' settings all leave 50 mV at least. A Vbalance at or
/// under Vmin is no setting: the chemistry's is taken, by the manuals, and for an unknown one the middle.
struct WorkingThresholds: Hashable, Sendable {
    /// With a Vbalance between Vmin and Vmax.
    let settings: PackSettings
    /// What was done to it.
    let balance: Cause.BalanceSource

    private static let leastGap = Millivolts(50)

    init(_ sent: PackSettings, _ chemistry: Chemistry?) {
        var settings = sent
        let most = sent.maximumVoltage - Self.leastGap
        if sent.balanceVoltage <= sent.minimumVoltage {
            let middle = Millivolts((sent.minimumVoltage + sent.maximumVoltage).rawValue / 2)
            settings.balanceVoltage = min(chemistry.map(Self.usual) ?? middle, most)
            balance = .missing(sent: sent.balanceVoltage)
        } else if sent.balanceVoltage > most {
            settings.balanceVoltage = most
            balance = .tooHigh(sent: sent.balanceVoltage)
        } else {
            balance = .sent
        }
        self.settings = settings
    }

    /// Vbalance by the manual of generation 3, revision 13.
    private static func usual(_ chemistry: Chemistry) -> Millivolts {
        switch chemistry {
        case .lfp: Millivolts(3400)
        case .nmc, .nca: Millivolts(4000)
        case .lto: Millivolts(2600)
        }
    }
}

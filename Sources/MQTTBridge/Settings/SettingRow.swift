import ChargeLimits

/// One setting that can be commanded: parsing, bounds, effect, persistence, documents and Home Assistant's controls follow
/// from its row.
struct SettingRow: Sendable {
    enum Kind: Sendable {
        /// A number with unit, in steps of so many thousandths, between bounds in thousandths; `nil`: not known yet.
        case number(unit: String, step: Int, bounds: @Sendable (SettingContext) -> ClosedRange<Int>?)
        case flag
        case word([String])
        case text(longest: Int)
        /// Does something, keeps nothing.
        case button
    }

    /// The place where a setting takes effect.
    enum Effect: Sendable {
        /// The setting is part of the commands that the limits obey. Called only while the setting is changed, with its value inside
        /// the bounds of now.
        case limit(@Sendable (inout LimitCommands, SettingValue, StoredSetting) -> Void)
        /// The setting is the name that people see.
        case name
        /// The setting overrides a relay of the pack.
        case relay
        /// The action is done once, at the press of a button.
        case button(Action)
    }

    /// The deed of a button.
    enum Action: Hashable, Sendable {
        case clearPeaks
        case republish
        case purgeDiscovery
        case allowDeepCharge

        /// Why the deed cannot be done now; `nil`: it can.
        func refusal(_ context: SettingContext) -> String? {
            switch self {
            case .clearPeaks, .republish, .purgeDiscovery: nil
            case .allowDeepCharge:
                context.latches.contains(.deepDischarge)
                    ? nil : "there is nothing to allow: charging is not locked by deeply discharged cells"
            }
        }
    }

    /// Name in topics and documents.
    var name: String
    /// Key of the Home Assistant entity.
    var key: String
    /// Name for people, sentence case; {n} stands for the ``subject``.
    var title: String
    var kind: Kind
    var effect: Effect
    /// Value while nobody changed it; `nil` for a button, and where the bounds are not known yet.
    var standard: @Sendable (SettingContext) -> SettingValue?
    var icon: String
    /// A sentence for docs and refusals.
    var meaning: String
    /// Which of several it is: the name of a relay.
    var subject: String?
}

extension SettingRow.Effect {
    /// A number is a part of the commands, in thousandths of its unit.
    static func number(_ apply: @escaping @Sendable (inout LimitCommands, Int) -> Void) -> Self {
        .limit { commands, value, _ in
            if case .number(let thousandths) = value { apply(&commands, thousandths) }
        }
    }

    /// A switch that is off is a part of the commands.
    static func switchedOff(
        _ apply: @escaping @Sendable (inout LimitCommands, LimitCommands.SwitchedOff) -> Void
    ) -> Self {
        .limit { commands, value, stored in
            if value == .flag(false) { apply(&commands, LimitCommands.SwitchedOff(minuteOfDay: stored.minuteOfDay)) }
        }
    }
}

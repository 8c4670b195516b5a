package import ChargeLimits

/// A setting that can be commanded. Parsing, bounds, effect, persistence, documents and the controls of Home Assistant follow from its row.
package struct SettingRow: Sendable {
    /// Values that the setting can have.
    package enum Kind: Sendable {
        /// A number in steps of `step` thousandths of its unit, between bounds in thousandths; `nil`: they are not known yet.
        case number(unit: String, step: Int, bounds: @Sendable (SettingContext) -> ClosedRange<Int>?)
        /// On or off.
        case flag
        /// One of some words.
        case word([String])
        /// A line of text.
        case text(longest: Int)
        /// A button: it does something and keeps nothing.
        case button
    }

    /// The place where a setting takes effect.
    package enum Effect: Sendable {
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

    /// Action of a button.
    package enum Action: Hashable, Sendable {
        /// The extremes of the cells are forgotten.
        case clearPeaks
        /// Every document is published again.
        case republish
        /// The pack is removed from Home Assistant.
        case purgeDiscovery
        /// Deeply discharged cells may be charged, for this charge.
        case allowDeepCharge

        /// The reason why the action is impossible now; `nil`: it is possible.
        package func refusal(_ context: SettingContext) -> String? {
            switch self {
            case .clearPeaks, .republish, .purgeDiscovery: nil
            case .allowDeepCharge:
                context.latches.contains(.deepDischarge)
                    ? nil : "there is nothing to allow: charging is not locked by deeply discharged cells"
            }
        }
    }

    /// Name in topics and documents.
    package var name: String
    /// Key of the Home Assistant entity.
    package var key: String
    /// Name for people, sentence case; {n} stands for the ``subject``.
    package var title: String
    /// Values that it can have.
    package var kind: Kind
    /// The place where it takes effect.
    package var effect: Effect
    /// Value while nobody has changed it; `nil` for a button, and where the bounds are not known yet.
    package var standard: @Sendable (SettingContext) -> SettingValue?
    /// Icon of the Home Assistant entity; `nil`: Home Assistant has one for its kind.
    package var icon: String?
    /// A sentence for documents.
    package var meaning: String
    /// Name of the relay that the setting overrides; `nil` for other settings.
    package var subject: String?
}

extension SettingRow.Effect {
    /// An effect on the limits by a number in thousandths of its unit.
    package static func number(_ apply: @escaping @Sendable (inout LimitCommands, Int) -> Void) -> Self {
        .limit { commands, value, _ in
            if case .number(let thousandths) = value { apply(&commands, thousandths) }
        }
    }

    /// An effect on the limits by a switch that is off.
    package static func switchedOff(
        _ apply: @escaping @Sendable (inout LimitCommands, LimitCommands.SwitchedOff) -> Void
    ) -> Self {
        .limit { commands, value, stored in
            if value == .flag(false) { apply(&commands, LimitCommands.SwitchedOff(minuteOfDay: stored.minuteOfDay)) }
        }
    }
}

import BatteryEngine

extension MetricCatalogue {
    /// The CAN bus on which the limits are told; unknown where there is none.
    static let can: [Metric] = [
        Metric("/Can/Interface", shape: .text) { .string($0.bus?.address) },
        Metric(
            "/Can/Status",
            entity: .plain(
                "can_status", "CAN bus", icon: "mdi:transit-connection-variant",
                options: BusFigures.State.allCases.map { EntityRow.EnumState(value: $0.rawValue, word: word($0)) }
            ).always, isFor: \.hasBus
        ) { .string($0.bus?.state.rawValue) },
        Metric("/Can/Sets", deadband: .heartbeat, isCounter: true) { .whole($0.bus?.sets) },
        Metric(
            "/Can/Faults",
            entity: .total(
                "can_faults", "CAN faults", nil, nil, precision: 0, diagnostic: true, icon: "mdi:counter"
            ).always.disabled, isCounter: true, isFor: \.hasBus
        ) { .whole($0.bus?.faults) },
        Metric("/Can/KeepAlives", deadband: .heartbeat, isCounter: true) { .whole($0.bus?.keepAlives) },
        Metric(
            "/Can/Inverter",
            entity: .binary("can_inverter", "Inverter on CAN", "connectivity", diagnostic: true).always.optional,
            isFor: \.hasBus
        ) { .flag($0.bus?.hearsInverter) },
        Metric("/Can/OtherFrames", deadband: .heartbeat, isCounter: true) { .whole($0.bus?.others) },
    ]

    private static func word(_ state: BusFigures.State) -> String {
        switch state {
        case .sending: "limits are sent"
        case .silent: "silent"
        case .unacknowledged: "no answer"
        case .busOff: "bus off"
        case .closed: "not connected"
        }
    }
}

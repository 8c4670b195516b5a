import BatteryEngine
import BMSCore
import ChargeLimits

extension MetricCatalogue {
    static let info: [Metric] = [
        Metric(
            "/Info/MaxChargeVoltage", "V", gx: .value,
            entity: .measurement(
                "cvl", "Charge voltage limit", "voltage", "V", precision: 2
            ).fromLimits(["cvl"])
        ) { .thousandths($0.limits?.cvl.rawValue, 2) },
        Metric(
            "/Info/MaxChargeCurrent", "A", gx: .chargeLimit,
            entity: .measurement(
                "ccl", "Charge current limit", "current", "A", precision: 1
            ).fromLimits(["ccl"])
        ) { .thousandths($0.limits?.ccl.rawValue, 1) },
        Metric(
            "/Info/MaxDischargeCurrent", "A", gx: .dischargeLimit,
            entity: .measurement(
                "dcl", "Discharge current limit", "current", "A", precision: 1
            ).fromLimits(["dcl"])
        ) { .thousandths($0.limits?.dcl.rawValue, 1) },
        Metric("/Info/BatteryLowVoltage", "V", gx: .value) { .thousandths($0.limits?.lowVoltage.rawValue, 2) },
        Metric("/Info/MaxChargeCellVoltage", "V", gx: .value) { .thousandths($0.limits?.cellCeiling.rawValue, 3) },
        Metric(
            "/Info/ChargeMode", gx: .value,
            entity: .plain(
                "charge_mode", "Charge mode", diagnostic: false, icon: "mdi:battery-charging",
                options: EntityRow.EnumState.named(ChargeState.allCases.map(\.rawValue))
            ).fromLimits(["chargeState"], [EntityRow.Attribute(name: "mode", keys: ["chargeState"])])
        ) { .string($0.limits?.state.rawValue) },
        reason("/Info/VoltageLimitation", "cvl_reason", "Voltage limited by", .cvl, gx: nil),
        reason("/Info/ChargeLimitation", "ccl_reason", "Charge limited by", .ccl, gx: .value),
        reason("/Info/DischargeLimitation", "dcl_reason", "Discharge limited by", .dcl, gx: .value),
        Metric(
            "/Info/InternalResistance", "mΩ", deadband: .within(1000),
            entity: .measurement(
                "internal_resistance", "Internal resistance", nil, "mΩ", precision: 1, diagnostic: true,
                icon: "mdi:omega"
            ).optional
        ) { .thousandths($0.limits?.resistance.measured, 1) },
        Metric("/Info/InternalResistanceUsed", "mΩ", deadband: .within(1000)) {
            .thousandths($0.limits?.resistance.used, 1)
        },
        Metric("/Info/InternalResistanceSource", shape: .text) { .string($0.limits?.resistance.source.rawValue) },
        Metric(
            "/Info/ChargeRequest", gx: .value,
            entity: .binary("charge_request", "Charge requested", nil, icon: "mdi:battery-charging-outline")
        ) { .flag($0.limits?.isChargeRequested) },
    ]

    static let history: [Metric] = [
        chargeCycles,
        Metric("/History/ChargedEnergy", "kWh", gx: .value, isCounter: true) {
            .thousandths($0.keys?.chargedEnergy?.rawValue, 0)
        },
        Metric("/History/DischargedEnergy", "kWh", gx: .value, isCounter: true) {
            .thousandths($0.keys?.dischargedEnergy?.rawValue, 0)
        },
        Metric("/History/MinimumCellVoltage", "V", gx: .value) {
            .thousandths($0.history.peaks.minimumCell?.rawValue, 3)
        },
        Metric("/History/MaximumCellVoltage", "V", gx: .value) {
            .thousandths($0.history.peaks.maximumCell?.rawValue, 3)
        },
        Metric(
            "/History/StrongestCell",
            entity: .plain("strongest_cell", "Strongest cell", icon: "mdi:battery-arrow-up-outline").optional
        ) { .string($0.history.peaks.strongestCell.map { "C\($0)" }) },
        Metric(
            "/History/WeakestCell",
            entity: .plain("weakest_cell", "Weakest cell", icon: "mdi:battery-arrow-down-outline").optional
        ) { .string($0.history.peaks.weakestCell.map { "C\($0)" }) },
        Metric("/History/TimeSinceLastFullCharge", "s", gx: .value, deadband: .heartbeat) { view in
            .whole(view.history.secondsSinceFull.map { Int($0) })
        },
    ]

    static let chargeCycles = Metric(
        "/History/ChargeCycles", gx: .value,
        entity: .total("cycles", "Cycles", nil, nil, precision: 0, diagnostic: true, icon: "mdi:battery-sync").optional,
        isCounter: true
    ) { .whole($0.keys?.cycles) }

    static let firmware = Metric(
        "/FirmwareVersion", entity: .plain("firmware", "BMS firmware", icon: "mdi:chip").optional
    ) {
        .string($0.keys?.firmware)
    }

    static let identity: [Metric] = [
        firmware,
        Metric("/ProductName", shape: .text) { .text(productName + ($0.bank == nil ? "" : " bank")) },
        Metric("/CustomName", shape: .text) { .text($0.name) },
        Metric("/Serial", shape: .text) { .string($0.battery.serial) },
        Metric("/Manufacturer", shape: .text) { _ in .text(manufacturer) },
    ]

    static let link: [Metric] = [
        Metric("/Link/Age", "s", deadband: .heartbeat) { view in
            .thousandths(view.linkAge.map { Int(min($0, 1_000_000_000)) }, 1)
        },
        Metric(
            "/Link/Quality", "%", deadband: .within(5000),
            entity: .measurement(
                "link_quality", "BMS link quality", nil, "%", precision: 0, diagnostic: true, icon: "mdi:signal"
            ).optional
        ) { .whole($0.link.quality) },
        counter("/Link/FramesAccepted", "frames_accepted", "Frames accepted") { $0.framesAccepted },
        counter("/Link/FramesRejected", "frames_rejected", "Frames rejected") { $0.framesRejected },
        Metric("/Link/FramesDamaged", isCounter: true) { .integer($0.link.counters[.signs] + $0.link.counters[.sum]) },
        counter("/Link/BytesDropped", "bytes_dropped", "Bytes dropped") { $0.bytesDropped },
        counter("/Link/Resyncs", "resyncs", "Resynchronisations") { $0.resyncs },
        Metric("/Link/SourceReopenings", isCounter: true) {
            .whole($0.pack.map { max(0, $0.counts.sourceOpenings - 1) })
        },
        Metric("/Link/BrokerReconnects", isCounter: true) {
            .whole($0.pack.map { max(0, $0.counts.brokerConnections - 1) })
        },
        Metric("/Link/CommandsRefused", isCounter: true) { .whole($0.pack?.counts.commandsRefused) },
    ]

    static let productName = "123\\SmartBMS"
    static let manufacturer = "123electric"

    private static func reason(_ path: String, _ key: String, _ name: String, _ kind: LimitKind, gx: GXUse?) -> Metric {
        // The state is a word for the rule, so that its history is a band; the sentence, with its numbers, is an attribute.
        Metric(
            path, gx: gx, deadband: .heartbeat,
            entity: .plain(
                key, name, diagnostic: false, icon: "mdi:comment-question-outline", options: RuleWords.states
            ).fromLimits(
                ["names", kind.rawValue],
                [
                    EntityRow.Attribute(name: "sentence", keys: ["reasons", kind.rawValue]),
                    EntityRow.Attribute(name: "name", keys: ["names", kind.rawValue]),
                ]), shape: .text
        ) { .string(($0.limits?.reason(kind)).map { String($0.prefix(200)) }) }
    }

    private static func counter(
        _ path: String, _ key: String, _ name: String, _ value: @escaping @Sendable (LinkCounters) -> Int
    ) -> Metric {
        let entity = EntityRow.total(key, name, nil, nil, precision: 0, diagnostic: true, icon: "mdi:counter").disabled
        return Metric(path, deadband: .heartbeat, entity: entity, isCounter: true) { .integer(value($0.link.counters)) }
    }
}

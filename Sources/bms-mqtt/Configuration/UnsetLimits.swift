import BMSCore
import SmartBMS
import ChargeLimits
import BatteryEngine
import MQTTBridge

/// The limits that an owner should set and did not, with the figures that are used instead.
enum UnsetLimits {
    /// One line for each pack with limits that are not set.
    static func lines(_ packs: [ServicePlan.Pack]) -> [String] {
        packs.compactMap { pack in
            let unset = unset(pack)
            return unset.isEmpty ? nil : "pack \(pack.options.id): not set: \(unset.joined(separator: ", "))"
        }
    }

    /// What the owner should do about currents that only sensor and cells bound: neither a cap nor a fuse of the file.
    static func advice(_ pack: ServicePlan.Pack) -> [Advice] {
        let limits = pack.options.limits
        guard limits.fuse == nil else { return [] }
        let unset = currents(pack)
        guard !unset.isEmpty else { return [] }
        let (keys, instead) = (unset.map { "limits.\($0.key)" }, unset.map(\.rate))
        return [
            Advice(
                .unsetLimits,
                "set \(keys.joined(separator: " and ")) in the configuration: without \(keys.count > 1 ? "them" : "it") \(instead.joined(separator: " and ")) of the "
                    + "capacity is used, whatever charger, inverter and cables can take")
        ]
    }

    /// Caps of the currents that are not set, each with the rate that is used instead.
    private static func currents(_ pack: ServicePlan.Pack) -> [(key: String, rate: String)] {
        let limits = pack.options.limits
        var unset: [(key: String, rate: String)] = []
        if limits.maximumChargeCurrent == nil {
            unset.append(("maxChargeCurrent", figure(pack) { rate($0.chargeRate) }))
        }
        if limits.maximumDischargeCurrent == nil {
            unset.append(("maxDischargeCurrent", figure(pack) { rate($0.dischargeRate) }))
        }
        return unset
    }

    private static func unset(_ pack: ServicePlan.Pack) -> [String] {
        let limits = pack.options.limits
        var unset: [String] = []
        func add(_ key: String, _ instead: String) { unset.append("limits.\(key) (\(instead))") }
        if limits.fuse == nil { add("fuse", "none") }
        for current in currents(pack) { add(current.key, "\(current.rate) of the capacity is used") }
        if limits.minimumChargeTemperature == nil {
            let degrees = figure(pack) { $0.lowestChargeTemperature.map { "\($0) °C" } ?? "none" }
            add("minChargeTemperature", "\(degrees) is used")
        }
        if !pack.hasMaximumTemperature {
            add("maxTemperature", "\(limits.maximumTemperature.rawValue / 1000) °C is used")
        }
        return unset
    }

    private static func rate(_ thousandths: Int) -> String {
        FixedPoint.text(
            thousandths: thousandths, decimals: thousandths % 1000 == 0 ? 0 : thousandths % 100 == 0 ? 1 : 2)
            + " C"
    }

    /// The figure of the pack's chemistry. While the chemistry is unknown: the figure of LFP, with those of other chemistries where
    /// they differ, as in "0.5 C (LTO: 1 C)".
    private static func figure(_ pack: ServicePlan.Pack, _ text: (ChemistryDefaults) -> String) -> String {
        func shown(_ chemistry: Chemistry) -> String { text(ChemistryDefaults(chemistry, pack.options.limits)) }
        if let chemistry = pack.options.decoding.chemistry { return shown(chemistry) }
        let usual = shown(.lfp)
        let others = Chemistry.allCases.filter { shown($0) != usual }.map {
            "\($0.rawValue.uppercased()): \(shown($0))"
        }
        return others.isEmpty ? usual : "\(usual) (\(others.joined(separator: ", ")))"
    }
}

import BMSCore
import ChargeLimits

extension PackView {
    /// A bank as if it were one pack: voltage the mean, currents and energies the sums, extremes with their packs.
    ///
    /// - Parameters:
    ///   - options: how the bank appears.
    ///   - packs: views of the packs on the bus by configuration; `absent` more are taken off.
    ///   - unheard: the alarm for a pack that was never heard.
    ///   - onBus: whether a pack takes part in either direction, by its place in `packs`.
    ///   - weights: how much of each counts in the state of charge and the stored energy, likewise.
    ///   - totals: the bank's own.
    convenience init(
        bank options: Shared<PackOptions>, packs: [PackView], absent: Int, onBus: [Bool], weights: [Double],
        totals: EnergyTotals, unheard: AlarmLevel?, limits: Limits?, gxCurrents: GXCurrents,
        now: Timestamp
    ) {
        let heard = packs.indices.filter { packs[$0].live != nil }
        let taking = heard.filter { onBus[$0] }
        let used = (taking.isEmpty ? heard : taking).map { packs[$0] }
        var figures = BankFigures(packs: packs)
        figures.online = packs.count { $0.freshness.isLive }
        figures.offline = packs.count - figures.online + absent
        figures.blockingCharge = packs.count { $0.freshness.isLive && !$0.snapshot.chargeAllowed } + figures.offline
        figures.blockingDischarge =
            packs.count { $0.freshness.isLive && !$0.snapshot.dischargeAllowed } + figures.offline
        figures.isMismatched = limits?.has(.mismatch) ?? false
        figures.unheard = unheard
        let snapshot = Self.snapshot(packs, live: heard.map { packs[$0] }, used: used, weights, &figures)
        let peaks = PackPeaks(
            minimumCell: packs.compactMap(\.peaks.minimumCell).min(),
            maximumCell: packs.compactMap(\.peaks.maximumCell).max())
        self.init(
            options, snapshot, packs.map(\.freshness).min() ?? .waiting, limits: limits, peaks: peaks,
            secondsSinceFull: Self.all(packs.map(\.secondsSinceFull))?.max(),
            totals: totals, linkQuality: packs.compactMap(\.linkQuality).min(),
            gxCurrents: gxCurrents, bank: figures, at: now)
    }

    private static func snapshot(
        _ packs: [PackView], live: [PackView], used: [PackView], _ weights: [Double], _ figures: inout BankFigures
    ) -> PackSnapshot {
        var snapshot = PackSnapshot()
        snapshot.linkAt = packs.compactMap(\.snapshot.linkAt).max()
        snapshot.measuredAt = (live.isEmpty ? packs : live).compactMap(\.snapshot.measuredAt).max()
        for pack in packs { add(pack.snapshot.counters, to: &snapshot.counters) }
        let talking = packs.filter(\.freshness.isLive)
        for pack in talking {
            snapshot.permissions.formUnion(pack.snapshot.permissions)
            snapshot.newestStatus.formUnion(pack.snapshot.newestStatus)
            snapshot.alarms.formUnion(pack.snapshot.alarms)
        }
        // One pack without its cell boards does not hide what the others measure.
        if !live.isEmpty { snapshot.alarms.remove(.noCellCommunication) }
        let known = (live.isEmpty ? packs : live).filter { $0.snapshot.settings != nil }
        guard let first = known.first, var settings = first.snapshot.settings else { return snapshot }
        // What is silent is still installed, as long as what it held counts.
        let isAny = weights.contains { $0 > 0 }
        let counted = zip(packs, isAny ? weights : weights.map { _ in 1 }).filter { pack, weight in
            weight > 0 && pack.snapshot.settings != nil
        }.map { (view: $0.0, weight: $0.1) }
        settings.capacity = WattHours(
            counted.reduce(0) { $0 + ($1.view.snapshot.settings?.capacity.rawValue ?? 0) })
        snapshot.settings = settings
        snapshot.cellSettings.nominal = first.snapshot.cellSettings.nominal
        snapshot.chemistry = first.snapshot.chemistry
        snapshot.measurements = measurements(
            known.compactMap { pack in pack.snapshot.measurements.map { (pack, $0) } }, used, &figures)
        let isFull = live.count == packs.count && live.allSatisfy { $0.snapshot.measurements?.soc == 100 }
        fill(&snapshot.measurements, from: counted, isFull: isFull)
        return snapshot
    }

    /// State of charge, stored energy and calibration of a bank, from packs by their weights.
    ///
    /// The state of charge is stored over installed energy; 100 when every pack of the bank says so: one that is silent says nothing.
    private static func fill(
        _ measured: inout Measurements?, from packs: [(view: PackView, weight: Double)], isFull: Bool
    ) {
        let counted = packs.compactMap { pack in BankFade.Share(pack.view.snapshot).map { ($0, pack.weight) } }
        let sum = BankFade.sum(counted.map(\.0), counted.map(\.1))
        let percent = sum.capacity > 0 ? Int(min(100, max(0, sum.stored * 100 / sum.capacity))) : 0
        let stored = packs.reduce(0.0) {
            $0 + $1.weight * Double($1.view.snapshot.measurements?.energyStored.rawValue ?? 0)
        }
        measured?.soc = isFull ? 100 : min(99, percent)
        measured?.energyStored = WattHours(Int(stored.rounded()))
        measured?.isSocCalibrated = packs.allSatisfy { $0.view.snapshot.measurements?.isSocCalibrated ?? true }
    }

    private static func add(_ other: LinkCounters, to counters: inout LinkCounters) {
        counters.framesAccepted += other.framesAccepted
        counters.bytesDropped += other.bytesDropped
        counters.resyncs += other.resyncs
        for (rejection, times) in other.rejections { counters.count(rejection, times: times) }
    }

    private static func measurements(
        _ packs: [(view: PackView, measured: Measurements)], _ used: [PackView], _ figures: inout BankFigures
    ) -> Measurements? {
        guard
            let low = packs.min(by: { $0.measured.lowestVoltage < $1.measured.lowestVoltage }),
            let high = packs.max(by: { $0.measured.highestVoltage < $1.measured.highestVoltage }),
            let cold = packs.min(by: { $0.measured.lowestTemperature < $1.measured.lowestTemperature }),
            let warm = packs.max(by: { $0.measured.highestTemperature < $1.measured.highestTemperature })
        else { return nil }
        var bank = Measurements()
        bank.cellCount = low.measured.cellCount
        (bank.lowestVoltage, bank.lowestVoltageCell) = (low.measured.lowestVoltage, low.measured.lowestVoltageCell)
        (bank.highestVoltage, bank.highestVoltageCell) = (
            high.measured.highestVoltage, high.measured.highestVoltageCell
        )
        bank.lowestTemperature = cold.measured.lowestTemperature
        bank.lowestTemperatureCell = cold.measured.lowestTemperatureCell
        bank.highestTemperature = warm.measured.highestTemperature
        bank.highestTemperatureCell = warm.measured.highestTemperatureCell
        (figures.lowest, figures.highest) = (low.view.options.id, high.view.options.id)
        (figures.coldest, figures.warmest) = (cold.view.options.id, warm.view.options.id)
        let voltages = (used.isEmpty ? packs.map(\.view) : used).compactMap {
            $0.snapshot.measurements?.packVoltage.rawValue
        }
        bank.packVoltage = Millivolts(voltages.reduce(0, +) / max(1, voltages.count) / 5 * 5)
        bank.current = sum(packs.map(\.measured.current))
        bank.chargerCurrent = sum(packs.map(\.measured.chargerCurrent))
        bank.loadCurrent = sum(packs.map(\.measured.loadCurrent))
        return bank
    }

    /// `nil` where one is not known: half a sum is no sum.
    private static func sum(_ currents: [Milliamperes?]) -> Milliamperes? {
        all(currents).map { $0.reduce(.zero, +) }
    }

    private static func all<Value>(_ values: [Value?]) -> [Value]? {
        let known = values.compactMap(\.self)
        return known.count == values.count && !known.isEmpty ? known : nil
    }
}

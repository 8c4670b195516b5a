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
        }
        settings.capacity = WattHours(
            counted.reduce(0) { $0 + ($1.0.snapshot.settings?.capacity.rawValue ?? 0) })
        snapshot.settings = settings
        snapshot.cellSettings.nominal = first.snapshot.cellSettings.nominal
        snapshot.chemistry = first.snapshot.chemistry
        snapshot.temperatureScale = first.snapshot.temperatureScale
        snapshot.frame = frame(
            known.compactMap { pack in pack.snapshot.frame.map { (pack, $0) } }, used, &figures)
        snapshot.frame?.capacity = settings.capacity
        let frames = counted.compactMap { pack, weight in pack.snapshot.frame.map { (frame: $0, weight: weight) } }
        let isFull = live.count == packs.count && live.allSatisfy { $0.snapshot.frame?.soc == 100 }
        fill(&snapshot.frame, from: frames, isFull: isFull)
        return snapshot
    }

    /// State of charge, stored energy and calibration of a bank, from packs by their weights.
    ///
    /// The state of charge is stored over installed energy; 100 when every pack of the bank says so: one that is silent says nothing.
    private static func fill(_ frame: inout Frame?, from packs: [(frame: Frame, weight: Double)], isFull: Bool) {
        let weights = packs.map(\.weight)
        let sum = BankFade.sum(packs.map { BankFade.Share($0.frame) }, weights)
        let percent = sum.capacity > 0 ? Int(min(100, max(0, sum.stored * 100 / sum.capacity))) : 0
        let stored = packs.reduce(0.0) { $0 + $1.weight * Double($1.frame.energyStored.rawValue) }
        frame?.soc = isFull ? 100 : min(99, percent)
        frame?.energyStored = WattHours(Int(stored.rounded()))
        if packs.contains(where: { $0.frame.status.contains(.socUncalibrated) }) {
            frame?.status.insert(.socUncalibrated)
        } else {
            frame?.status.remove(.socUncalibrated)
        }
    }

    private static func add(_ other: LinkCounters, to counters: inout LinkCounters) {
        counters.framesAccepted += other.framesAccepted
        counters.bytesDropped += other.bytesDropped
        counters.resyncs += other.resyncs
        for (rejection, times) in other.rejections { counters.count(rejection, times: times) }
    }

    private static func frame(
        _ packs: [(view: PackView, frame: Frame)], _ used: [PackView], _ figures: inout BankFigures
    ) -> Frame? {
        guard
            let low = packs.min(by: { $0.frame.lowestVoltage < $1.frame.lowestVoltage }),
            let high = packs.max(by: { $0.frame.highestVoltage < $1.frame.highestVoltage }),
            let cold = packs.min(by: { $0.frame.lowestTemperature.count < $1.frame.lowestTemperature.count }),
            let warm = packs.max(by: { $0.frame.highestTemperature.count < $1.frame.highestTemperature.count })
        else { return nil }
        var frame = low.frame
        (frame.highestVoltage, frame.highestVoltageCell) = (high.frame.highestVoltage, high.frame.highestVoltageCell)
        (frame.lowestTemperature, frame.lowestTemperatureCell) =
            (cold.frame.lowestTemperature, cold.frame.lowestTemperatureCell)
        (frame.highestTemperature, frame.highestTemperatureCell) =
            (warm.frame.highestTemperature, warm.frame.highestTemperatureCell)
        (figures.lowest, figures.highest) = (low.view.options.id, high.view.options.id)
        (figures.coldest, figures.warmest) = (cold.view.options.id, warm.view.options.id)
        let voltages = (used.isEmpty ? packs.map(\.view) : used).compactMap { $0.snapshot.frame?.packVoltage.rawValue }
        frame.packVoltage = Millivolts(voltages.reduce(0, +) / max(1, voltages.count) / 5 * 5)
        let frames = packs.map(\.frame)
        frame.current = sum(frames.map(\.current))
        frame.current1 = sum(frames.map(\.current1))
        frame.current2 = sum(frames.map(\.current2))
        frame.slotCell = 0
        return frame
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

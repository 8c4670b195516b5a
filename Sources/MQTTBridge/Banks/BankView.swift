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
    ///   - totals: the bank's own.
    convenience init(
        bank options: Shared<PackOptions>, packs: [PackView], absent: Int, onBus: [Bool], totals: EnergyTotals,
        unheard: AlarmLevel?, limits: Limits?, gxCurrents: GXCurrents, now: Timestamp
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
        let snapshot = Self.snapshot(packs, live: heard.map { packs[$0] }, used: used, &figures)
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
        _ packs: [PackView], live: [PackView], used: [PackView], _ figures: inout BankFigures
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
        settings.capacity = WattHours(known.reduce(0) { $0 + ($1.snapshot.settings?.capacity.rawValue ?? 0) })
        snapshot.settings = settings
        snapshot.cellSettings.nominal = first.snapshot.cellSettings.nominal
        snapshot.chemistry = first.snapshot.chemistry
        snapshot.temperatureScale = first.snapshot.temperatureScale
        snapshot.frame = frame(
            known.compactMap { pack in pack.snapshot.frame.map { (pack, $0) } }, of: packs.count, used, &figures)
        snapshot.frame?.capacity = settings.capacity
        return snapshot
    }

    private static func add(_ other: LinkCounters, to counters: inout LinkCounters) {
        counters.framesAccepted += other.framesAccepted
        counters.bytesDropped += other.bytesDropped
        counters.resyncs += other.resyncs
        for (rejection, times) in other.rejections { counters.count(rejection, times: times) }
    }

    private static func frame(
        _ packs: [(view: PackView, frame: Frame)], of count: Int, _ used: [PackView], _ figures: inout BankFigures
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
        frame.energyStored = WattHours(frames.reduce(0) { $0 + $1.energyStored.rawValue })
        frame.soc = soc(frames, of: count)
        frame.slotCell = 0
        return frame
    }

    /// Stored over installed energy; 100 when every pack of the bank says so: one that is silent says nothing.
    private static func soc(_ frames: [Frame], of count: Int) -> Int {
        if frames.count == count, frames.allSatisfy({ $0.soc == 100 }) { return 100 }
        let installed = frames.reduce(0) { $0 + $1.capacity.rawValue }
        let stored = frames.reduce(0) { $0 + $1.energyStored.rawValue }
        let percent = installed > 0 ? stored * 100 / installed : frames.reduce(0) { $0 + $1.soc } / max(1, frames.count)
        return min(99, max(0, percent))
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

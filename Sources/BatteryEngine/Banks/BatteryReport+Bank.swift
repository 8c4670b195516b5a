import BMSCore
import ChargeLimits

extension BatteryReport {
    /// A bank's report from those of its packs: the voltage is the mean, currents and energies are sums, extremes name their packs.
    ///
    /// - Parameters:
    ///   - packs: reports of the packs that are on the bus by configuration; `absent` more are taken off.
    ///   - unheard: the alarm for a pack that was never heard.
    ///   - takesPart: by its place in `packs`, a pack takes part in one direction at least.
    ///   - weights: by place, the share of a pack that counts in the state of charge and the stored energy.
    ///   - totals: the bank's own.
    init(
        _ bank: Shared<BatteryIdentity>, packs: [BatteryReport], absent: Int, takesPart: [Bool], weights: [Double],
        totals: EnergyTotals, unheard: AlarmLevel?, limits: Limits?, at now: Timestamp
    ) {
        let heard = packs.indices.filter { packs[$0].readings != nil }
        let taking = heard.filter { takesPart[$0] }
        let live = heard.map { packs[$0] }
        let shown = live.isEmpty ? packs : live
        let known = shown.filter { $0.thresholds != nil }
        let counted = Self.counted(packs, weights)
        var history = HistoryFigures()
        history.totals = totals
        history.peaks = CellVoltageExtremes(
            minimumCell: packs.compactMap(\.history.peaks.minimumCell).min(),
            maximumCell: packs.compactMap(\.history.peaks.maximumCell).max())
        history.secondsSinceFull = Self.all(packs.map(\.history.secondsSinceFull))?.max()
        self.init(
            bank, name: bank.value.name, packs.map(\.freshness).min() ?? .waiting, link: Self.link(packs),
            measuredAt: shown.compactMap { $0.pack?.snapshot.measuredAt }.max(),
            readings: Self.readings(
                known, voltages: (taking.isEmpty ? heard : taking).map { packs[$0] }, counted,
                isFull: live.count == packs.count && live.allSatisfy { $0.lastReadings?.soc == 100 }),
            thresholds: Self.thresholds(known.first, counted),
            nominal: known.first.flatMap { $0.pack?.snapshot.nominalPackVoltage },
            status: Self.status(packs, isMeasured: !live.isEmpty), limits: limits, history: history,
            kind: .bank(Self.figures(packs, absent: absent, unheard: unheard, limits)), at: now)
    }

    private static func figures(
        _ packs: [BatteryReport], absent: Int, unheard: AlarmLevel?, _ limits: Limits?
    ) -> BankFigures {
        var figures = BankFigures(packs: packs)
        let talking = packs.filter(\.freshness.isLive)
        figures.online = talking.count
        figures.offline = packs.count - talking.count + absent
        figures.blockingCharge = talking.count { !$0.status.chargeAllowed } + figures.offline
        figures.blockingDischarge = talking.count { !$0.status.dischargeAllowed } + figures.offline
        figures.unheard = unheard
        figures.isMismatched = limits?.has(.mismatch) ?? false
        return figures
    }

    private static func link(_ packs: [BatteryReport]) -> LinkFigures {
        var counters = LinkCounters()
        for pack in packs {
            let other = pack.link.counters
            counters.framesAccepted += other.framesAccepted
            counters.bytesDropped += other.bytesDropped
            counters.resyncs += other.resyncs
            for (rejection, times) in other.rejections { counters.count(rejection, times: times) }
        }
        return LinkFigures(
            newestAt: packs.compactMap(\.link.newestAt).max(), counters: counters,
            quality: packs.compactMap(\.link.quality).min())
    }

    private static func status(_ packs: [BatteryReport], isMeasured: Bool) -> StatusFigures {
        var status = StatusFigures(permissions: [], alarms: [], refused: [])
        for pack in packs where pack.freshness.isLive {
            status.permissions.formUnion(pack.status.permissions)
            status.alarms.formUnion(pack.status.alarms)
        }
        // One pack without its cell boards does not hide what the others measure.
        if isMeasured { status.alarms.remove(.noCellCommunication) }
        return status
    }

    /// A pack that counts, and its share.
    private typealias Counted = (pack: BatteryReport, weight: Double)

    /// A silent pack is still installed, as long as the energy that it held counts.
    private static func counted(_ packs: [BatteryReport], _ weights: [Double]) -> [Counted] {
        let isAny = weights.contains { $0 > 0 }
        return zip(packs, isAny ? weights : weights.map { _ in 1 }).filter { pack, weight in
            weight > 0 && pack.thresholds != nil
        }.map { (pack: $0.0, weight: $0.1) }
    }

    private static func thresholds(_ first: BatteryReport?, _ counted: [Counted]) -> PackSettings? {
        guard var thresholds = first?.thresholds else { return nil }
        thresholds.capacity = WattHours(counted.reduce(0) { $0 + ($1.pack.thresholds?.capacity.rawValue ?? 0) })
        return thresholds
    }

    /// - Parameters:
    ///   - packs: those with thresholds, live ones where there are any.
    ///   - voltages: those whose voltages make the mean; empty: all.
    ///   - isFull: every pack of the bank says so. One that is silent says nothing.
    private static func readings(
        _ packs: [BatteryReport], voltages: [BatteryReport], _ counted: [Counted], isFull: Bool
    ) -> Readings? {
        let known = packs.compactMap { pack in pack.lastReadings.map { (id: pack.battery.id, read: $0) } }
        guard
            let low = known.min(by: { $0.read.lowestVoltage < $1.read.lowestVoltage }),
            let high = known.max(by: { $0.read.highestVoltage < $1.read.highestVoltage }),
            let cold = known.min(by: { $0.read.lowestTemperature < $1.read.lowestTemperature }),
            let warm = known.max(by: { $0.read.highestTemperature < $1.read.highestTemperature })
        else { return nil }
        func cell(_ pack: String, _ place: CellPlace) -> CellPlace { CellPlace(pack: pack, number: place.number) }
        let volts = (voltages.isEmpty ? known.map(\.read) : voltages.compactMap(\.lastReadings)).map(\.voltage.rawValue)
        let shares = counted.compactMap { counted in BankFade.Share(counted.pack).map { ($0, counted.weight) } }
        let sum = BankFade.sum(shares.map(\.0), shares.map(\.1))
        let percent = sum.capacity > 0 ? Int(min(100, max(0, sum.stored * 100 / sum.capacity))) : 0
        let stored = counted.reduce(0.0) {
            $0 + $1.weight * Double($1.pack.lastReadings?.energyStored.rawValue ?? 0)
        }
        return Readings(
            voltage: Millivolts(volts.reduce(0, +) / max(1, volts.count) / 5 * 5),
            current: Self.sum(known.map(\.read.current)), chargerCurrent: Self.sum(known.map(\.read.chargerCurrent)),
            loadCurrent: Self.sum(known.map(\.read.loadCurrent)),
            lowestVoltage: low.read.lowestVoltage, lowestCell: cell(low.id, low.read.lowestCell),
            highestVoltage: high.read.highestVoltage, highestCell: cell(high.id, high.read.highestCell),
            lowestTemperature: cold.read.lowestTemperature, coldestCell: cell(cold.id, cold.read.coldestCell),
            highestTemperature: warm.read.highestTemperature, warmestCell: cell(warm.id, warm.read.warmestCell),
            soc: isFull ? 100 : min(99, percent),
            isSocCalibrated: counted.allSatisfy { $0.pack.lastReadings?.isSocCalibrated ?? true },
            energyStored: WattHours(Int(stored.rounded())))
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

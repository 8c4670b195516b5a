import BMSCore
import SmartBMS

/// The 123\SmartBMS of a pack: it reads the pack once a second, balances, decides on the relays, counts energy and makes frames.
struct SmartBMS: Sendable {
    let settings: BMSSettings
    private(set) var readings: CellReadings
    private(set) var relays = RelayLogic()
    private(set) var energy: EnergyCounter
    /// Currents in counts of 125 mA: inflow, outflow (`nil` with one sensor), battery.
    private(set) var currents: (first: Int, second: Int?, sum: Int) = (0, nil, 0)
    private var keys: KeyRotation
    private var slot = 0
    private var sensors: (first: CurrentSensor, second: CurrentSensor)
    /// A frame of zeros; every field is set before a frame is sent.
    private let blank: Frame

    init(_ settings: BMSSettings, energy: EnergyCounter, largestCurrent: Double, random: inout SplitMix64) {
        self.settings = settings
        self.energy = energy
        readings = CellReadings(cells: settings.cells)
        sensors = (
            CurrentSensor(settings.revision, largest: largestCurrent, random: &random),
            CurrentSensor(settings.revision, largest: largestCurrent, random: &random)
        )
        keys = KeyRotation(
            KeyRotation.Facts(
                stateOfHealth: Int(random.uniform(92...100)), efficiency: Int(random.uniform(96...99)),
                cycles: Int(energy.lifetimeOut / Double(settings.capacity.rawValue))))
        blank = FrameDecoder.decode([UInt8](repeating: 0, count: FrameLayout.length).span)
    }

    /// Lets one second pass: reads boards and sensors, balances, counts, switches relays.
    ///
    /// With the chain of boards cut nothing arrives at the End Board: readings, currents and counters keep their last
    /// values (what a real frame holds then is not documented), the boards keep bypassing as they did, and both
    /// relays open.
    mutating func sample(
        _ pack: inout CellPack, inflow: Double, outflow: Double, chainIsCut: Bool, random: inout SplitMix64
    ) {
        if !chainIsCut {
            readings.sample(pack.cells, random: &random)
            balance(&pack)
            readCurrents(inflow, outflow, &random)
            count()
        }
        let balance = settings.thresholds.balance
        relays.update(
            RelayLogic.Conditions(
                lowest: Millivolts(readings.lowest.counts * 5), highest: Millivolts(readings.highest.counts * 5),
                coldest: RawTemperature(readings.coldest.counts), hottest: RawTemperature(readings.hottest.counts),
                // All cells must be full, in either mode: critical mode looks at the mean of the pack for the SoC alone.
                isFull: Millivolts(readings.lowest.counts * 5) >= balance && isSlowEnough,
                soc: energy.soc, hasCellCommunication: !chainIsCut), settings)
        if !chainIsCut, settings.revision.resetsSocWhenEmpty {
            energy.watchEmpty(
                isBelowMinimum: relays.alarms.contains(.cellTooLow), mayDischarge: relays.load.isClosed)
        }
    }

    /// Starts a new day of the energy counters.
    mutating func startDay() { energy.startDay() }

    /// "Above this voltage, the cell board starts balancing."
    private func balance(_ pack: inout CellPack) {
        let threshold = settings.thresholds.balance.rawValue / 5
        for index in pack.cells.indices { pack.cells[index].isBypassing = readings.voltages[index] >= threshold }
    }

    private mutating func readCurrents(_ inflow: Double, _ outflow: Double, _ random: inout SplitMix64) {
        let noise = (random.bell(0.02), random.bell(0.02))
        switch settings.sensors {
        case .two:
            let first = sensors.first.counts(inflow, noise: noise.0)
            let second = sensors.second.counts(outflow, noise: noise.1)
            currents = (first, second, first - second)
        case .one:
            let first = sensors.first.counts(inflow - outflow, noise: noise.0)
            currents = (first, nil, first)
        }
    }

    private var wattsPerCount: Double { readings.packVolts / CurrentSensor.countsPerAmpere }

    private mutating func count() {
        let outgoing = currents.second ?? max(-currents.first, 0)
        let incoming = currents.second == nil ? max(currents.first, 0) : currents.first
        // A reversed flow through one of two sensors counts for the other direction.
        energy.count(
            incoming: Double(max(incoming, 0) + max(-outgoing, 0)) * wattsPerCount,
            outgoing: Double(max(outgoing, 0) + max(-incoming, 0)) * wattsPerCount)
        let balance = settings.thresholds.balance.rawValue / 5
        let isAtTop =
            switch settings.mode {
            case .normal: readings.lowest.counts >= balance
            case .critical: readings.total >= balance * settings.cells
            }
        if isAtTop && isSlowEnough { energy.markFull() }
    }

    /// "Charging power is <= 5% of the pack capacity", or the edition has no such condition.
    private var isSlowEnough: Bool {
        !settings.revision.fullNeedsLowRate
            || Double(currents.sum) * wattsPerCount <= 0.05 * Double(settings.capacity.rawValue)
    }

    /// The frame of this second.
    mutating func frame(minuteOfDay: Int) -> [UInt8] {
        var frame = blank
        slot = slot >= settings.slots ? 1 : slot + 1
        let key = keys.next(settings, energy, relays.second, minuteOfDay: minuteOfDay)
        fill(&frame)
        frame.keyByte = key.key
        frame.keyValue = key.value
        return FrameEncoder.encode(frame)
    }

    private func fill(_ frame: inout Frame) {
        frame.packVoltage = Millivolts(readings.total * 5)
        frame.current1 = Milliamperes(currents.first * 125)
        frame.current2 = currents.second.map { Milliamperes($0 * 125) }
        frame.current = Milliamperes(currents.sum * 125)
        frame.lowestVoltage = Millivolts(readings.lowest.counts * 5)
        frame.lowestVoltageCell = readings.lowest.cell
        frame.highestVoltage = Millivolts(readings.highest.counts * 5)
        frame.highestVoltageCell = readings.highest.cell
        frame.lowestTemperature = RawTemperature(readings.coldest.counts)
        frame.lowestTemperatureCell = readings.coldest.cell
        frame.highestTemperature = RawTemperature(readings.hottest.counts)
        frame.highestTemperatureCell = readings.hottest.cell
        frame.cellCount = settings.cells
        // A slot above the number of cells belongs to no board: zeros. Without communication there is no cell to send.
        let hasCell = !relays.alarms.contains(.noCellCommunication)
        let index = hasCell && slot <= settings.cells ? slot - 1 : nil
        frame.slotCell = hasCell ? slot : 0
        frame.slotVoltage = Millivolts(index.map { readings.voltages[$0] * 5 } ?? 0)
        frame.slotTemperature = RawTemperature(index.map { readings.temperatures[$0] } ?? 0)
        frame.status = relays.status.union(energy.isUncalibrated ? .socUncalibrated : [])
        frame.energyInToday = WattHours(Int(energy.inToday))
        frame.energyStored = WattHours(Int(energy.stored))
        frame.energyOutToday = WattHours(Int(energy.outToday))
        frame.soc = energy.soc
        frame.lifetimeIn = WattHours(Int(energy.lifetimeIn))
        frame.lifetimeOut = WattHours(Int(energy.lifetimeOut))
        frame.capacity = settings.capacity
        frame.minimumVoltage = settings.thresholds.minimum
        frame.maximumVoltage = settings.thresholds.maximum
        frame.balanceVoltage = settings.thresholds.balance
    }
}

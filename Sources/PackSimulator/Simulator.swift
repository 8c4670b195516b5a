public import BMSCore

/// A pack of cells, its 123\SmartBMS and the power system around it: real frames, once per simulated second.
///
/// Pure and deterministic: no clock, no system random numbers, no library mathematics. Equal arguments and limits
/// give equal bytes on every machine.
public struct Simulator: Sendable {
    private let scenario: Scenario
    private let make: Make
    private let start: Int
    private let script: FaultScript?
    private var pack: CellPack
    private var bms: SmartBMS
    private var power: PowerSystem
    private var surroundings: Surroundings
    private var random: SplitMix64
    private var elapsed = 0
    /// The scene of a tour, by number and second.
    private var tour = (scene: 0, second: 0)

    /// The pack that the simulator was asked for.
    private struct Make {
        var cells: Int
        var chemistry: CellModel.Chemistry
        var capacity: WattHours?
        var mode: RelayMode
        var revision: ManualRevision
        var sensors: CurrentSensors
        var sendsSlotsAboveCount: Bool
        var behaviour: PowerBehaviour?
        var seed: UInt64
    }

    /// Begins a scenario.
    ///
    /// - Parameters:
    ///   - cells: number of cells in series, 2...255; other numbers are brought into that range.
    ///   - capacity: configured capacity, brought into 100 Wh...6.5 MWh and rounded to 100 Wh as on the wire; `nil` for 100 Ah. The cells
    ///     hold that much between Vmin and Vbalance.
    ///   - sendsSlotsAboveCount: true lets the slot run to the top of the switch range, past the number of cells, as it does in a BMS whose
    ///     count is not the top.
    ///   - behaviour: the way in which charger and inverter obey; `nil` for that of the scenario.
    ///   - seed: the seed of spread, noise, clouds and loads.
    public init(
        scenario: Scenario, cells: Int = 16, chemistry: CellModel.Chemistry = .lfp, capacity: WattHours? = nil,
        mode: RelayMode = .normal, revision: ManualRevision = .generation3Rev13, sensors: CurrentSensors = .two,
        sendsSlotsAboveCount: Bool = true, behaviour: PowerBehaviour? = nil, seed: UInt64 = 1
    ) {
        self.init(
            scenario, ScenarioPlan.of(scenario),
            Make(
                cells: min(max(cells, 2), 255), chemistry: chemistry, capacity: capacity, mode: mode,
                revision: revision,
                sensors: sensors, sendsSlotsAboveCount: sendsSlotsAboveCount, behaviour: behaviour, seed: seed))
    }

    private init(_ scenario: Scenario, _ plan: ScenarioPlan, _ make: Make) {
        self.make = make
        let model = CellModel.of(make.chemistry)
        let count = make.cells
        let settings = BMSSettings(
            cells: count, model: model, capacity: Self.configured(make.capacity, model, count), mode: make.mode,
            revision: make.revision, sensors: make.sensors, sendsSlotsAboveCount: make.sendsSlotsAboveCount,
            coldest: plan.coldest)

        random = SplitMix64(seed: make.seed)
        // The configured capacity lies between Vmin and Vbalance, and a little more.
        let bottom = model.rest.soc(at: Double(settings.thresholds.minimum.rawValue) / 1000)
        let usable = model.rest.soc(at: Double(settings.thresholds.balance.rawValue) / 1000) - bottom
        let rate = Double(settings.capacity.rawValue)
        let ampereHours = rate / (model.nominal * Double(count))
        let coldest = model.temperatures.charge
        surroundings = Surroundings(plan, rate: rate, coldest: coldest, seed: random.next())
        pack = CellPack(
            model, count: count, capacity: ampereHours * 1.01 / usable, soc: bottom + plan.soc * usable,
            ahead: (count / 2, plan.ahead), temperature: surroundings.air, revision: make.revision, random: &random)
        power = PowerSystem(
            settings: settings, ampereHours: ampereHours, standby: plan.standby * rate,
            behaviour: make.behaviour ?? plan.behaviour, random: &random)
        bms = SmartBMS(
            settings,
            energy: EnergyCounter(
                capacity: settings.capacity, soc: plan.believedSoc ?? plan.soc, isCalibrated: plan.isCalibrated,
                lifetime: plan.isCalibrated ? rate * random.uniform(20...400) : 0),
            largestCurrent: max(power.chargerMaximum, power.inverterMaximum), random: &random)
        self.scenario = scenario
        start = plan.start
        script =
            scenario == .fault
            ? FaultScript(settings, model, ampereHours: ampereHours, air: surroundings.air) : nil
        script?.prepare(&pack)
        // The BMS reads the boards once before power flows: a frozen pack is not charged in the first second.
        bms.sample(&pack, inflow: 0, outflow: 0, chainIsCut: false, random: &random)
    }

    /// Lets exactly one simulated second pass, with the limits that are in force during it.
    ///
    /// - Returns: the 58 bytes of its frame, or `nil` while the scenario keeps silent. The BMS goes on during silence.
    public mutating func step(limits: GivenLimits = GivenLimits()) -> [UInt8]? {
        advanceTour()
        surroundings.update(second: elapsed)
        let chainIsCut = script?.act(on: &pack, second: elapsed) ?? (scene?.cut.contains(tour.second) ?? false)
        power.step(
            pack, source: surroundings.source, demand: surroundings.demand, limits: limits, relays: bms.relays)
        pack.step(current: power.charge - power.load, ambient: surroundings.air)
        if timeOfDay == 0 { bms.startDay() }
        bms.sample(&pack, inflow: power.charge, outflow: power.load, chainIsCut: chainIsCut, random: &random)
        let frame = bms.frame(minuteOfDay: timeOfDay / 60)
        let isSilent =
            scenario == .silence && Self.isSilent(elapsed) || (scene?.silence.contains(tour.second) ?? false)
        elapsed += 1
        tour.second += 1
        return isSilent ? nil : frame
    }

    /// The scene of a tour; `nil` for other scenarios.
    public var scene: TourScene? { scenario == .tour ? Tour.scenes[tour.scene].scene : nil }

    /// The caption of the scene, with the number of the cell that is fuller than the others.
    public var caption: String? { scene?.caption.replacing("{ahead}", with: "\(make.cells / 2 + 1)") }

    /// Second of the simulated day.
    public var secondOfDay: Int { timeOfDay }

    private mutating func advanceTour() {
        guard let scene, tour.second >= scene.length else { return }
        let next = (tour.scene + 1) % Tour.scenes.count
        if let plan = Tour.scenes[next].plan { self = Simulator(scenario, plan, make) }
        tour = (next, 0)
    }

    /// The exact state after the last step.
    public var truth: PackTruth {
        PackTruth(
            elapsed: elapsed, timeOfDay: timeOfDay, packVoltage: pack.voltage, cellVoltages: pack.cells.map(\.voltage),
            cellSoc: pack.cells.map(\.soc), cellTemperatures: pack.cells.map(\.temperature),
            bypassedCells: pack.cells.indices.filter { pack.cells[$0].isBypassing }.map { $0 + 1 },
            chargerCurrent: power.charge, loadCurrent: power.load, batteryCurrent: power.charge - power.load,
            availablePower: surroundings.source, chargerPower: power.charge * pack.voltage,
            loadPower: power.load * pack.voltage, airTemperature: surroundings.air,
            isChargeRelayClosed: bms.relays.charge.isClosed, isLoadRelayClosed: bms.relays.load.isClosed,
            secondStatus: bms.relays.second)
    }

    private var timeOfDay: Int { (start + elapsed) % Surroundings.secondsPerDay }

    /// A gap in the frames: 5, 20 and 90 s, with a minute of frames before each.
    private static func isSilent(_ second: Int) -> Bool {
        let place = second % 295
        return (60..<65).contains(place) || (125..<145).contains(place) || (205..<295).contains(place)
    }

    private static func configured(_ capacity: WattHours?, _ model: CellModel, _ cells: Int) -> WattHours {
        let asked = capacity?.rawValue ?? Int(100 * model.nominal * Double(cells))
        let bounded = min(max(asked, 100), 6_500_000)
        return WattHours((bounded + 50) / 100 * 100)
    }
}

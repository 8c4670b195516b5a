import BMSCore
import SmartBMS
import ChargeLimits
import PackSimulator
import TestSupport

/// A simulated pack whose charger and inverter obey, each in its way, the limits of a calculator.
struct PowerLoop {
    /// Counter of changes of direction that exceed a dead band.
    struct Turns {
        let deadBand: Int
        private(set) var count = 0
        private var base: Int?
        private var direction = 0

        init(deadBand: Int) { self.deadBand = deadBand }

        mutating func note(_ value: Int) {
            guard let old = base else {
                base = value
                return
            }
            guard abs(value - old) >= deadBand else { return }
            let now = value > old ? 1 : -1
            if direction != 0 && now != direction { count += 1 }
            direction = now
            base = value
        }
    }

    private(set) var simulator: Simulator
    private(set) var bench: Bench
    private let options: SnapshotBuilder.Options
    private let configure: (inout LimitConfiguration) -> Void
    /// Percent of the frames that get lost.
    var lossPercent = 0
    /// Seconds by which limits arrive later than the power system's own delay.
    var lag = 0 { didSet { late = Array(repeating: GivenLimits(ccl: .zero, dcl: .zero), count: lag + 1) } }
    /// Seconds between two kills of the bridge, which begins with the memory of 5 s before.
    var restartEvery: Int?
    private var given = GivenLimits(ccl: .zero, dcl: .zero)
    private var late = [GivenLimits(ccl: .zero, dcl: .zero)]
    private var memory: (LimitMemory, Int)?
    private var random: SeededRandom

    /// Changes of direction of CVL, CCL and DCL.
    private(set) var turns: [Turns]
    /// Seconds in which a relay opened although the frame before permitted the current.
    private(set) var trips: [Int] = []
    /// Seconds in which the BMS read a cell more than 50 mV above Vbalance.
    private(set) var secondsOver = 0
    /// Seconds after the first limits without limits.
    private(set) var secondsWithout = 0
    /// Number of times that DCL fell to 0.
    private(set) var stops = 0
    /// Charge into and out of the pack, Ah.
    private(set) var charged = 0.0
    private(set) var discharged = 0.0
    private(set) var second = 0
    private var wasClosed = (charge: true, load: true)
    private var wasStopped = true

    init(
        _ simulator: Simulator, cells: Int = 16, chemistry: Chemistry? = nil, seed: UInt64,
        configure: @escaping (inout LimitConfiguration) -> Void = { _ in }
    ) {
        self.simulator = simulator
        self.configure = configure
        var options = SnapshotBuilder.Options()
        options.chemistry = chemistry
        self.options = options
        bench = Bench(options: options, configure: configure)
        random = SeededRandom(seed)
        turns = [Turns(deadBand: 20 * cells / 16), Turns(deadBand: 500), Turns(deadBand: 500)]
    }

    var limits: Limits? { bench.limits }

    /// Lets time pass.
    mutating func run(_ seconds: Int, _ look: (PowerLoop) -> Void = { _ in }) {
        for _ in 0..<seconds {
            step()
            look(self)
        }
    }

    private mutating func step() {
        if let restartEvery, second > 0, second % restartEvery == 0 { restart() }
        let frame = simulator.step(limits: late.removeFirst())
        if let frame, Int.random(in: 0..<100, using: &random) >= lossPercent {
            bench.feed(frame, at: .seconds(Double(second)))
        } else {
            bench.wait(at: Double(second))
        }
        // Consumers keep the last document while a bridge starts.
        if let limits { given = GivenLimits(cvl: limits.cvl, ccl: limits.ccl, dcl: limits.dcl) }
        late.append(given)
        count()
        if second % 5 == 0, let new = bench.calculator.memory(at: .seconds(Double(second))) { memory = (new, second) }
        second += 1
    }

    private mutating func restart() {
        var kept = memory?.0
        kept?.recent?.age += Int64(second - (memory?.1 ?? 0)) * 1000
        bench = Bench(options: options, memory: kept, at: .seconds(Double(second)), configure: configure)
    }

    private mutating func count() {
        let truth = simulator.truth
        let current = truth.batteryCurrent / 3600
        if current > 0 { charged += current } else { discharged -= current }
        let closed = (charge: truth.isChargeRelayClosed, load: truth.isLoadRelayClosed)
        if wasClosed.charge && !closed.charge || wasClosed.load && !closed.load { trips.append(second) }
        wasClosed = closed
        if let measured = bench.receiver.snapshot.measurements, let settings = bench.receiver.snapshot.settings,
            measured.highestVoltage - settings.balanceVoltage > Millivolts(50)
        {
            secondsOver += 1
        }
        guard let limits else {
            if second > 120, restartEvery == nil { secondsWithout += 1 }
            return
        }
        for (index, number) in limits.numbers.enumerated() { turns[index].note(number) }
        let isStopped = limits.dcl == .zero
        if isStopped && !wasStopped { stops += 1 }
        wasStopped = isStopped
    }

    /// Largest number of changes of direction of one limit, per hour.
    var turnsPerHour: Double { Double(turns.map(\.count).max() ?? 0) * 3600 / Double(max(1, second)) }
}

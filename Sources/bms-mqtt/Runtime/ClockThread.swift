import BMSCore
import ChargeLimits
import LinuxIO
import PackSimulator

/// The thread that keeps time: ticks of the bridge, reports, and the frames of simulated packs.
struct ClockThread: Sendable {
    private let runtime: BridgeRuntime
    private let clock: PacedClock
    private let end = EventDescriptor()
    private let finished = EventDescriptor()
    private var packs: [SimulatedPack]
    private var reporter: ServiceReporter
    private let heartbeat: Heartbeat
    private let places: GuardPlaces

    init(
        _ runtime: BridgeRuntime, _ clock: PacedClock, _ packs: [SimulatedPack], _ reporter: ServiceReporter,
        _ heartbeat: Heartbeat, _ places: GuardPlaces
    ) {
        self.places = places
        self.reporter = reporter
        self.heartbeat = heartbeat
        self.runtime = runtime
        self.clock = clock
        self.packs = packs
    }

    /// Starts the thread; to be called once.
    ///
    /// - Returns: `false` if the system allows no more threads.
    func start() -> Bool {
        OwnThread.start("clock") { [self] in
            var thread = self
            thread.run()
            finished.set()
        }
    }

    /// Ends the thread, and waits for its end.
    func stop(seconds: Double) {
        end.set()
        finished.wait(seconds: seconds)
    }

    private mutating func run() {
        var tick = clock.realSeconds(milliseconds: BridgeRuntime.tickMilliseconds)
        reporter.step()
        let start = MonotonicTime.seconds()
        var nextTick = start + tick
        for index in packs.indices { packs[index].nextAt = start }
        while true {
            heartbeat.beat(within: max(Heartbeat.patience, 2 * tick))
            let next = packs.reduce(nextTick) { min($0, $1.nextAt) }
            if end.wait(seconds: next - MonotonicTime.seconds()) { return }
            let now = MonotonicTime.seconds()
            for index in packs.indices where packs[index].nextAt <= now {
                packs[index].step(runtime, clock)
                let second = clock.realSeconds(milliseconds: 1000)
                // Steps keep to a grid: a late step does not delay the following ones, unless it is very late.
                packs[index].nextAt = max(packs[index].nextAt + second, now - 0.2)
            }
            guard now >= nextTick else { continue }
            runtime.tick()
            places.step(at: now)
            reporter.step()
            tick = clock.realSeconds(milliseconds: BridgeRuntime.tickMilliseconds)
            nextTick = now + tick
        }
    }
}

/// A simulated pack that obeys the limits of the bridge, as a charger and an inverter would.
struct SimulatedPack: Sendable {
    let index: Int
    var simulator: Simulator
    /// Time of the next step, in seconds of ``MonotonicTime/seconds()``.
    var nextAt = 0.0

    /// Hears what is simulated after each step, and returns the speed of time from then on; `nil`: as before.
    private let watch: (@Sendable (Simulator) -> Double?)?

    init(_ index: Int, _ simulator: Simulator, _ watch: (@Sendable (Simulator) -> Double?)?) {
        self.index = index
        self.simulator = simulator
        self.watch = watch
    }

    mutating func step(_ runtime: BridgeRuntime, _ clock: PacedClock) {
        let limits = runtime.limits(of: index)
        let given = GivenLimits(cvl: limits?.cvl, ccl: limits?.ccl, dcl: limits?.dcl)
        if let frame = simulator.step(limits: given) { runtime.receive(frame, pack: index) }
        if let speed = watch?(simulator) { clock.setSpeed(speed) }
    }
}

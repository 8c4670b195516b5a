import BMSCore
import SmartBMS
import ChargeLimits
import BatteryEngine
import MQTTBridge
import PackSimulator

/// A pack in simulated time through a bridge, a second a step: frames in, messages out.
struct SimulatedPack {
    var bridge: Bridge
    var simulator: Simulator
    private(set) var second = 0

    init(_ options: BridgeOptions, _ pack: PackOptions, _ scenario: Scenario) {
        bridge = Bridge(options, packs: [pack])
        simulator = Simulator(scenario: scenario)
    }

    /// The time of a frame within its second drifts, as a BMS's clock drifts against the wall clock.
    var now: Moment {
        let milliseconds = Int64(second) * 1000 + Int64(second / 90 % 1000)
        return Moment(monotonic: Timestamp(milliseconds: milliseconds), wall: 1_795_000_000_000 + milliseconds)
    }

    /// Passes a second; the charger gets nothing while `mayCharge` is `false`.
    mutating func step(mayCharge: Bool = true) -> Outbox {
        second += 1
        let limits = bridge.limits(of: 0)
        let given = GivenLimits(cvl: limits?.cvl, ccl: mayCharge ? limits?.ccl : .zero, dcl: limits?.dcl)
        guard let frame = simulator.step(limits: given) else { return bridge.tick(at: now) }
        return bridge.receive(frame, pack: 0, at: now)
    }
}

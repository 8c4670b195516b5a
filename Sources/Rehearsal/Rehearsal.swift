import BMSCore
package import BatteryEngine
import ChargeLimits
package import MQTTBridge
package import PackSimulator

/// A pack in simulated time through a bridge, a second a step: frames in, messages out. The pack obeys the limits.
package struct Rehearsal: Sendable {
    package var bridge: Bridge
    package var simulator: Simulator
    /// Wall time of second 0, milliseconds since 1970.
    private let begin: Int64
    private var second = 0

    /// - Parameter begin: wall time of the start, milliseconds since 1970.
    package init(
        _ options: BridgeOptions, _ pack: PackOptions, _ scenario: Scenario, cells: Int = 16, seed: UInt64 = 1,
        begin: Int64 = 1_795_000_000_000
    ) {
        bridge = Bridge(options, packs: [pack])
        simulator = Simulator(scenario: scenario, cells: cells, seed: seed)
        self.begin = begin
    }

    /// The time of a frame within its second drifts, as a BMS's clock drifts against the wall clock.
    package var now: Moment {
        let milliseconds = Int64(second) * 1000 + Int64(second / 90 % 1000)
        return Moment(monotonic: Timestamp(milliseconds: milliseconds), wall: begin + milliseconds)
    }

    /// Passes a second; the charger gets nothing while `mayCharge` is `false`.
    package mutating func step(mayCharge: Bool = true) -> Outbox {
        second += 1
        let limits = bridge.limits(of: 0)
        let given = GivenLimits(cvl: limits?.cvl, ccl: mayCharge ? limits?.ccl : .zero, dcl: limits?.dcl)
        guard let frame = simulator.step(limits: given) else { return bridge.tick(at: now) }
        return bridge.receive(frame, pack: 0, at: now)
    }
}

extension Rehearsal {
    /// The pack of the demo from a morning on.
    package static func demo(begin: Int64) -> Rehearsal {
        Rehearsal(BridgeOptions(), demoPack, .day, begin: begin)
    }

    /// Id, name and file of the demo's pack.
    package static var demoPack: PackOptions {
        var options = PackOptions(id: "demo", name: "Demo battery")
        options.limits.fuse = Milliamperes(200_000)
        return options
    }
}

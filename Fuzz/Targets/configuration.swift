import BMSCore
import SmartBMS
import ChargeLimits
import FuzzSupport
import BatteryEngine
import MQTTBridge

@testable import bms_mqtt

/// Fuzzes a configuration file, which is refused in few, bounded sentences, or valid for a bridge.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    do throws(ConfigurationFaults) {
        run(try ConfigurationFile.parse(Array(UnsafeBufferPointer(start: start, count: count)), file: "c.yaml"))
    } catch {
        Invariant.hold((1...51).contains(error.lines.count), "\(error.lines.count) faults")
        for line in error.lines {
            Invariant.hold(line.utf8.count <= 2000, "a fault of \(line.utf8.count) bytes: \(line.prefix(200))")
        }
    }
    return 0
}

private func run(_ configuration: Configuration) {
    let plan = configuration.plan
    Invariant.hold(!plan.packs.isEmpty, "accepted without a pack")
    for pack in plan.packs {
        Invariant.hold(Topics.isIdentifier(pack.options.id, longest: 64), "id '\(pack.options.id)'")
    }
    Invariant.hold(Set(plan.packs.map(\.options.gxInstance)).count == plan.packs.count, "one GX instance twice")
    let few = plan.packs.prefix(3).map(\.options)
    var bridge = Bridge(plan.bridge, packs: few)
    for second in 1...3 {
        let now = Moment(monotonic: Timestamp(milliseconds: Int64(second) * 1000), wall: 1_795_000_000_000)
        if second == 2 {
            for message in bridge.connected(canExpire: true, at: now).messages { Invariant.check(message) }
        }
        for (index, pack) in few.enumerated() {
            for message in bridge.receive(SamplePack.frame, pack: index, at: now).messages { Invariant.check(message) }
            Invariant.check(bridge.limits(of: index), pack.limits)
        }
    }
    for message in bridge.farewell { Invariant.check(message) }
}

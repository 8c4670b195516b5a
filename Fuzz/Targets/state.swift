import BMSCore
import SmartBMS
import ChargeLimits
import FuzzSupport
import BatteryEngine
import MQTTBridge

@testable import bms_mqtt

/// Fuzzes a state file, which is refused, or equal after it is read, written and read again; and no state lifts a limit above the file's
/// caps.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let wall: Int64 = 1_795_000_000_000
    guard
        let state = StateDocument.parse(
            Array(UnsafeBufferPointer(start: start, count: count)), at: StateMoment(wall: wall))
    else {
        return 0
    }
    let document = StateDocument.bytes(state, at: StateMoment(wall: wall))
    Invariant.checkJSON(document.dropLast(), "the state file")
    Invariant.hold(
        StateDocument.parse(document, at: StateMoment(wall: wall)) == state,
        "written and read again, it is another state")
    var bridge = Bridge(
        BridgeOptions(), packs: [SamplePack.options], states: ["garage": state], at: Timestamp(milliseconds: 1000))
    for second in 1...3 {
        let milliseconds = Int64(second) * 1000
        let now = Moment(monotonic: Timestamp(milliseconds: milliseconds), wall: wall + milliseconds)
        if second == 2 {
            for message in bridge.connected(canExpire: true, at: now).messages { Invariant.check(message) }
        }
        for message in bridge.receive(SamplePack.frame, pack: 0, at: now).messages { Invariant.check(message) }
        Invariant.check(bridge.limits(of: 0), SamplePack.options.limits)
    }
    for (_, state) in bridge.states(at: Timestamp(milliseconds: 3000)) {
        let kept = StateDocument.bytes(state, at: StateMoment(wall: wall))
        Invariant.hold(kept.count <= 65_536, "kept in \(kept.count) bytes, more than is read again")
        Invariant.hold(StateDocument.parse(kept, at: StateMoment(wall: wall)) != nil, "what is kept is not read again")
    }
    return 0
}

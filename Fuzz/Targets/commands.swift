import BMSCore
import SmartBMS
import FuzzSupport
import BatteryEngine
import MQTTBridge

/// Fuzzes commands, relays' states, announcements and birth messages, in lines of ``BridgeScript``.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var script = connected
    script.play(UnsafeRawBufferPointer(start: start, count: count))
    return 0
}

/// The bridge after its announcements, which take long; each input gets a copy.
private let connected: BridgeScript = {
    var pack = SamplePack.options
    for (name, function) in [("charger", RelayOptions.Function.chargeAllowed), ("pump", .manual)] {
        var relay = RelayOptions(name: name)
        (relay.function, relay.commandTopic, relay.stateTopic, relay.dwell) = (
            function, "to/\(name)", "from/\(name)", 0
        )
        relay.stateKey = name == "pump" ? "a.b" : nil
        pack.relays.append(relay)
    }
    return BridgeScript(BridgeOptions(), [pack])
}()

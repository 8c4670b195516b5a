import BMSCore
import SmartBMS
import FuzzSupport
import BatteryEngine
import MQTTBridge

/// Fuzzes requests to the tree of a GX, and foreign messages in it, in lines of ``BridgeScript``.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var script = connected
    script.play(UnsafeRawBufferPointer(start: start, count: count))
    return 0
}

/// The bridge after its announcements, which take long; each input gets a copy.
private let connected: BridgeScript = {
    var options = BridgeOptions()
    options.gxTree = GXTreeOptions(portalID: "c0ffee000001", owner: "bms-mqtt-b")
    options.discovery = .off
    var other = PackOptions(id: "shed")
    other.gxInstance = 513
    return BridgeScript(options, [SamplePack.options, other])
}()

import BMSCore
import SmartBMS
import FuzzSupport
import MQTTBridge

/// Requests to the tree of a GX, and what others publish in it, as ``BridgeScript`` reads them.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var script = connected
    script.play(UnsafeRawBufferPointer(start: start, count: count))
    return 0
}

/// Copied for each input: announcements take longer than all else.
private let connected: BridgeScript = {
    var options = BridgeOptions()
    options.gxTree = GXTreeOptions(portalID: "c0ffee000001", owner: "bms-mqtt-b")
    options.discovery = .off
    var other = PackOptions(id: "shed")
    other.gxInstance = 513
    return BridgeScript(options, [SamplePack.options, other])
}()

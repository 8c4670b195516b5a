import BMSCore
import SmartBMS
import ChargeLimits
import FuzzSupport
import Glibc
import BatteryEngine
import MQTTBridge

/// Fuzzes bytes of a serial line through the bridge. An op byte, then: 0 raw bytes with their count before them; 1 a frame with corrected
/// signs and sum; 2 time in tenths of a second; 3 a reopened source; 4 the last frame once more.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var line = connected
    var input = UnsafeBufferPointer(start: start, count: count)[...]
    func take(_ count: Int) -> [UInt8] {
        let bytes = Array(input.prefix(count))
        input = input.dropFirst(count)
        return bytes
    }
    var steps = 0
    while let op = input.popFirst(), steps < 100 {
        steps += 1
        switch op % 5 {
        case 0: line.receive(take(Int(input.popFirst() ?? 0)))
        case 1: line.receiveFrame(take(FrameLayout.length))
        case 2: line.pass(Int64(input.popFirst() ?? 0) * 100)
        case 3: line.reset()
        default: line.repeatFrame()
        }
    }
    line.end()
    return 0
}

/// The bridge after its announcements, which take long; each input gets a copy.
private let connected = Line(SamplePack.options)

private struct Line {
    private let pack: PackOptions
    private var bridge: Bridge
    private var decoder: PackDecoder
    private var milliseconds: Int64 = 0
    private var received = 0
    private var last: [UInt8] = []

    init(_ pack: PackOptions) {
        self.pack = pack
        bridge = Bridge(BridgeOptions(), packs: [SamplePack.options])
        decoder = PackDecoder(rules: pack.rules, options: pack.decoding)
        look(bridge.connected(canExpire: true, at: now))
    }

    private var now: Moment {
        Moment(monotonic: Timestamp(milliseconds: milliseconds), wall: 1_795_000_000_000 + milliseconds)
    }

    mutating func receiveFrame(_ bytes: [UInt8]) {
        guard bytes.count == FrameLayout.length else { return receive(bytes) }
        var frame = bytes
        let signs = Array("+-X".utf8)
        for sign in [FrameLayout.sign1, FrameLayout.sign2, FrameLayout.signSum]
        where !signs.contains(frame[sign.offset]) {
            frame[sign.offset] = signs[Int(frame[sign.offset]) % 3]
        }
        frame[FrameLayout.sum.offset] = frame.dropLast().reduce(0, &+)
        last = frame
        receive(frame)
    }

    mutating func repeatFrame() {
        milliseconds += 1000
        receive(last)
    }

    mutating func receive(_ bytes: [UInt8]) {
        received += bytes.count
        _ = decoder.receive(bytes, at: now.monotonic)
        look(bridge.receive(bytes, pack: 0, at: now))
        let counters = decoder.counters
        let left = received - counters.bytesDropped - counters.framesAccepted * FrameLayout.length
        Invariant.hold((0..<FrameLayout.length).contains(left), "\(left) bytes neither taken, dropped nor waited for")
        let cells = decoder.snapshot.cells.count
        Invariant.hold(cells <= 255, "\(cells) cells")
    }

    mutating func pass(_ time: Int64) {
        milliseconds += time
        look(bridge.tick(at: now))
        guard let limits = bridge.limits(of: 0), let linkAt = decoder.snapshot.linkAt else { return }
        let isStale = now.monotonic - linkAt >= pack.decoding.freshness.stale
        Invariant.hold(!isStale || limits.ccl == .zero, "stale, and CCL is \(limits.ccl)")
    }

    mutating func reset() {
        decoder.reset()
        look(bridge.sourceChanged(pack: 0, .opened, at: now))
    }

    mutating func end() {
        pass(3_600_000)
        Invariant.hold(bridge.limits(of: 0)?.dcl ?? .zero == .zero, "lost for an hour, and DCL is not 0")
    }

    private func look(_ outbox: Outbox) {
        for message in outbox.messages { Invariant.check(message) }
        Invariant.check(bridge.limits(of: 0), pack.limits)
    }
}

import BMSCore
import BatteryEngine
import CANFrames
import FuzzSupport

/// Fuzzes what a CAN bus says: bytes of a serial adapter, between reports of a pack; a byte above 0x7F lets its lower bits times 16 ms pass.
/// The lines are read as those of candump, too.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    for kind in CANProtocol.allCases {
        var bus = Bus(kind, confirms: count.isMultiple(of: 2))
        for byte in bytes { bus.take(byte) }
    }
    for line in bytes.split(separator: 0x0A) {
        guard let frame = CANFrame(line: String(decoding: line, as: UTF8.self)) else { continue }
        Invariant.hold(CANFrame(line: "\(frame)") == frame, "\(frame) is not read again")
        for kind in CANProtocol.allCases { _ = kind.text(frame) }
    }
    return 0
}

/// The report of a pack that sends good frames.
private let report: BatteryReport? = {
    var engine = Engine(packs: [SamplePack.options])
    var report: BatteryReport?
    for second in 1...5 {
        let now = Moment(monotonic: Timestamp(milliseconds: Int64(second) * 1000), wall: 0)
        report = engine.step(.bytes(SamplePack.frame, pack: 0, age: 0), at: now).updates.last?.report ?? report
    }
    return report
}()

private struct Bus {
    private var sender: CANSender
    private var reader = SLCANReader()
    private let frames: [CANFrame]
    private var milliseconds: Int64 = 0

    init(_ kind: CANProtocol, confirms: Bool) {
        sender = CANSender(kind, address: "can:can0", battery: "pack garage", confirms: confirms)
        frames = report.map { kind.frames($0) } ?? []
        Invariant.hold(!frames.isEmpty, "the pack has no limits")
        sender.take(.opened, at: Timestamp(milliseconds: 0))
    }

    mutating func take(_ byte: UInt8) {
        if byte > 0x7F { milliseconds += Int64(byte & 0x7F) * 16 }
        let now = Timestamp(milliseconds: milliseconds)
        if let report, byte.isMultiple(of: 8) { sender.take(report, isFromFrame: byte.isMultiple(of: 16), at: now) }
        switch reader.take(byte) {
        case .frame(let frame): sender.take(.frame(frame), at: now)
        case .refused: sender.take(.refused, at: now)
        case .flags(let flags): sender.take(flags.isEmpty ? .confirmed : .unacknowledged, at: now)
        case nil: break
        }
        // A set, and attempts between its frames.
        for _ in 0..<64 {
            switch sender.step(at: now) {
            case .wait(let until):
                Invariant.hold(until > now, "a wait that ends at once")
                _ = sender.takeNotices()
                return
            case .send(let frame), .attempt(let frame):
                Invariant.hold(frames.contains(frame), "\(frame) is no frame of the report")
            }
        }
        Invariant.hold(false, "more than a set at one moment")
    }
}

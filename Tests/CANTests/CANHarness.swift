import BMSCore
import BatteryEngine
import CANFrames
import SmartBMS
import TestSupport

/// An engine with one pack, a sender, and an inverter that takes frames at their word. Manual clock, milliseconds.
struct CANHarness {
    var engine = Engine(packs: [PackOptions(id: "garage")])
    var sender: CANSender
    var milliseconds: Int64 = 1_000_000
    /// Frames that went out, with their times.
    var sent: [(at: Int64, frame: CANFrame)] = []
    /// Frames of them that were attempts on a bus that took none.
    var attempts: [CANFrame] = []
    var notices: [Notice] = []
    /// Each frame is confirmed at once.
    var isConfirming: Bool
    /// The bus takes no frame.
    var isFull = false
    /// The BMS sends a frame each second.
    var isCableIn = true
    var report: BatteryReport?
    /// Milliseconds of a step of time; 1000 is a multiple of it, and so is 250.
    var resolution: Int64 = 1
    /// Frames of the reports of the last four seconds, which a set may have.
    var known: [(at: Int64, frames: [CANFrame])] = []
    private let kind: CANProtocol

    init(_ kind: CANProtocol = .victron, confirms: Bool = true) {
        sender = CANSender(kind, address: "can:can0", battery: "pack garage", confirms: confirms)
        isConfirming = confirms
        self.kind = kind
    }

    var now: Timestamp { Timestamp(milliseconds: milliseconds) }
    var figures: BusFigures { sender.figures }
    var warnings: [String] { notices.filter { $0.level == .warning }.map(\.text) }

    mutating func hear(_ event: BusEvent) { sender.take(event, at: now) }

    /// Takes a report of the engine to the sender.
    mutating func step(_ input: EngineInput) {
        let result = engine.step(input, at: Moment(monotonic: now, wall: milliseconds))
        guard let update = result.updates.last else { return }
        let new = update.report
        report = new
        known.removeAll { $0.at < milliseconds - 4_000 }
        known.append((milliseconds, kind.frames(new)))
        sender.take(new, isFromFrame: update.trigger == .frame, at: now)
    }

    /// Lets time pass: a frame of the BMS each second, the engine's clock twice a second.
    mutating func pass(_ time: Int64, isBridgeAlive: Bool = true, _ change: (inout Frame) -> Void = { _ in }) {
        for _ in 0..<(time / resolution) {
            milliseconds += resolution
            if isBridgeAlive {
                if isCableIn, milliseconds % 1000 == 0 { step(.bytes(FrameFixture.bytes(change), pack: 0, age: 0)) }
                if milliseconds % 500 == 250 { step(.time) }
            }
            turn()
        }
    }

    /// Does what the sender wants now.
    mutating func turn() {
        var isDone = false
        while !isDone {
            switch sender.step(at: now) {
            case .wait(let until):
                isDone = true
                if until <= now { fatalError("a wait that ends now would go on forever") }
            case .send(let frame): take(frame)
            case .attempt(let frame):
                attempts.append(frame)
                take(frame)
            }
            notices += sender.takeNotices()
        }
    }

    private mutating func take(_ frame: CANFrame) {
        guard !isFull else { return hear(.refused) }
        sent.append((milliseconds, frame))
        if isConfirming { hear(.confirmed) }
    }

    /// Forgets what was sent.
    mutating func clear() { (sent, attempts, notices) = ([], [], []) }

    /// An open bus and a pack that is known; the next set begins in 200 ms.
    static func running(
        _ kind: CANProtocol = .victron, confirms: Bool = true, resolution: Int64 = 1
    ) -> CANHarness {
        var harness = CANHarness(kind, confirms: confirms)
        harness.resolution = resolution
        harness.hear(.opened)
        harness.pass(4_800)
        harness.clear()
        return harness
    }
}

extension CANFrame {
    /// Numbers of two bytes, the lowest first.
    func number(_ place: Int) -> Int { Int(data[place]) | Int(data[place + 1]) << 8 }
}

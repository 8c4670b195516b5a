public import BatteryEngine
import BMSCore
public import CANFrames
import LinuxIO
import SerialLink

/// One CAN bus on a thread of its own: it opens the bus, tells a battery's limits, listens, and opens again forever.
public final class CANBusLink: Sendable {
    /// Takes the figures of the bus where they have changed, and lines for the log. Called on the bus's thread.
    public typealias Handler = @Sendable (BusFigures, [Notice]) -> Void

    /// The newest report, which replaces one that was not taken yet.
    private struct Work: Sendable {
        var report: (report: BatteryReport, at: Timestamp)?
        var isEnding = false
    }

    private let address: CANAddress
    private let kind: CANProtocol
    private let battery: String
    private let work = Lock(Work())
    private let event = EventDescriptor()
    private let finished = EventDescriptor()

    /// A link that is not started.
    ///
    /// - Parameter battery: "pack garage", for the log.
    public init(_ address: CANAddress, _ kind: CANProtocol, battery: String) {
        self.address = address
        self.kind = kind
        self.battery = battery
    }

    /// Starts the thread; to be called once.
    ///
    /// - Returns: `false` if the system allows no more threads.
    public func start(_ handler: @escaping Handler) -> Bool {
        OwnThread.start("can") { [self] in
            var thread = CANBusThread(address, kind, battery: battery, handler)
            thread.run(take: take, event)
            finished.set()
        }
    }

    /// Tells a report from any thread; never waits.
    public func tell(_ report: BatteryReport) {
        let now = CANBusThread.now()
        work.withLock { $0.report = (report, now) }
        event.set()
    }

    /// Falls silent and ends the thread.
    public func stop(seconds: Double) {
        beginStop()
        finished.wait(seconds: seconds)
    }

    /// Falls silent soon.
    public func beginStop() {
        work.withLock { $0.isEnding = true }
        event.set()
    }

    /// Takes what came since the last call; `nil`: the end.
    private func take() -> (BatteryReport, Timestamp)?? {
        event.clear()
        return work.withLock { work in
            guard !work.isEnding else { return nil }
            defer { work.report = nil }
            return .some(work.report)
        }
    }
}

/// The thread of a bus.
private struct CANBusThread {
    /// Milliseconds after which counters are handed on, even if nothing else has changed.
    private static let countersInterval: Int64 = 5_000

    private let address: CANAddress
    private let kind: CANProtocol
    private let handler: CANBusLink.Handler
    private var sender: CANSender
    private var door: (any CANDoor)?
    private var delay = ReopenDelay()
    private var openAt = Timestamp(milliseconds: 0)
    private var shown: BusFigures?
    private var shownAt = Timestamp(milliseconds: 0)

    init(_ address: CANAddress, _ kind: CANProtocol, battery: String, _ handler: @escaping CANBusLink.Handler) {
        self.address = address
        self.kind = kind
        self.handler = handler
        sender = CANSender(kind, address: "\(address)", battery: battery, confirms: address.confirms)
    }

    /// Milliseconds since boot, suspend included: what froze for long is old.
    static func now() -> Timestamp { Timestamp(milliseconds: Int64(MonotonicTime.sinceBoot() * 1000)) }

    mutating func run(take: () -> (BatteryReport, Timestamp)??, _ event: EventDescriptor) {
        while case .some(let report) = take() {
            let now = Self.now()
            if let report { sender.take(report.0, at: report.1) }
            let until = turn(at: now)
            show(at: now)
            let seconds = Double(until - Self.now()) / 1000
            let ready = Poll.wait(
                for: door?.descriptor ?? -1, alsoWriting: false, seconds: max(0, seconds), wake: event)
            if ready.canRead { receive() }
        }
        door?.close()
    }

    /// Opens the bus or sends a frame, where it is time for that.
    ///
    /// - Returns: the time of the next turn.
    private mutating func turn(at now: Timestamp) -> Timestamp {
        guard let door else {
            guard now >= openAt else { return openAt }
            do throws(CANFault) {
                self.door = try address.open(kind, at: Double(now.milliseconds) / 1000)
            } catch {
                fail(error, at: now)
                return openAt
            }
            return now
        }
        do throws(CANFault) {
            for event in try door.tick(at: Double(now.milliseconds) / 1000) { sender.take(event, at: now) }
            switch sender.step(at: now) {
            case .wait(let until): return until
            case .attempt(let frame):
                try door.reset()
                if try !door.send(frame) { sender.take(.refused, at: now) }
            case .send(let frame):
                if try !door.send(frame) { sender.take(.refused, at: now) }
                delay.reset()
            }
            return now
        } catch {
            fail(error, at: now)
            return openAt
        }
    }

    private mutating func receive() {
        guard let door else { return }
        let now = Self.now()
        do throws(CANFault) {
            for event in try door.receive() { sender.take(event, at: now) }
        } catch {
            fail(error, at: now)
        }
    }

    private mutating func fail(_ fault: CANFault, at now: Timestamp) {
        door?.close()
        door = nil
        let seconds = delay.next(random: Double.random(in: 0..<1))
        openAt = now + Int64(seconds * 1000)
        sender.take(.closed(fault.text, retryIn: seconds), at: now)
    }

    /// Hands on what people should see.
    private mutating func show(at now: Timestamp) {
        let notices = sender.takeNotices()
        let figures = sender.figures
        var counted = figures
        (counted.sets, counted.keepAlives) = (shown?.sets ?? -1, shown?.keepAlives ?? 0)
        counted.others = shown?.others ?? 0
        let isDue = figures != shown && now - shownAt >= Self.countersInterval
        guard !notices.isEmpty || counted != shown || isDue else { return }
        (shown, shownAt) = (figures, now)
        handler(figures, notices)
    }
}

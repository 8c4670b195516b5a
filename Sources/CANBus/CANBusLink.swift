public import BatteryEngine
import BMSCore
public import CANFrames
import LinuxIO
import SerialLink

/// One CAN bus on a thread of its own: it opens the bus, tells a battery's limits, listens, and opens again forever.
public final class CANBusLink: Sendable {
    /// Takes the figures of the bus where they have changed, and lines for the log. Called on the bus's thread.
    public typealias Handler = @Sendable (BusFigures, [Notice]) -> Void

    /// The newest report with the time at which it was made.
    fileprivate struct Told: Sendable {
        var report: BatteryReport
        /// A frame of the BMS is its cause, or that of one before it that was not taken.
        var isFromFrame: Bool
        var at: Timestamp
    }

    /// The newest report, which replaces one that was not taken yet.
    private struct Work: Sendable {
        var told: Told?
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
    ///
    /// - Parameters:
    ///   - isFromFrame: a frame of the BMS is its cause.
    ///   - time: when its making began, in seconds of ``MonotonicTime/sinceBoot()``.
    public func tell(_ report: BatteryReport, isFromFrame: Bool, at time: Double) {
        let time = Timestamp(milliseconds: Int64(time * 1000))
        work.withLock { work in
            work.told = Told(report: report, isFromFrame: isFromFrame || work.told?.isFromFrame == true, at: time)
        }
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
    private func take() -> Told?? {
        event.clear()
        return work.withLock { work in
            guard !work.isEnding else { return nil }
            defer { work.told = nil }
            return .some(work.told)
        }
    }
}

/// The thread of a bus.
private struct CANBusThread {
    /// Milliseconds after which the figures are handed on, even if nothing has changed: a thread that hangs says nothing.
    private static let interval: Int64 = 5_000
    /// Milliseconds after which a decision to send is an old one.
    private static let longestDelay: Int64 = 200

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

    mutating func run(take: () -> CANBusLink.Told??, _ event: EventDescriptor) {
        while case .some(let told) = take() {
            let now = Self.now()
            if let told { sender.take(told.report, isFromFrame: told.isFromFrame, at: told.at) }
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
            for event in door.tick(at: Double(now.milliseconds) / 1000) { sender.take(event, at: now) }
            let (frame, isAttempt): (CANFrame, Bool)
            switch sender.step(at: now) {
            case .wait(let until): return until
            case .attempt(let constant): (frame, isAttempt) = (constant, true)
            case .send(let next): (frame, isAttempt) = (next, false)
            }
            if Self.now() - now > Self.longestDelay {
                // A process that was frozen since then must not send what was right before.
                sender.take(.skipped, at: now)
            } else if try !door.send(frame, isAttempt: isAttempt) {
                sender.take(.refused, at: now)
            } else if !isAttempt {
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
        let hasChanged =
            figures.state != shown?.state || figures.complaint != shown?.complaint
            || figures.hearsInverter != shown?.hearsInverter
        guard !notices.isEmpty || hasChanged || now - shownAt >= Self.interval else { return }
        (shown, shownAt) = (figures, now)
        handler(figures, notices)
    }
}

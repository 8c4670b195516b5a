public import BMSCore
public import BatteryEngine

/// Decides which frame a bus gets, and when: a set of frames each second, made of the newest report. It has no clock and no I/O.
///
/// - A set begins with a frame of the BMS, ``earliest`` after the one before, or without one ``latest`` after it; limits that fall do not
///   wait longer than ``hurry``. A report that is ``longestAge`` old is no basis for a limit: then there is silence, and silence is what
///   makes an inverter safe.
/// - The first frame of a set is one whose content never changes. On a bus that confirms frames, each frame waits for the confirmation
///   of the one before. So what waits in the controller while nobody acknowledges is one frame: that one, unless the bus broke in the
///   middle of a set.
/// - While nobody acknowledges, the first frame alone is tried: each second where it is lost, and rarely where the controller still has
///   it. When it gets through, a new set follows at once.
public struct CANSender: Sendable {
    /// The sender's wish at a moment.
    public enum Step: Hashable, Sendable {
        /// Send a frame, and say if there is no room for it.
        case send(CANFrame)
        /// Try a bus that took no frames: empty what holds frames back, then send this one.
        case attempt(CANFrame)
        /// Wait, unless a report or an event comes before.
        case wait(until: Timestamp)
    }

    /// Shortest and longest time between the beginnings of two sets, ms. A BMS sends once a second, a little sooner or later.
    static let earliest: Int64 = 900
    static let latest: Int64 = 1_100
    /// Shortest time between two sets of which the second lowers a limit, ms.
    static let hurry: Int64 = 250
    /// Time after which a frame that a controller has is taken for lost, ms.
    static let lostAfter: Int64 = 10_000
    /// Time between two frames of a set, ms. A frame takes a quarter of a millisecond at 500 kbit/s; SocketCAN's queue has ten places.
    static let spacing: Int64 = 10
    /// Longest time for a set, and for the confirmation of a frame, ms.
    static let patience: Int64 = 1_000
    /// Age at which a report is no basis for a limit, ms. The bridge makes one at least every 1.4 s.
    static let longestAge: Int64 = 3_000
    /// Time after which an inverter that was heard counts as gone, ms. Some are late by many seconds now and then.
    static let keepAliveAge: Int64 = 60_000
    /// Time after which another sender counts as gone, ms.
    static let otherAge: Int64 = 10_000

    private let kind: CANProtocol
    private let confirms: Bool
    private let battery: String
    /// Figures for people.
    public private(set) var figures: BusFigures
    private var notices: [Notice] = []
    private var report: BatteryReport?
    /// Its frames, once they are made.
    private var frames: [CANFrame]?
    private var reportedAt = Timestamp(milliseconds: 0)
    /// The report comes from a frame of the BMS, and was in no set yet.
    private var isNew = false
    /// The limits of the last set, as they were told.
    private var told: CANFrame?
    /// The state of the bus, whether there is something to say or not.
    private var bus = BusFigures.State.closed
    private var closing: String?
    /// Frames of the running set that are still to be sent.
    private var rest: ArraySlice<CANFrame> = []
    private var startedAt: Timestamp?
    private var nextAt = Timestamp(milliseconds: 0)
    /// The frame whose content never changes.
    private var constant: CANFrame?
    /// Number of frames that wait for their confirmation.
    private var outstanding = 0
    private var sentAt = Timestamp(milliseconds: 0)
    /// The bus takes no frames: time of the next attempt.
    private var blockedUntil: Timestamp?
    /// The constant frame was tried, and nothing was heard against it yet.
    private var isTrying = false
    /// A frame was confirmed since the bus took none.
    private var isAlive = false
    private var keepAliveAt: Timestamp?
    private var otherAt: Timestamp?

    /// A sender for a bus that is not open yet.
    ///
    /// - Parameters:
    ///   - address: the bus by configuration.
    ///   - battery: "pack garage", for the log.
    ///   - confirms: the bus tells which frames were acknowledged.
    public init(_ kind: CANProtocol, address: String, battery: String, confirms: Bool) {
        self.kind = kind
        self.confirms = confirms
        self.battery = battery
        figures = BusFigures(address: address)
    }

    /// Takes the newest report of the battery.
    ///
    /// - Parameters:
    ///   - isFromFrame: a frame of the BMS is the cause of the report.
    ///   - now: the time at which the report was made.
    public mutating func take(_ report: BatteryReport, isFromFrame: Bool, at now: Timestamp) {
        (self.report, frames, reportedAt) = (report, nil, now)
        isNew = isNew || isFromFrame
    }

    /// Lines for the log since the last call.
    public mutating func takeNotices() -> [Notice] {
        defer { notices = [] }
        return notices
    }
}

// Frames that go out.
extension CANSender {
    /// The wish of now. To be fulfilled before the next call.
    public mutating func step(at now: Timestamp) -> Step {
        forget(at: now)
        guard bus != .closed, let report, now - reportedAt < Self.longestAge, kind.maySpeak(report) else {
            fallSilent()
            return .wait(until: now + Self.patience)
        }
        if outstanding > 0, blockedUntil == nil {
            guard now - sentAt >= Self.patience else { return .wait(until: sentAt + Self.patience) }
            block(.unacknowledged, until: now)
        }
        if let until = blockedUntil {
            guard now >= until else { return .wait(until: until) }
            let isOver = confirms ? isAlive : isTrying
            if !isOver, let constant {
                // A controller tries by itself what it has; more of it would only fill its queue.
                let isHeld = outstanding > 0 && now - sentAt < Self.lostAfter
                guard !isHeld else { return .wait(until: sentAt + Self.lostAfter) }
                (isTrying, blockedUntil) = (true, now + Self.patience)
                note(at: now)
                return .attempt(constant)
            }
            // Nothing was heard against the last attempt, or nothing more of what waited.
            startAnew()
        }
        if !rest.isEmpty, let startedAt, now - startedAt >= Self.patience {
            // This program was held up: the rest of the set is old.
            figures.faults += 1
            rest = []
        }
        if rest.isEmpty {
            let frames = self.frames ?? kind.frames(report)
            self.frames = frames
            let due = startedAt.map { $0 + pause(before: frames) } ?? now
            guard now >= due else { return .wait(until: due) }
            begin(frames, at: now)
        }
        return now < nextAt ? .wait(until: nextAt) : sendNext(at: now)
    }

    /// Milliseconds from the beginning of the last set to that of the next.
    private func pause(before frames: [CANFrame]) -> Int64 {
        if let told, let new = frames.first(where: { $0.id == told.id }), new.allowsLess(than: told) {
            return Self.hurry
        }
        return isNew ? Self.earliest : Self.latest
    }

    private mutating func begin(_ frames: [CANFrame], at now: Timestamp) {
        told = frames.first { $0.id == CANProtocol.limitsID }
        constant = frames.first { $0.id == CANProtocol.constantID }
        rest = ArraySlice((constant.map { [$0] } ?? []) + frames.filter { $0.id != CANProtocol.constantID })
        (startedAt, nextAt, isNew) = (now, now, false)
    }

    private mutating func sendNext(at now: Timestamp) -> Step {
        let frame = rest.removeFirst()
        // The limits follow the constant frame at once where that is confirmed; else there is time for a refusal to be heard.
        if frame != constant || !confirms { nextAt = nextAt + Self.spacing }
        if rest.isEmpty {
            figures.sets += 1
            if !confirms { recover() }
            show(.sending)
        }
        note(at: now)
        return .send(frame)
    }

    private mutating func note(at now: Timestamp) {
        if confirms { outstanding += 1 }
        sentAt = now
    }

    /// Begins a new set with the next step.
    private mutating func startAnew() {
        (rest, startedAt, blockedUntil, isTrying, isAlive, outstanding) = ([], nil, nil, false, false, 0)
    }

    private mutating func fallSilent() {
        rest = []
        if figures.state == .sending {
            say(.info, "silent, so that an inverter stops: there are no limits of \(battery) that could be told")
        }
        show(.silent)
    }
}

// News that come in.
extension CANSender {
    /// Takes news of the bus.
    public mutating func take(_ event: BusEvent, at now: Timestamp) {
        switch event {
        case .opened:
            startAnew()
            (bus, closing) = (.sending, nil)
            say(.info, "open: \(kind.rawValue) frames tell the limits of \(battery)")
            show(.silent)
        case .closed(let reason, let seconds):
            if bus != .closed { figures.faults += 1 }
            startAnew()
            (bus, closing) = (.closed, "\(reason): an inverter hears no limits")
            say(.warning, "\(reason): an inverter hears no limits; next attempt in \(Int(seconds.rounded(.up))) s")
            show(.closed)
        case .frame(let frame): hear(frame, at: now)
        case .confirmed:
            outstanding = max(0, outstanding - 1)
            if blockedUntil != nil {
                // Other frames that wait come out, too; a new set must not go in behind it.
                (isAlive, blockedUntil) = (true, now + Self.patience)
                if outstanding == 0 { startAnew() }
            }
            recover()
        case .refused:
            if confirms { outstanding = max(0, outstanding - 1) }
            block(.unacknowledged, until: now + Self.patience)
        case .unacknowledged: block(.unacknowledged, until: now + Self.patience)
        case .busOff: block(.busOff, until: now + Self.patience)
        case .skipped:
            if confirms { outstanding = max(0, outstanding - 1) }
            figures.faults += 1
            (rest, startedAt) = ([], nil)
        case .restarted:
            // The controller has lost what it had.
            outstanding = 0
        }
    }

    private mutating func block(_ state: BusFigures.State, until: Timestamp) {
        if bus == .sending { figures.faults += 1 }
        (rest, blockedUntil, isTrying, isAlive) = ([], until, false, false)
        // A controller that has left the bus is not acknowledged either, and has said why.
        guard bus < state else { return }
        bus = state
        say(.warning, Self.complaints[state] ?? "")
        show(state)
    }

    private mutating func recover() {
        guard bus == .unacknowledged || bus == .busOff else { return }
        bus = .sending
        say(.info, "the frames get through again")
        show(.silent)
    }

    private mutating func hear(_ frame: CANFrame, at now: Timestamp) {
        if KeepAlive.ids.contains(frame.id) {
            figures.keepAlives += 1
            if figures.hearsInverter != true { say(.info, "an inverter is there: it sends keep-alives") }
            (keepAliveAt, figures.hearsInverter) = (now, true)
        } else if frame.id != CANProtocol.constantID, kind.ids.contains(frame.id) {
            // The constant frame says nothing: an earlier run of this program may have left it in a controller.
            figures.others += 1
            if otherAt == nil { say(.warning, Self.other) }
            otherAt = now
            show(figures.state)
        }
    }

    /// Forgets an inverter and another sender that have fallen silent.
    private mutating func forget(at now: Timestamp) {
        if figures.hearsInverter == true, let keepAliveAt, now - keepAliveAt >= Self.keepAliveAge {
            figures.hearsInverter = false
            say(.info, "no keep-alive of an inverter for \(Self.keepAliveAge / 1000) s; the frames go on")
        }
        if let heard = otherAt, now - heard >= Self.otherAge {
            otherAt = nil
            say(.info, "the other sender is silent")
            show(figures.state)
        }
    }

    private static let complaints: [BusFigures.State: String] = [
        .unacknowledged:
            "nobody acknowledges the frames: is the inverter switched on and set to CAN, do the wires and terminators fit, and is the "
            + "bit rate 500 kbit/s on both sides?",
        .busOff:
            "the controller has left the bus after too many errors: check the wires, the terminators and the bit rate (500 kbit/s); with "
            + "'restart-ms 100' it comes back by itself (docs/can.md)",
    ]
    private static let other =
        "somebody else sends a battery's frames on this bus, and an inverter obeys whoever spoke last: let one battery alone speak"

    /// Shows a state, unless that of the bus is worse.
    private mutating func show(_ state: BusFigures.State) {
        figures.state = bus == .sending ? state : bus
        figures.complaint = closing ?? Self.complaints[bus] ?? (otherAt == nil ? nil : Self.other)
    }

    private mutating func say(_ level: Notice.Level, _ text: String) {
        notices.append(Notice(level, "\(battery): \(figures.address): \(text)"))
    }
}

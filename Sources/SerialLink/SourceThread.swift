import Glibc
import LinuxIO

/// A source as the reading thread sees it.
struct PolledSource: Sendable {
    /// The source's number for the handler.
    let index: Int
    let opening: SourceOpening
    /// The open descriptor; -1 while the source is closed.
    var descriptor: Int32 = -1
    /// Name of the source as it was opened.
    var name = ""
    var delay = ReopenDelay()
    /// Time of the last bytes, seconds.
    var readAt = 0.0
    /// Time at which there is something to do even if nothing comes: open the source, or check for silence.
    var dueAt = Double.infinity

    init(index: Int, opening: SourceOpening) {
        self.index = index
        self.opening = opening
    }
}

/// The thread that reads: it waits for all sources in one call, takes a bounded piece of each that has something, and opens a closed source
/// when its time has come.
struct SourceThread: ~Copyable {
    private static let stopToken = UInt64.max
    private static let openedToken = UInt64.max - 1
    /// Seconds within which the thread looks at its sources, whether anything comes or not, so that it notices when it was held up.
    private static let turn = 0.5
    /// Largest number of reads to empty a source, of 4096 bytes each: more than any buffer of the system holds by default.
    private static let mostReads = 4096

    private let core: SourceCore
    private let opener = SourceOpener()
    private var epoll = Epoll()
    private var sources: [PolledSource]
    private var buffer = [UInt8](repeating: 0, count: 4096)
    /// The earliest of the sources' `dueAt`.
    private var dueAt = Double.infinity
    /// Start of the turn before this one, by the clock of the data's age.
    private var turnedAt: Double

    init(_ core: SourceCore, _ sources: [PolledSource]) {
        self.core = core
        self.sources = sources
        turnedAt = core.options.clock()
    }

    mutating func run() {
        _ = epoll.add(core.stop.descriptor, token: Self.stopToken)
        _ = epoll.add(opener.event.descriptor, token: Self.openedToken)
        for position in sources.indices { opener.open(position, sources[position].opening) }
        loop: while true {
            core.heartbeat.rest()
            let count = epoll.wait(seconds: min(Self.turn, dueAt - MonotonicTime.seconds()))
            core.heartbeat.beat()
            let now = MonotonicTime.seconds()
            let turn = core.options.clock()
            let delay = self.delay(at: turn)
            if delay > core.options.longestDelay { drop(after: delay, now) }
            for index in 0..<count {
                switch epoll.token(index) {
                case Self.stopToken: break loop
                case Self.openedToken: for (position, result) in opener.takeDone() { take(result, position, now) }
                case let token: read(Int(token), now)
                }
            }
            if now >= dueAt { lookAtTimes(now) }
            turnedAt = turn
        }
        opener.stop()
        for source in sources where source.descriptor >= 0 { SerialPort.close(source.descriptor) }
    }

    private mutating func take(_ result: Result<SourceOpening.Opened, SerialError>, _ position: Int, _ now: Double) {
        switch result {
        case .failure(let error): fail(error, position, now)
        case .success(let opened):
            let number = epoll.add(opened.descriptor, token: UInt64(position))
            sources[position].descriptor = opened.descriptor
            sources[position].name = opened.name
            guard number == 0 else { return fail(.system(.open, opened.name, number), position, now) }
            sources[position].readAt = now
            if let silence = sources[position].opening.silence { set(now + silence, position) }
            core.report(.opened(opened.name), of: sources[position].index)
        }
    }

    /// Reads once: the remaining bytes are read after all other sources had their turn.
    private mutating func read(_ position: Int, _ now: Double) {
        let descriptor = sources[position].descriptor
        // Something earlier in the same turn closed the source.
        guard descriptor >= 0 else { return }
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        // The time is taken after the read: a delay of the thread before this point made these bytes older.
        let time = core.options.clock()
        let delay = self.delay(at: time)
        let name = sources[position].name
        if count > 0, delay > core.options.longestDelay {
            drop(position, after: delay, now)
        } else if count > 0 {
            sources[position].delay.reset()
            sources[position].readAt = now
            core.report(.bytes(Array(buffer[..<count]), at: time - delay), of: sources[position].index)
        } else if count == 0 {
            fail(SerialError(.read, name, "it hung up: was the cable pulled?"), position, now)
        } else if errno == EIO {
            fail(SerialError(.read, name, number: EIO, "it hung up: was the cable pulled?"), position, now)
        } else if errno != EINTR && errno != EAGAIN {
            fail(.system(.read, name, errno), position, now)
        }
    }

    /// Seconds by which a look at the sources at a moment comes late: waiting bytes may be older than they look by that much.
    private func delay(at time: Double) -> Double { max(0, time - turnedAt - Self.turn) }

    /// Throws away the bytes that wait in all sources: the process was frozen or the machine suspended, and nobody knows how long they
    /// waited.
    private mutating func drop(after delay: Double, _ now: Double) {
        for position in sources.indices where sources[position].descriptor >= 0 { drop(position, after: delay, now) }
    }

    private mutating func drop(_ position: Int, after delay: Double, _ now: Double) {
        let descriptor = sources[position].descriptor
        core.report(.dropped(seconds: delay), of: sources[position].index)
        // A terminal drops its bytes at once; a socket is read until it has no more.
        tcflush(descriptor, TCIFLUSH)
        for _ in 0..<Self.mostReads {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            // The next read reports an end or an error.
            guard count > 0 else {
                sources[position].readAt = now
                return
            }
        }
        fail(
            SerialError(.read, sources[position].name, "it sends faster than can be thrown away: opening anew"),
            position, now)
    }

    private mutating func fail(_ error: SerialError, _ position: Int, _ now: Double) {
        if sources[position].descriptor >= 0 { SerialPort.close(sources[position].descriptor) }
        sources[position].descriptor = -1
        let seconds = core.options.delay(&sources[position].delay)
        set(now + seconds, position)
        core.report(.closed(error, retryIn: seconds), of: sources[position].index)
    }

    /// Handles the sources whose time has come: a thousand comparisons, but only where something is due, which is rare.
    private mutating func lookAtTimes(_ now: Double) {
        dueAt = .infinity
        for position in sources.indices {
            guard now >= sources[position].dueAt else {
                dueAt = min(dueAt, sources[position].dueAt)
                continue
            }
            sources[position].dueAt = .infinity
            if sources[position].descriptor < 0 {
                opener.open(position, sources[position].opening)
            } else if let silence = sources[position].opening.silence {
                checkSilence(silence, position, now)
            }
        }
    }

    private mutating func checkSilence(_ silence: Double, _ position: Int, _ now: Double) {
        guard now - sources[position].readAt >= silence else {
            return set(sources[position].readAt + silence, position)
        }
        let text = "silent for \(Int(silence)) s: connecting anew"
        fail(SerialError(.read, sources[position].name, text), position, now)
    }

    private mutating func set(_ time: Double, _ position: Int) {
        sources[position].dueAt = time
        dueAt = min(dueAt, time)
    }
}

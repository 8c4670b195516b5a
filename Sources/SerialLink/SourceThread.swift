import Glibc
import LinuxIO

/// A source as the reading thread sees it.
struct PolledSource: Sendable {
    /// Its number for the handler.
    let index: Int
    let opening: SourceOpening
    /// -1: closed.
    var descriptor: Int32 = -1
    /// As it was opened.
    var name = ""
    var delay = ReopenDelay()
    /// When the last bytes came, seconds.
    var readAt = 0.0
    /// When there is something to do even if nothing comes: open it, or look for silence.
    var dueAt = Double.infinity

    init(index: Int, opening: SourceOpening) {
        self.index = index
        self.opening = opening
    }
}

/// The thread that reads: waits for all sources in one call, takes a bounded piece of each that has something, and opens what is
/// closed when its time has come.
struct SourceThread: ~Copyable {
    private static let stopToken = UInt64.max
    private static let openedToken = UInt64.max - 1

    private let core: SourceCore
    private let opener = SourceOpener()
    private var epoll = Epoll()
    private var sources: [PolledSource]
    private var buffer = [UInt8](repeating: 0, count: 4096)
    /// The earliest of the sources' times.
    private var dueAt = Double.infinity

    init(_ core: SourceCore, _ sources: [PolledSource]) {
        self.core = core
        self.sources = sources
    }

    mutating func run() {
        _ = epoll.add(core.stop.descriptor, token: Self.stopToken)
        _ = epoll.add(opener.event.descriptor, token: Self.openedToken)
        for position in sources.indices { opener.open(position, sources[position].opening) }
        loop: while true {
            core.heartbeat.rest()
            let count = epoll.wait(seconds: dueAt - MonotonicTime.seconds())
            core.heartbeat.beat()
            let now = MonotonicTime.seconds()
            for index in 0..<count {
                switch epoll.token(index) {
                case Self.stopToken: break loop
                case Self.openedToken: for (position, result) in opener.takeDone() { take(result, position, now) }
                case let token: read(Int(token), now)
                }
            }
            if now >= dueAt { lookAtTimes(now) }
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

    /// Reads once: what is left is read after all others had their turn.
    private mutating func read(_ position: Int, _ now: Double) {
        let descriptor = sources[position].descriptor
        // It was closed by something earlier in the same turn.
        guard descriptor >= 0 else { return }
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        let name = sources[position].name
        if count > 0 {
            sources[position].delay.reset()
            sources[position].readAt = now
            core.report(.bytes(Array(buffer[..<count])), of: sources[position].index)
        } else if count == 0 {
            fail(SerialError(.read, name, "it hung up: was the cable pulled?"), position, now)
        } else if errno == EIO {
            fail(SerialError(.read, name, number: EIO, "it hung up: was the cable pulled?"), position, now)
        } else if errno != EINTR && errno != EAGAIN {
            fail(.system(.read, name, errno), position, now)
        }
    }

    private mutating func fail(_ error: SerialError, _ position: Int, _ now: Double) {
        if sources[position].descriptor >= 0 { SerialPort.close(sources[position].descriptor) }
        sources[position].descriptor = -1
        let seconds = core.options.delay(&sources[position].delay)
        set(now + seconds, position)
        core.report(.closed(error, retryIn: seconds), of: sources[position].index)
    }

    /// A thousand comparisons where something is due, which is rare.
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

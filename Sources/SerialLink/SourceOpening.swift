import Glibc
import LinuxIO

/// The way in which a polled source is opened.
struct SourceOpening: Sendable {
    /// An open descriptor that does not block.
    struct Opened: Sendable {
        var descriptor: Int32
        /// Name of the opened source, for people.
        var name: String
    }

    let name: String
    /// Seconds without a byte after which the source is opened again; `nil` for never: a silence is then the BMS's.
    var silence: Double?
    /// Opens the source; may block for seconds.
    let open: @Sendable () throws(SerialError) -> Opened

    /// Creates the opening of a source; `nil` for a source that is not polled.
    init?(_ address: SourceAddress, _ core: SourceCore) {
        name = address.description
        switch address {
        case .serial(let path): open = { () throws(SerialError) in try Self.port(path) }
        case .serialAuto:
            let folders = core.options.cableFolders
            open = { () throws(SerialError) in try Self.port(SerialCable.find(in: folders)) }
        case .tcp(let host, let port):
            let connection = TCPConnection(host: host, port: port, stop: core.stop)
            silence = core.options.tcpSilence
            open = { () throws(SerialError) in try connection.open() }
        case .replay, .simulator: return nil
        }
    }

    private static func port(_ path: String) throws(SerialError) -> Opened {
        Opened(descriptor: try SerialPort.open(path), name: path)
    }
}

/// Opens sources on threads that live as long as there is something to open: a name server or a host that does not answer must
/// not keep the thread that reads from reading.
final class SourceOpener: Sendable {
    /// The outcome of an opening.
    typealias Outcome = (source: Int, result: Result<SourceOpening.Opened, SerialError>)

    /// Largest number of threads. A host that does not answer takes five seconds: a hundred of them in a thousand sources hold up the
    /// others for 15 s.
    private static let threads = 32

    private struct State {
        var waiting: [(Int, SourceOpening)] = []
        var running = 0
        var done: [Outcome] = []
        var isStopped = false
    }

    /// Set when there is something in ``takeDone()``.
    let event = EventDescriptor()
    private let state = Lock(State())

    /// Begins to open; the outcome follows.
    func open(_ source: Int, _ opening: SourceOpening) {
        let needsThread = state.withLock { state in
            state.waiting.append((source, opening))
            guard state.running < Self.threads else { return false }
            state.running += 1
            return true
        }
        guard needsThread, !OwnThread.start("open", { [self] in work() }) else { return }
        state.withLock { state in
            state.running -= 1
            // Another thread may have taken this source meanwhile.
            guard let index = state.waiting.firstIndex(where: { $0.0 == source }) else { return }
            state.waiting.remove(at: index)
            state.done.append(
                (source, .failure(SerialError(.open, opening.name, "the system has no thread to give"))))
        }
        event.set()
    }

    /// Outcomes since the last call.
    func takeDone() -> [Outcome] {
        event.clear()
        return state.withLock { state in
            defer { state.done = [] }
            return state.done
        }
    }

    /// Ends the opening: waiting sources are not opened any more, and a source that opens too late is closed.
    func stop() {
        state.withLock { state in
            state.isStopped = true
            state.waiting = []
        }
        for (_, result) in takeDone() {
            if case .success(let opened) = result { SerialPort.close(opened.descriptor) }
        }
    }

    private func work() {
        while let (source, opening) = next() {
            let result: Result<SourceOpening.Opened, SerialError>
            do throws(SerialError) {
                result = .success(try opening.open())
            } catch {
                result = .failure(error)
            }
            let isTooLate = state.withLock { state in
                if !state.isStopped { state.done.append((source, result)) }
                return state.isStopped
            }
            if isTooLate, case .success(let opened) = result { SerialPort.close(opened.descriptor) }
            event.set()
        }
    }

    private func next() -> (Int, SourceOpening)? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.running -= 1
                return nil
            }
            return state.waiting.removeFirst()
        }
    }
}

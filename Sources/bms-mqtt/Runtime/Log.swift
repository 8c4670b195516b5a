import BMSCore
import CLinux
import Glibc
import LinuxIO

/// Lines for people on standard error, with the journal's priorities where a journal reads them.
///
/// `stderr` of C is not usable in Swift 6 mode, so this writes to the descriptor. A line is one write: lines of several
/// threads do not mix. A reader that does not read (a full pipe) must not stop the bridge: the line is dropped.
final class Log: Sendable {
    enum Level: Int, Comparable, Sendable, CaseIterable {
        case debug = 7
        case info = 6
        case warning = 4
        case error = 3

        var name: String {
            switch self {
            case .debug: "debug"
            case .info: "info"
            case .warning: "warning"
            case .error: "error"
            }
        }

        init?(name: String) {
            guard let level = Level.allCases.first(where: { $0.name == name }) else { return nil }
            self = level
        }

        /// From idle to urgent.
        static func < (left: Level, right: Level) -> Bool { left.rawValue > right.rawValue }
    }

    private let threshold: Lock<Level>
    private let isJournal: Bool
    private let filter = Lock(LogFilter())
    private let output = Lock(())

    init(threshold: Level = .info) {
        self.threshold = Lock(threshold)
        isJournal = getenv("JOURNAL_STREAM") != nil
    }

    /// Changes what is said, as a reload of the configuration does.
    func setThreshold(_ level: Level) { threshold.withLock { $0 = level } }

    func debug(_ text: @autoclosure () -> String) { say(.debug, text()) }
    func info(_ text: String) { say(.info, text) }
    func warning(_ text: String) { say(.warning, text) }
    func error(_ text: String) { say(.error, text) }

    private func say(_ level: Level, _ text: @autoclosure () -> String) {
        guard level >= threshold.withLock({ $0 }) else { return }
        guard let line = filter.withLock({ $0.admit(level, text(), at: Clock.monotonic().milliseconds) }) else {
            return
        }
        let words = (isJournal ? "<\(level.rawValue)>\(line)" : "\(level.name): \(line)") + "\n"
        // One after the other: between the question and the write nobody else takes the room.
        output.withLock { _ in
            if Self.canWrite { Console.write(words, to: STDERR_FILENO) }
        }
    }

    /// Whether standard error takes a line without a wait. A pipe that can be written to has room for 4096 bytes.
    private static var canWrite: Bool {
        var entry = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
        return poll(&entry, 1, 0) > 0
    }
}

/// Standard output and error as descriptors.
enum Console {
    /// Writes all of a text. A broken pipe or a full one ends it silently.
    @discardableResult
    static func write(_ text: String, to descriptor: Int32 = STDOUT_FILENO) -> Bool {
        write(Array(text.utf8), to: descriptor)
    }

    /// Writes all bytes; `false` when the reader is gone.
    @discardableResult
    static func write(_ bytes: [UInt8], to descriptor: Int32 = STDOUT_FILENO) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                sent += count
            } else if count < 0 && errno == EINTR {
                continue
            } else {
                if descriptor == STDOUT_FILENO && errno != EPIPE { loseOutput(errno) }
                return false
            }
        }
        return true
    }

    /// An exit code that admits what standard output did not take. Whoever closed a pipe has seen enough: no failure.
    static func exitCode(_ code: Int32) -> Int32 { code == 0 && isOutputLost.withLock { $0 } ? 1 : code }

    private static let isOutputLost = Lock(false)

    private static func loseOutput(_ number: Int32) {
        let isFirst = isOutputLost.withLock { isLost in
            defer { isLost = true }
            return !isLost
        }
        if isFirst { complain("cannot write to standard output: \(reason(number))") }
    }

    /// A sentence for the person at the terminal; nothing that it quotes can command that terminal.
    static func complain(_ text: String) { write("bms-mqtt: \(text.plain)\n", to: STDERR_FILENO) }

    /// The text of an error number.
    static func reason(_ number: Int32) -> String { String(cString: strerror(number)) }
}

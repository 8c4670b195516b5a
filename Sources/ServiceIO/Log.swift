import BMSCore
package import BatteryEngine
import CLinux
import Glibc
import LinuxIO

/// Lines for people on standard error, with the journal's priorities where a journal reads them.
///
/// Swift 6 mode does not allow C's `stderr`, so the log writes to the descriptor. A line is one write, so lines of several threads do
/// not mix. A line that would have to wait for a full pipe is dropped, because a log must not stop the bridge.
package final class Log: Sendable {
    package enum Level: Int, Comparable, Sendable, CaseIterable {
        case debug = 7
        case info = 6
        case warning = 4
        case error = 3

        package var name: String {
            switch self {
            case .debug: "debug"
            case .info: "info"
            case .warning: "warning"
            case .error: "error"
            }
        }

        package init?(name: String) {
            guard let level = Level.allCases.first(where: { $0.name == name }) else { return nil }
            self = level
        }

        /// Orders levels from the least to the most urgent.
        package static func < (left: Level, right: Level) -> Bool { left.rawValue > right.rawValue }
    }

    private let threshold: Lock<Level>
    private let isJournal: Bool
    private let filter = Lock(LogFilter())
    private let output = Lock(STDERR_FILENO)

    package init(threshold: Level = .info) {
        self.threshold = Lock(threshold)
        isJournal = getenv("JOURNAL_STREAM") != nil
    }

    /// Sets the lowest level that is logged, as a reload of the configuration does.
    package func setThreshold(_ level: Level) { threshold.withLock { $0 = level } }

    package func debug(_ text: @autoclosure () -> String) { say(.debug, text()) }
    package func info(_ text: String) { say(.info, text) }
    package func warning(_ text: String) { say(.warning, text) }
    package func error(_ text: String) { say(.error, text) }

    /// Logs a notice of the pure modules.
    package func take(_ notice: Notice) {
        switch notice.level {
        case .info: info(notice.text)
        case .warning: warning(notice.text)
        }
    }

    private func say(_ level: Level, _ text: @autoclosure () -> String) {
        guard level >= threshold.withLock({ $0 }) else { return }
        guard let line = filter.withLock({ $0.admit(level, text(), at: Clock.monotonic().milliseconds) }) else {
            return
        }
        let words = (isJournal ? "<\(level.rawValue)>\(line)" : "\(level.name): \(line)") + "\n"
        // The lock covers question and write, so that no other thread takes the room in between.
        output.withLock { descriptor in
            if Self.canWrite(descriptor) { Console.write(words, to: descriptor) }
        }
    }

    /// A file takes a line without a wait. A pipe that can be written to has room for 4096 bytes.
    private static func canWrite(_ descriptor: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&entry, 1, 0) > 0
    }
}

/// Standard output and error as descriptors.
package enum Console {
    /// Writes all of a text.
    ///
    /// - Returns: `false` if it could not be written.
    @discardableResult
    package static func write(_ text: String, to descriptor: Int32 = STDOUT_FILENO) -> Bool {
        write(Array(text.utf8), to: descriptor)
    }

    /// Writes all bytes. The first failure of standard output is reported, unless its reader is gone.
    ///
    /// - Returns: `false` if they could not be written.
    @discardableResult
    package static func write(_ bytes: [UInt8], to descriptor: Int32 = STDOUT_FILENO) -> Bool {
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

    /// The exit code of a command, or 1 if standard output lost something. A pipe that its reader has closed is not a failure.
    package static func exitCode(_ code: Int32) -> Int32 { code == 0 && isOutputLost.withLock { $0 } ? 1 : code }

    private static let isOutputLost = Lock(false)

    private static func loseOutput(_ number: Int32) {
        let isFirst = isOutputLost.withLock { isLost in
            defer { isLost = true }
            return !isLost
        }
        if isFirst { complain("cannot write to standard output: \(reason(number))") }
    }

    /// Prints a sentence on standard error, without control characters that could command a terminal.
    package static func complain(_ text: String) { write("bms-mqtt: \(text.plain)\n", to: STDERR_FILENO) }

    /// The text of an error number.
    package static func reason(_ number: Int32) -> String { String(cString: strerror(number)) }
}

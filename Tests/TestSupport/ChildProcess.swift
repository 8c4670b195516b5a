import CLinux
import Glibc
import LinuxIO

/// A program that a test runs; it is killed at the end of the test in any case.
public final class ChildProcess: Sendable {
    /// Process id.
    public let id: Int32
    /// Read end of the program's standard output and error.
    public let output: Int32
    /// Write end of the program's standard input.
    public let input: Int32

    /// Starts a program by its path.
    ///
    /// - Parameter terminal: a descriptor that the program reads instead of `input`.
    public init?(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], terminal: Int32? = nil
    ) {
        var out: [Int32] = [0, 0]
        var feed: [Int32] = [0, 0]
        guard pipe(&out) == 0, pipe(&feed) == 0 else { return nil }
        for end in out + feed { _ = clinux_fcntl(end, F_SETFD, FD_CLOEXEC) }
        // The last three variables tell a program under scripts/sanitize where its report goes.
        let names = ["PATH", "HOME", "LANG", "TMPDIR", "ASAN_OPTIONS", "TSAN_OPTIONS", "SWIFT_BACKTRACE"]
        let child = try? ProgramStart.start(
            program, arguments,
            variables: ProgramStart.inherited(names) + environment.map { "\($0.key)=\($0.value)" },
            descriptors: [STDIN_FILENO: terminal ?? feed[0], STDOUT_FILENO: out[1], STDERR_FILENO: out[1]])
        for end in [out[1], feed[0]] { close(end) }
        guard let child else {
            for end in [out[0], feed[1]] { close(end) }
            return nil
        }
        id = child
        output = out[0]
        input = feed[1]
    }

    deinit {
        kill(SIGKILL)
        close(output)
        close(input)
        var status: Int32 = 0
        waitpid(id, &status, 0)
    }

    /// Sends a signal.
    public func kill(_ signal: Int32) { _ = Glibc.kill(id, signal) }

    /// Writes to the program's standard input.
    public func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.write(input, bytes, bytes.count)
    }

    /// Closes the program's standard input. Nothing may be written after it.
    public func closeInput() {
        let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
        guard null >= 0 else { return }
        dup2(null, input)
        _ = clinux_fcntl(input, F_SETFD, FD_CLOEXEC)
        close(null)
    }

    /// Output up to `mark` and the rest of its line, or until the program closes its output or time is up. A long line comes in parts: if
    /// its end does not follow, the mark is enough after a second.
    public func read(until mark: String? = nil, seconds: Double = Deadline.hanging) -> String {
        var text: [UInt8] = []
        let end = Deadline(seconds: seconds)
        var endOfLine: Deadline?
        while !end.isOver, endOfLine?.isOver != true {
            if let mark, let rest = String(decoding: text, as: UTF8.self).rest(after: mark) {
                if mark.hasSuffix("\n") || rest.utf8.contains(10) { break }
                endOfLine = endOfLine ?? Deadline(seconds: 1)
            }
            var entry = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, min(100, end.milliseconds)) > 0 else { continue }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = Glibc.read(output, &buffer, buffer.count)
            guard count > 0 else { break }
            text += buffer[..<count]
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Waits for the end of the program; `nil` if it does not come in time. A signal counts as 128 and its number.
    public func exitCode(seconds: Double = Deadline.hanging) -> Int32? {
        let end = Deadline(seconds: seconds)
        var status: Int32 = 0
        while !end.isOver {
            if waitpid(id, &status, WNOHANG) == id {
                return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
            }
            var entry = pollfd(fd: -1, events: 0, revents: 0)
            poll(&entry, 1, 5)
        }
        return nil
    }
}

extension String {
    /// The text after the first `mark`; `nil`: there is none.
    fileprivate func rest(after mark: String) -> Substring? {
        firstRange(of: mark).map { self[$0.upperBound...] }
    }
}

/// The time that a test waits at most. A machine that stands still between two looks (a virtual one does, while its host is busy or takes a
/// snapshot) takes little of it: the program that is waited for stood still, too.
public final class Deadline {
    /// Seconds after which a test takes what it waits for to hang. A busy machine takes a tenth of it.
    public static let hanging = 300.0
    private static let longestStep = Duration.seconds(2)
    private var left: Duration
    private var look = ContinuousClock.now

    /// A deadline some seconds from now.
    public init(seconds: Double = Deadline.hanging) { left = .seconds(seconds) }

    /// The time is up.
    public var isOver: Bool {
        let now = ContinuousClock.now
        left -= min(now - look, Self.longestStep)
        look = now
        return left <= .zero
    }

    /// The time left at the last look, in milliseconds, rounded up.
    var milliseconds: Int32 {
        let (seconds, attoseconds) = left.components
        return Int32(clamping: seconds * 1_000 + attoseconds / 1_000_000_000_000_000 + 1)
    }
}

/// A folder of a test, removed with it.
public final class TemporaryFolder: Sendable {
    /// Path of the folder.
    public let path: String

    /// Makes the folder.
    public init() {
        var template = Array("/tmp/bms-mqtt-test-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
    }

    deinit {
        if let remove = ProgramStart.find("rm").flatMap({ ChildProcess($0, ["-rf", path]) }) { _ = remove.exitCode() }
    }

    /// Writes a file into the folder.
    ///
    /// - Returns: the file's path.
    @discardableResult
    public func write(_ text: String, _ name: String, mode: UInt32 = 0o600) -> String {
        let file = "\(path)/\(name)"
        let descriptor = clinux_open(file, O_WRONLY | O_CREAT | O_TRUNC, mode)
        let bytes = Array(text.utf8)
        _ = Glibc.write(descriptor, bytes, bytes.count)
        close(descriptor)
        return file
    }
}

import CLinux
import Glibc
import LinuxIO
import ServiceIO

/// A program that a demo starts beside itself, with a temporary folder. Both end with the demo, even when that is killed.
final class CompanionProcess {
    /// The program's folder.
    let folder: String
    private let shell: pid_t
    /// The shell waits for the end of this pipe, so that the program ends even when the demo is killed.
    private let lifeline: Int32

    /// Starts a program, whose words on standard output and error go to the file `log` of its folder.
    ///
    /// - Parameters:
    ///   - prepare: writes what the program needs into its folder, and returns its arguments and variables of its environment, as
    ///     "NAME=value". It inherits few, because others may hold passwords.
    init(
        _ program: String,
        _ prepare: (_ folder: String) throws(StartFailure) -> (arguments: [String], variables: [String])
    ) throws(StartFailure) {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/bms-mqtt-demo-XXXXXX".utf8CString)
        guard let folder = mkdtemp(&template).map({ String(cString: $0) }) else {
            throw StartFailure(text: "cannot make a temporary directory: \(Console.reason(errno))")
        }
        var ends: [Int32] = [-1, -1]
        do throws(StartFailure) {
            let (arguments, variables) = try prepare(folder)
            guard pipe(&ends) == 0 else { throw StartFailure(text: "cannot make a pipe: \(Console.reason(errno))") }
            for end in ends { _ = clinux_fcntl(end, F_SETFD, FD_CLOEXEC) }
            shell = try Self.spawn(folder, program, arguments, variables, lifeline: ends[0])
        } catch {
            for end in ends where end >= 0 { close(end) }
            Self.remove(folder)
            throw error
        }
        close(ends[0])
        lifeline = ends[1]
        self.folder = folder
    }

    /// Ends the program and removes its folder.
    func stop() {
        close(lifeline)
        var status: Int32 = 0
        for _ in 0..<100 {
            if waitpid(shell, &status, WNOHANG) != 0 { break }
            usleep(20_000)
        }
        // The program may have outlived its shell.
        kill(-shell, SIGKILL)
        Self.remove(folder)
    }

    /// Waits until the program listens on a loopback port.
    ///
    /// - Returns: `false` when it does not in time.
    func waitUntilListening(_ port: Int, seconds: Int) -> Bool {
        for _ in 0..<seconds * 20 {
            if Loopback.isListening(port) { return true }
            usleep(50_000)
        }
        return false
    }

    /// Last line that the program said.
    var lastWords: String? {
        guard case .success(let log) = RegularFile.read("\(folder)/log", upTo: 65_536) else { return nil }
        return String(decoding: log.bytes, as: UTF8.self).split(separator: "\n").last.map(String.init)
    }

    private static func spawn(
        _ folder: String, _ program: String, _ arguments: [String], _ variables: [String], lifeline: Int32
    ) throws(StartFailure) -> pid_t {
        let script = """
            folder=$1; shift
            "$@" </dev/null >"$folder/log" 2>&1 & program=$!
            read -r _; kill $program; wait $program; rm -rf -- "$folder"
            """
        do {
            // Ctrl-C reaches the demo alone, which ends the program.
            return try ProgramStart.start(
                "/bin/sh", ["-c", script, "sh", folder, program] + arguments,
                variables: ProgramStart.inherited(["PATH", "HOME", "LANG", "TMPDIR", "TZ"]) + variables,
                descriptors: [STDIN_FILENO: lifeline, STDOUT_FILENO: STDOUT_FILENO, STDERR_FILENO: STDERR_FILENO],
                isAlone: true)
        } catch {
            throw StartFailure(text: "cannot start \(program): \(Console.reason(error.number))")
        }
    }

    private static func remove(_ folder: String) {
        guard let program = ProgramStart.find("rm"),
            let process = try? ProgramStart.start(program, ["-rf", "--", folder], variables: [], descriptors: [:])
        else { return }
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }
}

/// A program that could not be started; the text says what to do.
struct StartFailure: Error {
    var text: String
}

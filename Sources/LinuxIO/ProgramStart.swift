import CLinux
import Glibc

/// Starting another program.
public enum ProgramStart {
    /// The error of a program that was not started.
    public struct Failure: Error, Hashable, Sendable {
        /// The number, as in `errno`.
        public let number: Int32
    }

    /// Starts a program with no signal ignored or masked, and with the given environment variables only.
    ///
    /// - Parameters:
    ///   - program: the path of the program.
    ///   - arguments: the arguments after the program's name.
    ///   - variables: the environment, each variable as "NAME=value".
    ///   - descriptors: descriptors of this process, keyed by their number in the program.
    ///   - isAlone: true puts the program into a process group of its own, which Ctrl-C in the terminal does not reach.
    /// - Returns: the process id. The caller must wait for the program's end.
    public static func start(
        _ program: String, _ arguments: [String], variables: [String], descriptors: [Int32: Int32],
        isAlone: Bool = false
    ) throws(Failure) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        for (number, descriptor) in descriptors.sorted(by: { $0.key < $1.key }) {
            posix_spawn_file_actions_adddup2(&actions, descriptor, number)
        }
        // Descriptors that other parts of this process have open at the moment would stay open in the program: their peers would never see
        // a hang-up.
        clinux_spawn_close_from(&actions, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | (isAlone ? POSIX_SPAWN_SETPGROUP : 0)))
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
            for pointer in words + environment { free(pointer) }
        }
        var child: pid_t = 0
        let result = posix_spawn(&child, program, &actions, &attributes, &words, &environment)
        guard result == 0 else { throw Failure(number: result) }
        return child
    }

    /// Variables of this process that have a value, as "NAME=value".
    public static func inherited(_ names: [String]) -> [String] {
        names.compactMap { name in getenv(name).map { "\(name)=\(String(cString: $0))" } }
    }

    /// Path of a program in the folders of `PATH` and those of the system; `nil` where it is not installed.
    public static func find(_ name: String) -> String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        let folders = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/usr/local/sbin", "/usr/bin"]
        return folders.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }
}

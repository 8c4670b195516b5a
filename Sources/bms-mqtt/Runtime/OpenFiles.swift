import Glibc
import ServiceIO

/// The limit on the open files of this process.
enum OpenFiles {
    /// Number of files that the program needs for itself.
    private static let others = 32

    /// A number with its thing, like "1 pack" or "2 packs".
    static func count(_ number: Int, _ thing: String) -> String { "\(number) \(thing)\(number == 1 ? "" : "s")" }

    /// Raises the soft limit as far as needed; prints the remedy and returns `false` if the hard limit is too low.
    static func allow(_ count: Int, _ what: String) -> Bool {
        var limit = rlimit()
        let needed = rlim_t(count + others)
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < needed else {
            return true
        }
        guard limit.rlim_max >= needed else {
            Console.complain(
                "\(needed) open files are needed for \(what), and the hard limit is \(limit.rlim_max): raise it (ulimit -Hn as root, "
                    + "LimitNOFILE= of a service), or take fewer packs")
            return false
        }
        limit.rlim_cur = needed
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            Console.complain("cannot allow \(needed) open files: \(Console.reason(errno)); take fewer packs")
            return false
        }
        return true
    }
}

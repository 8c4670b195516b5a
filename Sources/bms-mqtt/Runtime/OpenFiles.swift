import Glibc

/// How many files this process may have open.
enum OpenFiles {
    /// What a program has open anyhow.
    private static let others = 32

    /// "1 pack", "2 packs".
    static func count(_ number: Int, _ thing: String) -> String { "\(number) \(thing)\(number == 1 ? "" : "s")" }

    /// Raises the soft limit as far as that takes; `false`, with the way out said, where the hard limit stands in the way.
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

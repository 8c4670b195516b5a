import Glibc

/// Knowledge of the system about a file or a directory, as far as secrets care.
package struct FileStatus: Sendable {
    /// Kind and permissions.
    private let mode: UInt32
    private let owner: UInt32
    private let group: UInt32
    package let size: Int

    /// Of an open file.
    package init?(_ descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    /// Of what a path leads to, symbolic links followed.
    package init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    /// Of a path itself, also where that is a symbolic link.
    package init?(link path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        mode = status.st_mode
        owner = status.st_uid
        group = status.st_gid
        size = status.st_size
    }

    package var isRegular: Bool { mode & S_IFMT == S_IFREG }
    package var isLink: Bool { mode & S_IFMT == S_IFLNK }

    /// Kind of the thing that stands where a file is expected.
    package var kind: String {
        switch mode & S_IFMT {
        case S_IFREG: "a file"
        case S_IFDIR: "a directory"
        case S_IFIFO: "a pipe"
        case S_IFSOCK: "a socket"
        case S_IFLNK: "a link"
        default: "a device"
        }
    }

    /// Everybody on this machine may change it.
    package var isWorldWritable: Bool { mode & 0o002 != 0 }

    /// A directory in which everybody may replace a file of somebody else.
    package var allowsReplacing: Bool { isWorldWritable && mode & 0o1000 == 0 }

    /// Advice about a secret that others may read or change; `nil`: nothing. A group of its own is no fault: so a service
    /// reads a file of root.
    package func remedy(_ path: String) -> String? {
        let isOurs = owner == geteuid() && group == getegid()
        guard mode & (isOurs ? 0o077 : 0o007) != 0 else { return nil }
        return "others on this machine can read or change \(path): chmod \(isOurs ? "600" : "640") \(path)"
    }
}

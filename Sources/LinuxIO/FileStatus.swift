import Glibc

/// The system's record of a file or a directory, as far as it matters for secrets.
package struct FileStatus: Sendable {
    /// Kind and permissions.
    private let mode: UInt32
    private let owner: UInt32
    private let group: UInt32
    package let size: Int

    /// Creates the record of an open file.
    package init?(_ descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    /// Creates the record of the file that a path leads to, with symbolic links followed.
    package init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    /// Creates the record of the path itself, even where it is a symbolic link.
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

    /// The kind of object found where a file is expected.
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

    /// True when everybody on this machine may change the file or directory.
    package var isWorldWritable: Bool { mode & 0o002 != 0 }

    /// True for a directory in which everybody may replace somebody else's file.
    package var allowsReplacing: Bool { isWorldWritable && mode & 0o1000 == 0 }

    /// Advice about a secret that others may read or change; `nil` where the secret is safe. Group permissions are no fault where owner or
    /// group are not this process's own: that is how a service reads root's file.
    package func remedy(_ path: String) -> String? {
        let isOurs = owner == geteuid() && group == getegid()
        guard mode & (isOurs ? 0o077 : 0o007) != 0 else { return nil }
        return "others on this machine can read or change \(path): chmod \(isOurs ? "600" : "640") \(path)"
    }
}

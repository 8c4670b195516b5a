import CLinux
import Glibc

/// What the system knows of a file or a directory, as far as secrets care.
struct FileStatus: Sendable {
    /// Kind and permissions.
    private let mode: UInt32
    private let owner: UInt32
    private let group: UInt32
    let size: Int

    /// Of an open file.
    init?(_ descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    /// Of what a path leads to, symbolic links followed.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        mode = status.st_mode
        owner = status.st_uid
        group = status.st_gid
        size = status.st_size
    }

    var isRegular: Bool { mode & S_IFMT == S_IFREG }

    /// What stands where a file is expected.
    var kind: String {
        switch mode & S_IFMT {
        case S_IFREG: "a file"
        case S_IFDIR: "a directory"
        case S_IFIFO: "a pipe"
        case S_IFSOCK: "a socket"
        default: "a device"
        }
    }

    /// Everybody on this machine may change it.
    var isWorldWritable: Bool { mode & 0o002 != 0 }

    /// A directory in which everybody may replace a file of somebody else.
    var allowsReplacing: Bool { isWorldWritable && mode & 0o1000 == 0 }

    /// What to do about a secret that others may read or change; `nil`: nothing. A group of its own is no fault: so a service
    /// reads a file of root.
    func remedy(_ path: String) -> String? {
        let isOurs = owner == geteuid() && group == getegid()
        guard mode & (isOurs ? 0o077 : 0o007) != 0 else { return nil }
        return "others on this machine can read or change \(path): chmod \(isOurs ? "600" : "640") \(path)"
    }
}

/// Opens files that must be files: no pipe that never answers, no device.
enum RegularFile {
    /// The whole of a small file; a sentence where that cannot be.
    static func read(_ path: String, upTo longest: Int) -> Result<(bytes: [UInt8], status: FileStatus), ReadFailure> {
        // A pipe without a writer would hold the opener for ever.
        let descriptor = clinux_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0)
        guard descriptor >= 0 else {
            return .failure(ReadFailure(text: "cannot read \(path): \(Console.reason(errno))"))
        }
        defer { close(descriptor) }
        guard let status = FileStatus(descriptor), status.isRegular else {
            let kind = FileStatus(descriptor)?.kind ?? "nothing known"
            return .failure(ReadFailure(text: "cannot read \(path): it is \(kind), a regular file is needed"))
        }
        var bytes: [UInt8] = []
        while bytes.count <= longest, let chunk = ChunkReader.read(descriptor) { bytes += chunk }
        guard bytes.count <= longest else {
            return .failure(ReadFailure(text: "cannot read \(path): it is larger than \(longest) bytes"))
        }
        return .success((bytes, status))
    }
}

import CLinux
import Glibc
import LinuxIO
import ServiceIO

/// One file that is replaced as a whole: a power cut leaves the old or the new one.
enum StateFile {
    /// Replaces a file; returns a sentence if that failed.
    static func replace(_ path: String, with document: [UInt8]) -> String? {
        let new = path + ".new"
        return RegularFile.obstacle(path) ?? write(document, new, isOnDisk: true) ?? move(new, to: path)
    }

    /// Moves a new file to the place of an old one, which may be a regular file only; returns a sentence if that failed.
    static func move(_ new: String, to path: String) -> String? {
        if let obstacle = RegularFile.obstacle(path) {
            unlink(new)
            return obstacle
        }
        guard rename(new, path) != 0 else { return nil }
        let reason = Console.reason(errno)
        unlink(new)
        return "cannot write \(path): \(reason)"
    }

    /// Writes a new file; returns a sentence if that failed.
    ///
    /// - Parameter isOnDisk: the file is on the disk when this returns.
    static func write(_ document: [UInt8], _ path: String, isOnDisk: Bool) -> String? {
        // The file is a new one each time, so that no existing file or link is written to.
        unlink(path)
        let descriptor = clinux_open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return "cannot write \(path): \(Console.reason(errno))" }
        defer { close(descriptor) }
        guard Console.write(document, to: descriptor), !isOnDisk || fsync(descriptor) == 0 else {
            let reason = Console.reason(errno)
            unlink(path)
            return "cannot write \(path): \(reason)"
        }
        return nil
    }

    /// Renames a file that cannot be used, so that the next write does not destroy it.
    ///
    /// - Returns: the beginning of a complaint about the file.
    static func setAside(_ path: String) -> String {
        let aside = path + ".bad"
        let isAside = rename(path, aside) == 0
        return "\(path) is damaged or of a newer version" + (isAside ? " (kept as \(aside))" : "")
    }
}

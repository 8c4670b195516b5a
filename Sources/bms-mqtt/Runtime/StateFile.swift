import CLinux
import Glibc
import LinuxIO

/// One file that is replaced as a whole: a power cut leaves the old or the new one.
enum StateFile {
    /// Replaces a file; a sentence where that failed.
    static func replace(_ path: String, with document: [UInt8]) -> String? {
        let new = path + ".new"
        return RegularFile.obstacle(path) ?? write(document, new, isOnDisk: true) ?? move(new, to: path)
    }

    /// Puts a new file in the place of an old one, and of nothing but a file; a sentence where that failed.
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

    /// Writes a file anew; a sentence where that failed.
    ///
    /// - Parameter isOnDisk: it is on the disk when this returns.
    static func write(_ document: [UInt8], _ path: String, isOnDisk: Bool) -> String? {
        // Made anew each time: nothing that lies there already, a link least of all, is written to.
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

    /// Keeps a file that cannot be understood beside the new one.
    ///
    /// - Returns: the sentence for it, without its end.
    static func setAside(_ path: String) -> String {
        let aside = path + ".bad"
        let isAside = rename(path, aside) == 0
        return "\(path) is damaged or of a newer version" + (isAside ? " (kept as \(aside))" : "")
    }
}

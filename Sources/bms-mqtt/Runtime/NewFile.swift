import CLinux
import Glibc
import LinuxIO

/// Writes a file that people keep: whole or not at all, with the old one beside it.
enum NewFile {
    /// Writes a text. An existing file keeps its owner and mode for the new one, and stays as `PATH.old`; a new one is readable by its
    /// owner alone.
    ///
    /// - Returns: the reason of a failure; `nil`: it is written.
    static func write(_ text: String, to path: String) -> String? {
        let temporary = "\(path).new"
        unlink(temporary)
        let descriptor = clinux_open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return Console.reason(errno) }
        var old = stat()
        let exists = stat(path, &old) == 0
        if exists {
            _ = fchown(descriptor, old.st_uid, old.st_gid)
            fchmod(descriptor, old.st_mode & 0o777)
        }
        let isWritten = Console.write(text, to: descriptor) && fsync(descriptor) == 0
        let number = errno
        close(descriptor)
        guard isWritten else {
            unlink(temporary)
            return Console.reason(number)
        }
        if exists, rename(path, "\(path).old") != 0 {
            let number = errno
            unlink(temporary)
            return Console.reason(number)
        }
        guard rename(temporary, path) == 0 else {
            let number = errno
            unlink(temporary)
            return Console.reason(number)
        }
        return nil
    }
}

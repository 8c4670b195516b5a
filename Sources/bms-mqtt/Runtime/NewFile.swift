import CLinux
import Glibc
import LinuxIO
import ServiceIO

/// Writes a file that people keep: whole or not at all, with the old one beside it.
enum NewFile {
    /// Most old files beside a new one.
    private static let mostOld = 100

    /// Writes a text. An old file stays under the name that is returned, and gives the new one its owner and its mode, but no right for
    /// others. A new file is readable by its owner alone.
    ///
    /// - Returns: the name of the old file, or `nil` where there was none.
    /// - Throws: the reason why nothing was written; an existing file is as it was.
    static func write(_ text: String, to path: String) throws(StartFailure) -> String? {
        var old = stat()
        let exists = lstat(path, &old) == 0
        guard !exists || old.st_mode & S_IFMT == S_IFREG else {
            throw StartFailure(text: "it exists and is no regular file")
        }
        var name = Array("\(path).XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        guard descriptor >= 0 else { throw StartFailure(text: Console.reason(errno)) }
        let temporary = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        func fail(_ number: Int32) -> StartFailure {
            unlink(temporary)
            return StartFailure(text: Console.reason(number))
        }
        // A group may read the file only if it is the group of the old one.
        if exists, fchown(descriptor, old.st_uid, old.st_gid) == 0 { fchmod(descriptor, old.st_mode & 0o770) }
        let isWritten = Console.write(text, to: descriptor) && fsync(descriptor) == 0
        let number = errno
        close(descriptor)
        guard isWritten else { throw fail(number) }
        let kept = exists ? keep(path) : nil
        guard !exists || kept != nil else { throw fail(errno) }
        guard rename(temporary, path) == 0 else { throw fail(errno) }
        return kept
    }

    /// Gives a file a second name that is free: PATH.old, PATH.old.1 and so on.
    private static func keep(_ path: String) -> String? {
        for number in 0..<mostOld {
            let name = "\(path).old" + (number == 0 ? "" : ".\(number)")
            if link(path, name) == 0 { return name }
            guard errno == EEXIST else { return nil }
        }
        return nil
    }
}

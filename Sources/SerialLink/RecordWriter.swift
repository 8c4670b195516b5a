import CLinux
import Glibc

/// Writes a recording: each read is one write, so that a kill loses nothing; bounded in size.
public final class RecordWriter {
    /// Default bound, bytes: about ten days of one BMS.
    public static let defaultLimit = 100 << 20

    private let path: String
    private let limit: Int
    private let descriptor: Int32
    private var written = 0
    private var start: Int64?

    /// Begins a new file.
    ///
    /// - Throws: when the file exists already, or cannot be written.
    public init(path: String, limit: Int = RecordWriter.defaultLimit) throws(SerialError) {
        self.path = path
        self.limit = limit
        descriptor = clinux_open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw errno == EEXIST
                ? SerialError(.open, path, number: EEXIST, "exists already: recordings are not overwritten")
                : .system(.open, path, errno, of: .file)
        }
        try put(RecordFormat.header + "\n")
    }

    deinit { close(descriptor) }

    /// Adds a read.
    ///
    /// - Parameter milliseconds: time by a clock that does not jump; the first read has time 0 in the file.
    /// - Throws: when the disk is full or the size bound is reached.
    public func append(_ bytes: [UInt8], milliseconds: Int64) throws(SerialError) {
        let begin = start ?? milliseconds
        start = begin
        try put(RecordFormat.line(milliseconds: max(0, milliseconds - begin), bytes))
    }

    private func put(_ text: String) throws(SerialError) {
        let bytes = Array(text.utf8)
        guard written + bytes.count <= limit else {
            throw SerialError(.write, path, "the recording has reached its bound of \(limit >> 20) MiB")
        }
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw .system(.write, path, errno, of: .file) }
            sent += count
        }
        written += bytes.count
    }
}

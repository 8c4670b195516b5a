import Glibc

/// A file in memory, for commands that read and write descriptors.
public struct MemoryFile: ~Copyable {
    /// Descriptor that is open for reading and writing.
    public let descriptor: Int32

    /// A file with the given bytes, to be read from the start.
    public init(_ bytes: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)) {
        var name = Array("/dev/shm/fuzz-XXXXXX".utf8CString)
        descriptor = mkstemp(&name)
        unlink(name)
        Invariant.hold(descriptor >= 0 && write(descriptor, bytes.baseAddress, bytes.count) == bytes.count, "no file")
        lseek(descriptor, 0, SEEK_SET)
    }

    /// A path that opens the file once more.
    public var path: String { "/proc/self/fd/\(descriptor)" }

    /// All bytes of the file.
    public func contents() -> [UInt8] {
        let length = Int(lseek(descriptor, 0, SEEK_END))
        lseek(descriptor, 0, SEEK_SET)
        return [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            count = max(0, read(descriptor, buffer.baseAddress, length))
        }
    }

    deinit { close(descriptor) }
}

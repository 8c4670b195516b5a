import CLinux
import Glibc

/// A file could not be opened or read: one sentence.
package struct ReadFailure: Error, Hashable, Sendable {
    package var text: String
    /// The same without the path.
    package var reason: String

    package init(text: String) { (self.text, reason) = (text, text) }

    package init(_ path: String, _ reason: String) {
        text = "cannot read \(path): \(reason)"
        self.reason = reason
    }
}

/// Opens files that must be files: no pipe that never answers, no device, no folder. The one way to open a path that somebody named.
package enum RegularFile {
    /// Opens for reading. The caller closes.
    ///
    /// - Parameter takesDescriptors: a path of a descriptor that the program was started with, `/dev/stdin` or what a shell puts for
    ///   `<(...)`, may be a pipe: somebody has its other end in hand.
    package static func open(_ path: String, takesDescriptors: Bool = false) -> Result<Int32, ReadFailure> {
        func failure(_ text: String) -> Result<Int32, ReadFailure> {
            .failure(ReadFailure(path, text))
        }
        guard !path.isEmpty else { return failure("the name is empty") }
        let isHandedOver = takesDescriptors && isDescriptor(path)
        // Looked at before it is opened, for to open is to act with some devices.
        guard let status = FileStatus(path: path) else {
            let number = errno
            if number == ENOENT, FileStatus(link: path)?.isLink == true {
                return failure("it is a link to something that does not exist")
            }
            return failure(String(cString: strerror(number)))
        }
        guard status.isRegular || isHandedOver else { return failure("it is \(status.kind), a regular file is needed") }
        // A pipe without a writer would hold the opener for ever.
        let descriptor = clinux_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return failure(String(cString: strerror(errno))) }
        if !isHandedOver, FileStatus(descriptor)?.isRegular != true {
            close(descriptor)
            return failure("it is no regular file")
        }
        // Readers wait for what is not there yet.
        if isHandedOver { _ = clinux_fcntl(descriptor, F_SETFL, 0) }
        return .success(descriptor)
    }

    /// The whole of a small file; a sentence where that cannot be.
    package static func read(
        _ path: String, upTo longest: Int
    ) -> Result<(bytes: [UInt8], status: FileStatus), ReadFailure> {
        switch open(path) {
        case .failure(let failure): return .failure(failure)
        case .success(let descriptor):
            defer { close(descriptor) }
            func failure(_ text: String) -> Result<(bytes: [UInt8], status: FileStatus), ReadFailure> {
                .failure(ReadFailure(path, text))
            }
            guard let status = FileStatus(descriptor) else { return failure(String(cString: strerror(errno))) }
            var bytes: [UInt8] = []
            do {
                while bytes.count <= longest, let chunk = try ChunkReader.read(descriptor) { bytes += chunk }
            } catch {
                return failure(error.reason)
            }
            guard bytes.count <= longest else { return failure("it is larger than \(longest) bytes") }
            if let reason = ChunkReader.change(descriptor) { return failure(reason) }
            return .success((bytes, status))
        }
    }

    /// Why a file must not be put in the place of what a path names; `nil`: nothing is there, or a file, or a link, which is replaced.
    package static func obstacle(_ path: String) -> String? {
        guard let status = FileStatus(link: path), !status.isRegular, !status.isLink else { return nil }
        return "cannot write \(path): it is \(status.kind), a regular file is needed"
    }

    private static func isDescriptor(_ path: String) -> Bool {
        path == "/dev/stdin" || path.hasPrefix("/dev/fd/") || path.hasPrefix("/proc/self/fd/")
    }
}

/// Chunks of a descriptor.
package enum ChunkReader {
    /// The next bytes; `nil` at the end.
    package static func read(_ descriptor: Int32, upTo count: Int = 65_536) throws(ReadFailure) -> [UInt8]? {
        while true {
            var result = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
                result = Glibc.read(descriptor, buffer.baseAddress, count)
                initialized = max(0, result)
            }
            if result > 0 { return bytes }
            if result == 0 { return nil }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                // Whoever started this program left its standard input so.
                var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                poll(&entry, 1, -1)
            default: throw ReadFailure(text: String(cString: strerror(errno)))
            }
        }
    }

    /// Why what was read to the end is not the whole of a file; `nil`: it is, or it is no file with a size.
    package static func change(_ descriptor: Int32) -> String? {
        guard let status = FileStatus(descriptor), status.isRegular, status.size > 0,
            lseek(descriptor, 0, SEEK_CUR) != status.size
        else { return nil }
        return "it was written to while it was read; write it to another name first, and rename that"
    }

    /// Opens a file for reading, "-" is standard input; a sentence where it cannot.
    package static func open(_ path: String) -> Result<Int32, ReadFailure> {
        path == "-" ? .success(STDIN_FILENO) : RegularFile.open(path, takesDescriptors: true)
    }
}

import CLinux
import Glibc

/// The reason why a file could not be opened or read, as one sentence.
package struct ReadFailure: Error, Hashable, Sendable {
    package var text: String
    /// The reason without the path.
    package var reason: String

    package init(text: String) { (self.text, reason) = (text, text) }

    package init(_ path: String, _ reason: String) {
        text = "cannot read \(path): \(reason)"
        self.reason = reason
    }
}

/// Opens files that must be files: no pipe that never answers, no device, no folder. Every path that somebody named is opened here.
package enum RegularFile {
    /// Opens a file for reading. The caller closes it.
    ///
    /// - Parameter takesDescriptors: true allows a pipe where the path is a descriptor that the program was started with, such as
    ///   `/dev/stdin` or what a shell puts for `<(...)`: somebody holds the other end of that pipe.
    package static func open(_ path: String, takesDescriptors: Bool = false) -> Result<Int32, ReadFailure> {
        func failure(_ text: String) -> Result<Int32, ReadFailure> {
            .failure(ReadFailure(path, text))
        }
        guard !path.isEmpty else { return failure("the name is empty") }
        let isHandedOver = takesDescriptors && isDescriptor(path)
        // The file is checked before it is opened: opening some devices has an effect.
        guard let status = FileStatus(path: path) else {
            let number = errno
            if number == ENOENT, FileStatus(link: path)?.isLink == true {
                return failure("it is a link to something that does not exist")
            }
            return failure(String(cString: strerror(number)))
        }
        guard status.isRegular || isHandedOver else { return failure("it is \(status.kind), a regular file is needed") }
        // A pipe without a writer would block the caller forever.
        let descriptor = clinux_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0)
        guard descriptor >= 0 else { return failure(String(cString: strerror(errno))) }
        if !isHandedOver, FileStatus(descriptor)?.isRegular != true {
            close(descriptor)
            return failure("it is no regular file")
        }
        // Readers of a handed-over descriptor wait for data that is not there yet.
        if isHandedOver { _ = clinux_fcntl(descriptor, F_SETFL, 0) }
        return .success(descriptor)
    }

    /// The content of a small file, or a sentence that says why it cannot be read.
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

    /// The reason why a file must not be written at a path; `nil` where there is nothing, or a file or a link, which is replaced.
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
                // The process that started this program made its standard input non-blocking.
                var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                poll(&entry, 1, -1)
            default: throw ReadFailure(text: String(cString: strerror(errno)))
            }
        }
    }

    /// The reason why the bytes read to the end are not the whole of a file; `nil` where they are, or where the descriptor has no size.
    package static func change(_ descriptor: Int32) -> String? {
        guard let status = FileStatus(descriptor), status.isRegular, status.size > 0,
            lseek(descriptor, 0, SEEK_CUR) != status.size
        else { return nil }
        return "it was written to while it was read; write it to another name first, and rename that"
    }

    /// Opens a file for reading, where "-" is standard input; the failure is a sentence.
    package static func open(_ path: String) -> Result<Int32, ReadFailure> {
        path == "-" ? .success(STDIN_FILENO) : RegularFile.open(path, takesDescriptors: true)
    }
}

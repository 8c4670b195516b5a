import CLinux
import Glibc
import ServiceIO

/// A pseudo terminal that a bridge reads as the vendor's cable, with a symbolic link to it where one is wanted.
final class FakeCable {
    /// Address of the terminal, as `source` of a configuration.
    let source: String
    private let primary: Int32
    private let secondary: Int32
    private let link: String?

    /// Opens a pseudo terminal; prints the reason and returns `nil` if that fails.
    init?(link: String?) {
        var primary: Int32 = 0
        var secondary: Int32 = 0
        var name = [CChar](repeating: 0, count: 256)
        guard openpty(&primary, &secondary, &name, nil, nil) == 0 else {
            Console.complain("cannot make a pseudo terminal: \(Console.reason(errno))")
            return nil
        }
        var settings = termios()
        tcgetattr(secondary, &settings)
        cfmakeraw(&settings)
        tcsetattr(secondary, TCSANOW, &settings)
        // Without a reader a write that blocks would stop the simulation.
        _ = clinux_fcntl(primary, F_SETFL, O_NONBLOCK)
        let path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard link.map({ Self.replace($0, with: path) }) ?? true else {
            close(primary)
            close(secondary)
            return nil
        }
        (self.primary, self.secondary, self.link) = (primary, secondary, link)
        source = "serial:\(link.map(Self.absolute) ?? path)"
    }

    /// Returns an absolute path, because the configuration may be read in another directory.
    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        return String(cString: folder) + "/" + (path.hasPrefix("./") ? String(path.dropFirst(2)) : path)
    }

    deinit {
        if let link { unlink(link) }
        close(primary)
        close(secondary)
    }

    /// Sends bytes; unread bytes are dropped, because a cable has no memory.
    func send(_ bytes: [UInt8]) {
        if write(primary, bytes, bytes.count) < 0, errno == EAGAIN { tcflush(secondary, TCIFLUSH) }
    }

    /// Makes the symbolic link. A link of an earlier run is replaced; a file of another kind is left as it is.
    ///
    /// - Returns: `false`, after printing the reason, if the link could not be made.
    private static func replace(_ link: String, with path: String) -> Bool {
        var status = stat()
        if lstat(link, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFLNK else {
                Console.complain("\(link) exists and is not a symbolic link: choose another path")
                return false
            }
            unlink(link)
        }
        guard symlink(path, link) == 0 else {
            Console.complain("cannot make the link \(link): \(Console.reason(errno))")
            return false
        }
        return true
    }
}

/// A TCP port that sends the same bytes to every connected reader, to eight at most.
final class FrameServer {
    private static let mostReaders = 8
    /// Bytes that the kernel keeps for a reader that stalls, about a minute of frames; the rest is lost, as on a cable.
    private static let mostUnread: Int32 = 8_192
    /// Address of the port, as `source` of a configuration.
    let source: String
    private let listener: Int32
    private var readers: [Int32] = []

    /// Opens the port; prints the reason and returns `nil` if that fails.
    init?(port: Int) {
        source = "tcp:127.0.0.1:\(port)"
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard listener >= 0 else {
            Console.complain("cannot open a socket for 127.0.0.1:\(port): \(Console.reason(errno))")
            return nil
        }
        var one: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        guard Loopback.withAddress(port: port, { bind(listener, $0, $1) }) == 0, listen(listener, 4) == 0 else {
            Console.complain("cannot listen on 127.0.0.1:\(port): \(Console.reason(errno))")
            return nil
        }
    }

    deinit {
        for descriptor in readers + [listener] where descriptor >= 0 { close(descriptor) }
    }

    /// Accepts readers that wait, and sends the bytes to each reader that has room.
    func send(_ bytes: [UInt8]) {
        while readers.count < Self.mostReaders {
            let reader = accept(listener, nil, nil)
            guard reader >= 0 else { break }
            _ = clinux_fcntl(reader, F_SETFL, O_NONBLOCK)
            var room = Self.mostUnread
            setsockopt(reader, SOL_SOCKET, SO_SNDBUF, &room, socklen_t(MemoryLayout<Int32>.size))
            readers.append(reader)
        }
        readers.removeAll { reader in
            guard Glibc.send(reader, bytes, bytes.count, Int32(MSG_NOSIGNAL)) < 0, errno != EAGAIN else {
                return false
            }
            close(reader)
            return true
        }
    }
}

import CLinux
import Glibc
import LinuxIO

/// Keys of the live view.
enum Key: Hashable, Sendable {
    case quit
    case next
    case previous

    /// The keys in bytes of a terminal: q; tab, down, right, j; shift-tab, up, left, k.
    static func parse(_ bytes: [UInt8]) -> [Key] {
        var keys: [Key] = []
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "q"), UInt8(ascii: "Q"): keys.append(.quit)
            case UInt8(ascii: "\t"), UInt8(ascii: "j"): keys.append(.next)
            case UInt8(ascii: "k"): keys.append(.previous)
            case 0x1B:
                guard rest.first == UInt8(ascii: "[") || rest.first == UInt8(ascii: "O") else { break }
                rest = rest.dropFirst()
                switch rest.popFirst() {
                case UInt8(ascii: "B"), UInt8(ascii: "C"): keys.append(.next)
                case UInt8(ascii: "A"), UInt8(ascii: "D"), UInt8(ascii: "Z"): keys.append(.previous)
                default: break
                }
            default: break
            }
        }
        return keys
    }
}

/// The keyboard of a terminal on standard input, without echo and without waiting for the end of a line.
final class Keyboard: Sendable {
    private let before: termios

    /// Prepares the terminal; `nil` where standard input is none.
    init?() {
        var settings = termios()
        guard isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        before = settings
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }

    /// Keys that were pressed since the last call.
    func pressed() -> [Key] {
        var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, 0) > 0, entry.revents & Int16(POLLIN) != 0 else { return [] }
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = read(STDIN_FILENO, &buffer, buffer.count)
        return count > 0 ? Key.parse(Array(buffer[..<count])) : []
    }

    /// Puts the terminal back as it was.
    func release() {
        var settings = before
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }
}

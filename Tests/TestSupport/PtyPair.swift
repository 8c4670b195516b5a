import CLinux
public import Glibc

/// A pseudo terminal: bytes written to the primary side are read from the other, as from a serial port.
public final class PtyPair {
    /// Path of the side that is opened as a serial port.
    public let path: String
    /// The sender's side; -1 after the cable was pulled.
    public private(set) var primary: Int32 = -1
    /// The reader's side.
    public private(set) var secondary: Int32 = -1

    /// Opens a raw pair, as of a serial port, or one that edits lines and echoes them, as of a person's terminal.
    public init(isRaw: Bool = true) {
        var name = [CChar](repeating: 0, count: 256)
        openpty(&primary, &secondary, &name, nil, nil)
        path = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard isRaw else { return }
        var settings = termios()
        tcgetattr(secondary, &settings)
        cfmakeraw(&settings)
        tcsetattr(secondary, TCSANOW, &settings)
    }

    deinit { hangUp() }

    /// Sends bytes to the reader.
    public func write(_ bytes: [UInt8]) { _ = Glibc.write(primary, bytes, bytes.count) }

    /// What the reader's side has sent or echoed, without waiting.
    public func read() -> [UInt8] {
        var entry = pollfd(fd: primary, events: Int16(POLLIN), revents: 0)
        var bytes: [UInt8] = []
        while poll(&entry, 1, 0) > 0 {
            var buffer = [UInt8](repeating: 0, count: 4_096)
            let count = Glibc.read(primary, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return bytes
    }

    /// Pulls the cable.
    public func hangUp() {
        for descriptor in [primary, secondary] where descriptor >= 0 { close(descriptor) }
        primary = -1
        secondary = -1
    }

    /// Settings of the line, as the reader has made them.
    public var settings: termios {
        var settings = termios()
        tcgetattr(primary, &settings)
        return settings
    }
}

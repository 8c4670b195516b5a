import CLinux
import Glibc

/// A serial port with 8 data bits, no parity and 1 stop bit, for this process alone.
package enum SerialPort {
    /// What a port is opened for.
    package enum Use: Sendable {
        /// Reading a BMS, 9600 baud.
        case bms
        /// Reading and writing at an adapter; those at USB take any rate, and this one is common among the others.
        case adapter

        fileprivate var access: Int32 { self == .bms ? O_RDONLY : O_RDWR }
        fileprivate var rate: Int32 { self == .bms ? B9600 : B115200 }
        fileprivate var target: SerialError.Target { self == .bms ? .port : .adapter }
    }

    /// Opens a port that does not block.
    package static func open(_ path: String, for use: Use = .bms) throws(SerialError) -> Int32 {
        // Without O_NONBLOCK an open may wait for a carrier that never comes.
        let descriptor = clinux_open(path, use.access | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw .system(.open, path, errno, of: use.target) }
        do throws(SerialError) {
            try claim(descriptor, path, use)
            try configure(descriptor, path, use)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Closes a port, or any other source, after lifting TIOCEXCL: a pseudo terminal whose other end stays open would keep everybody out.
    package static func close(_ descriptor: Int32) {
        _ = clinux_shared(descriptor)
        Glibc.close(descriptor)
    }

    /// Claims the port, because two readers would each get half of every frame. TIOCEXCL keeps out later opens, except root's; the lock
    /// keeps out a second bridge, root's as well.
    private static func claim(_ descriptor: Int32, _ path: String, _ use: Use) throws(SerialError) {
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .system(.open, path, errno, of: use.target) }
        guard clinux_exclusive(descriptor) == 0 else { throw .system(.configure, path, errno, of: use.target) }
    }

    private static func configure(_ descriptor: Int32, _ path: String, _ use: Use) throws(SerialError) {
        var settings = termios()
        guard tcgetattr(descriptor, &settings) == 0 else { throw .system(.configure, path, errno, of: use.target) }
        cfmakeraw(&settings)
        settings.c_cflag &= ~(tcflag_t(CSTOPB) | tcflag_t(PARENB) | tcflag_t(clinux_crtscts()))
        settings.c_cflag |= tcflag_t(CS8) | tcflag_t(CREAD) | tcflag_t(CLOCAL)
        settings.c_iflag &= ~(tcflag_t(IXON) | tcflag_t(IXOFF) | tcflag_t(IXANY))
        cfsetispeed(&settings, speed_t(use.rate))
        cfsetospeed(&settings, speed_t(use.rate))
        guard tcsetattr(descriptor, TCSANOW, &settings) == 0 else {
            throw .system(.configure, path, errno, of: use.target)
        }
        // Bytes in the driver's buffer are of unknown age.
        tcflush(descriptor, TCIFLUSH)
    }
}

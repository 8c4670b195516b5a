import Glibc

/// Why a source gives no bytes: which, what happened, what to do.
public struct SerialError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was being done.
    public enum Operation: String, Sendable {
        /// Looking for the cable.
        case find
        /// Opening the port, the connection or the file.
        case open
        /// Setting 9600 baud, 8N1.
        case configure
        /// Reading.
        case read
        /// Writing a recording.
        case write
    }

    /// What was being done.
    public var operation: Operation
    /// Port, host or file.
    public var target: String
    /// Error number of the system; 0 where there is none.
    public var number: Int32
    /// One sentence.
    public var description: String

    init(_ operation: Operation, _ target: String, number: Int32 = 0, _ text: String) {
        self.operation = operation
        self.target = target
        self.number = number
        description = "\(target): \(text)"
    }

    /// A system call failed.
    static func system(_ operation: Operation, _ target: String, _ number: Int32) -> SerialError {
        let remedy =
            switch number {
            case ENOENT, ENODEV, ENXIO: "is the cable plugged in?"
            case EACCES, EPERM: "add this user to the group dialout, or check the file's permissions"
            case EBUSY, EWOULDBLOCK: "another program holds it: stop it ('fuser -v \(target)' tells which)"
            case ENOTTY, EINVAL: "that is no serial port"
            case EISDIR: "that is a directory"
            case ENOSPC: "the disk is full"
            case EFBIG: "files may not become so large here: raise the limit (ulimit -f, LimitFSIZE= of a service)"
            case ECONNREFUSED: "nobody listens there: is ser2net running?"
            case ETIMEDOUT, EHOSTUNREACH, ENETUNREACH: "check the address and the network"
            default: "see the system's log"
            }
        return SerialError(
            operation, target, number: number,
            "cannot \(operation.rawValue): \(String(cString: strerror(number))); \(remedy)")
    }
}

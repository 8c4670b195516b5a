import Glibc

/// The reason why a source gives no bytes: which source, what happened, and what to do.
public struct SerialError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The operation that failed.
    public enum Operation: String, Sendable {
        /// Looking for the cable.
        case find
        /// Opening the port, the connection or the file.
        case open
        /// Setting rate and format.
        case configure
        /// Reading.
        case read
        /// Writing a recording, or to an adapter.
        case write
    }

    /// The operation that failed.
    public var operation: Operation
    /// Port, host or file.
    public var target: String
    /// Error number of the system; 0 where there is none.
    public var number: Int32
    /// The error as one sentence.
    public var description: String

    init(_ operation: Operation, _ target: String, number: Int32 = 0, _ text: String) {
        self.operation = operation
        self.target = target
        self.number = number
        description = "\(target): \(text)"
    }

    /// The kind of a target: the same error number has another cause for each kind.
    package enum Target: Sendable, CaseIterable {
        case port
        case adapter
        case host
        case file
    }

    /// The error of a failed system call.
    package static func system(_ operation: Operation, _ target: String, _ number: Int32, of kind: Target = .port)
        -> SerialError
    {
        SerialError(
            operation, target, number: number,
            "cannot \(operation.rawValue): \(String(cString: strerror(number))); \(remedy(number, target, kind))")
    }

    private static func remedy(_ number: Int32, _ target: String, _ kind: Target) -> String {
        switch (number, kind) {
        case (ENOENT, .file): "check the path"
        case (ENOENT, .adapter), (ENODEV, .adapter), (ENXIO, .adapter), (EIO, .adapter): "is the adapter plugged in?"
        case (ENOENT, _), (ENODEV, _), (ENXIO, _), (EIO, .port): "is the cable plugged in?"
        case (EACCES, .port), (EPERM, .port), (EACCES, .adapter), (EPERM, .adapter):
            "add this user to the group dialout, or check the port's permissions"
        case (EACCES, .host), (EPERM, .host): "a firewall of this machine forbids it"
        case (EACCES, .file), (EPERM, .file): "check the permissions of the file and its folder"
        case (EBUSY, _), (EWOULDBLOCK, _):
            "another program holds it: bms-mqtt itself perhaps, if it runs already; else 'sudo fuser -v \(target)' (package psmisc) tells which"
        case (ENOTTY, _), (EINVAL, _): "that is no serial port"
        case (EISDIR, _): "that is a directory"
        case (ENOSPC, _), (EDQUOT, _): "the disk, or this user's share of it, is full"
        case (EFBIG, _):
            "files may not become so large here: raise the limit (ulimit -f, LimitFSIZE= of a service)"
        case (EROFS, _): "the disk may only be read"
        case (EMFILE, _), (ENFILE, _): "too many files are open: raise the limit (systemd: LimitNOFILE)"
        case (ECONNREFUSED, _): "nobody listens there: is ser2net running?"
        case (ECONNRESET, _), (EPIPE, _): "the other side ended the connection: was the serial server restarted?"
        case (ETIMEDOUT, _), (EHOSTUNREACH, _), (ENETUNREACH, _): "check the address and the network"
        default: "see the system's log"
        }
    }
}

import CANFrames
import Glibc
import SerialLink

/// An open CAN bus. It belongs to one thread, and nothing in it blocks.
protocol CANDoor: AnyObject {
    /// Readable when something was heard or the bus is lost.
    var descriptor: Int32 { get }

    /// Hands a frame over.
    ///
    /// - Parameter isAttempt: the bus took no frames. Whatever holds frames back is emptied before, as far as that is possible.
    /// - Returns: `false` where there is no room for it: it is lost, because a later one will be newer.
    func send(_ frame: CANFrame, isAttempt: Bool) throws(CANFault) -> Bool
    /// News that come with time.
    ///
    /// - Parameter now: seconds of a monotonic clock.
    func tick(at now: Double) -> [BusEvent]
    /// The news that were heard.
    func receive() throws(CANFault) -> [BusEvent]
    /// Closes the bus; to be called once.
    func close()
}

/// The reason why a bus is closed: what happened, and what to do.
struct CANFault: Error, Hashable, Sendable {
    /// A sentence without its full stop.
    var text: String
}

extension CANAddress {
    /// The reason why the bus cannot be opened now, as a sentence without its full stop; `nil`: nothing is known against it. An adapter is
    /// not opened, because a running bridge may have it.
    public var obstacle: String? {
        switch self {
        case .interface(let name):
            do throws(CANFault) {
                try SocketCAN(name, .victron).close()
                return nil
            } catch {
                return error.text
            }
        case .adapter(let path):
            return access(path, R_OK | W_OK) == 0
                ? nil : SerialError.system(.open, path, errno, of: .adapter).description
        }
    }

    /// The bus tells which frames were acknowledged.
    var confirms: Bool { if case .interface = self { true } else { false } }

    /// Opens the bus for the frames of a protocol; may take some milliseconds.
    func open(_ kind: CANProtocol, at now: Double) throws(CANFault) -> any CANDoor {
        switch self {
        case .interface(let name): try SocketCAN(name, kind)
        case .adapter(let path): try SerialCAN(path, at: now)
        }
    }
}

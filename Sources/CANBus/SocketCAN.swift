import CANFrames
import CLinux
import Glibc

/// A CAN interface of the kernel. Its bit rate is the administrator's.
final class SocketCAN: CANDoor {
    /// Largest number of frames in one turn.
    private static let most = 64

    let descriptor: Int32
    private let name: String
    private var isNew = true

    init(_ name: String, _ kind: CANProtocol) throws(CANFault) {
        self.name = name
        let ids = kind.heardIDs
        descriptor = clinux_can_open(name, ids, Int32(ids.count))
        guard descriptor >= 0 else { throw Self.fault(name, errno) }
    }

    /// Frames in the queue of a controller are out of reach: ``CANSender`` sees to it that no limits wait there.
    func send(_ frame: CANFrame, isAttempt: Bool) throws(CANFault) -> Bool {
        while clinux_can_send(descriptor, frame.id, frame.data, Int32(frame.data.count)) != 0 {
            switch errno {
            case EINTR: continue
            // The interface's queue, or the socket's: nobody takes the frames.
            case ENOBUFS, EAGAIN: return false
            default: throw Self.fault(name, errno)
            }
        }
        return true
    }

    func tick(at now: Double) -> [BusEvent] {
        defer { isNew = false }
        return isNew ? [.opened] : []
    }

    func receive() throws(CANFault) -> [BusEvent] {
        var events: [BusEvent] = []
        var frame = clinux_can_frame()
        for _ in 0..<Self.most {
            let count = clinux_can_receive(descriptor, &frame)
            if count == 0 { continue }
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN { break }
                throw Self.fault(name, errno)
            }
            if let event = Self.event(frame) { events.append(event) }
        }
        return events
    }

    func close() { Glibc.close(descriptor) }

    private static func event(_ frame: clinux_can_frame) -> BusEvent? {
        let data = withUnsafeBytes(of: frame.data) { Array($0.prefix(Int(frame.length))) }
        guard frame.id & CAN_ERR_FLAG == 0 else { return event(error: frame.id, data) }
        if frame.is_own != 0 { return .confirmed }
        return CANFrame(id: UInt16(truncatingIfNeeded: frame.id & CAN_SFF_MASK), data: data).map { .frame($0) }
    }

    /// A message of the controller (linux/can/error.h).
    private static func event(error: UInt32, _ data: [UInt8]) -> BusEvent? {
        func has(_ bit: Int32) -> Bool { error & UInt32(bitPattern: bit) != 0 }
        if has(clinux_can_error_bus_off) { return .busOff }
        if has(clinux_can_error_restarted) { return .restarted }
        if has(clinux_can_error_ack) || has(clinux_can_error_timeout) { return .unacknowledged }
        let isPassive = data.count > 1 && data[1] & UInt8(clinux_can_error_passive) != 0
        return has(clinux_can_error_controller) && isPassive ? .unacknowledged : nil
    }

    private static func fault(_ name: String, _ number: Int32) -> CANFault {
        let remedy =
            switch number {
            case ENODEV, ENXIO:
                "there is no CAN interface of this name: is the adapter plugged in? 'ip link' lists them"
            case ENETDOWN:
                "the interface is down: sudo ip link set \(name) up type can bitrate 500000 restart-ms 100 (docs/can.md)"
            case EAFNOSUPPORT, EPROTONOSUPPORT:
                "this system has no CAN: its kernel lacks it, or a service or container forbids it; a serial adapter needs none "
                    + "(slcan:/dev/serial/by-id/...)"
            case EPERM, EACCES: "this system forbids it"
            case EMFILE, ENFILE: "too many files are open: raise the limit (systemd: LimitNOFILE)"
            default: String(cString: strerror(number))
            }
        return CANFault(text: remedy)
    }
}

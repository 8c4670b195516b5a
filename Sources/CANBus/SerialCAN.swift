import CANFrames
import CLinux
import Glibc
import LinuxIO
import SerialLink

/// A serial adapter that speaks SLCAN, at 500 kbit/s.
///
/// An adapter does not say which frames were acknowledged. Some say that their queue is full, and some say by their status flags that
/// nobody acknowledges. Then the channel is closed and opened again before each attempt.
///
/// A command is written when the one before has left this machine, and whole: what a driver holds back would be old when it arrives, and
/// some adapters send half a command as a frame.
final class SerialCAN: CANDoor {
    /// Seconds for the answers to the opening; frames wait for that long.
    private static let settling = 0.2
    /// Seconds between two questions for the status flags.
    private static let statusInterval = 1.0
    /// Seconds for which the adapter may take no byte.
    private static let patience = 3.0

    let descriptor: Int32
    private let path: String
    private var reader = SLCANReader()
    private var openedAt: Double?
    /// The adapter knows the question for status flags.
    private var hasStatus = false
    /// Time of the next question, and time until which a refusal says nothing about a frame, seconds.
    private var askAt: Double
    private var deafUntil: Double
    /// Bytes of the last command for which there was no room.
    private var rest: ArraySlice<UInt8> = []
    /// Time since which it takes no byte, seconds; `nil`: it takes them.
    private var stuckSince: Double?
    private var now: Double

    init(_ path: String, at now: Double) throws(CANFault) {
        self.path = path
        self.now = now
        do throws(SerialError) {
            descriptor = try SerialPort.open(path, for: .adapter)
        } catch {
            throw CANFault(text: error.description)
        }
        openedAt = now
        askAt = now + Self.statusInterval
        deafUntil = now + Self.settling
        do throws(CANFault) {
            _ = try write(SLCAN.open + SLCAN.status)
        } catch {
            SerialPort.close(descriptor)
            throw error
        }
    }

    func send(_ frame: CANFrame, isAttempt: Bool) throws(CANFault) -> Bool {
        // All in one: what follows a command at once would find it still on its way.
        var text = ""
        if hasStatus, now >= askAt {
            askAt = now + Self.statusInterval
            text += SLCAN.status
        }
        if isAttempt {
            deafUntil = now + Self.settling
            text += SLCAN.open
        }
        return try write(text + SLCAN.line(frame))
    }

    func tick(at now: Double) -> [BusEvent] {
        self.now = now
        guard let opened = openedAt, now >= opened + Self.settling else { return [] }
        openedAt = nil
        return [.opened]
    }

    func receive() throws(CANFault) -> [BusEvent] {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return [] }
        guard count > 0 else {
            throw count == 0 || errno == EIO
                ? CANFault(text: "\(path): it hung up: was the adapter pulled?")
                : CANFault(text: SerialError.system(.read, path, errno, of: .adapter).description)
        }
        return buffer[..<count].compactMap { byte in reader.take(byte).flatMap(event) }
    }

    func close() {
        _ = try? write(SLCAN.close)
        for _ in 0..<10 where clinux_waiting_output(descriptor) > 0 { _ = Poll.wait(for: -1, seconds: 0.005) }
        // The system's close would wait for half a minute for what the adapter does not take.
        if clinux_waiting_output(descriptor) > 0 { tcflush(descriptor, TCOFLUSH) }
        SerialPort.close(descriptor)
    }

    private func event(_ event: SLCANEvent) -> BusEvent? {
        switch event {
        case .frame(let frame): return .frame(frame)
        case .refused: return now < deafUntil ? nil : .refused
        case .flags(let flags):
            hasStatus = true
            return flags.isDisjoint(with: [.queueFull, .passive]) ? nil : .unacknowledged
        }
    }

    /// Writes a command.
    ///
    /// - Returns: `false` where there is no room for it, or the one before waits.
    private func write(_ text: String) throws(CANFault) -> Bool {
        guard clinux_waiting_output(descriptor) == 0, try writeRest() else {
            let since = stuckSince ?? now
            stuckSince = since
            guard now - since < Self.patience else {
                throw CANFault(text: "\(path): it takes no bytes: unplug the adapter, and plug it in again")
            }
            return false
        }
        stuckSince = nil
        rest = ArraySlice(text.utf8)
        _ = try writeRest()
        // Nothing of it went out: it is as if it had not been.
        if rest.count == text.utf8.count { rest = [] }
        return rest.isEmpty
    }

    /// - Returns: `false` where something is left.
    private func writeRest() throws(CANFault) -> Bool {
        guard !rest.isEmpty else { return true }
        let bytes = Array(rest)
        let count = Glibc.write(descriptor, bytes, bytes.count)
        if count < 0, errno != EAGAIN, errno != EINTR {
            throw errno == EIO
                ? CANFault(text: "\(path): it hung up: was the adapter pulled?")
                : CANFault(text: SerialError.system(.write, path, errno, of: .adapter).description)
        }
        rest = rest.dropFirst(max(0, count))
        return rest.isEmpty
    }
}

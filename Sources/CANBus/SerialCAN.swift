import CANFrames
import CLinux
import Glibc
import SerialLink

/// A serial adapter that speaks SLCAN, at 500 kbit/s.
///
/// An adapter does not say which frames were acknowledged. It says that its queue is full, and many say by their status flags that nobody
/// acknowledges. Then the channel is closed and opened again before each attempt, which empties the queue.
final class SerialCAN: CANDoor {
    /// Seconds for the answers to the opening; frames wait for that long.
    private static let settling = 0.2
    /// Seconds between two questions for the status flags.
    private static let statusInterval = 1.0
    /// Bytes that may wait to be sent: half a set of frames, 20 ms at 115,200 baud. More of them would be old when they arrive.
    private static let mostWaiting: Int32 = 256

    let descriptor: Int32
    private let path: String
    private var reader = SLCANReader()
    private var openedAt: Double?
    /// The adapter knows the question for status flags.
    private var hasStatus = false
    /// Time of the next question, and time until which a refusal says nothing about a frame, seconds.
    private var askAt: Double
    private var deafUntil: Double
    /// The last command is cut.
    private var isCut = false
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

    func send(_ frame: CANFrame) throws(CANFault) -> Bool {
        if clinux_waiting_output(descriptor) > Self.mostWaiting {
            discard()
            return false
        }
        return try write(SLCAN.line(frame))
    }

    func reset() throws(CANFault) {
        discard()
        deafUntil = now + Self.settling
        _ = try write(SLCAN.open)
    }

    func tick(at now: Double) throws(CANFault) -> [BusEvent] {
        self.now = now
        if let opened = openedAt, now >= opened + Self.settling {
            openedAt = nil
            return [.opened]
        }
        if hasStatus, now >= askAt {
            askAt = now + Self.statusInterval
            _ = try write(SLCAN.status)
        }
        return []
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
        discard()
        _ = try? write(SLCAN.close)
        SerialPort.close(descriptor)
    }

    private func event(_ event: SLCANEvent) -> BusEvent? {
        switch event {
        case .frame(let frame): return .frame(frame)
        case .refused: return now < deafUntil ? nil : .refused
        case .flags(let flags):
            hasStatus = true
            return flags.isDisjoint(with: [.queueFull, .passive, .busError]) ? nil : .unacknowledged
        }
    }

    /// Throws away what waits to be sent.
    private func discard() {
        guard clinux_waiting_output(descriptor) > 0 else { return }
        tcflush(descriptor, TCOFLUSH)
        isCut = true
    }

    /// Writes a command.
    ///
    /// - Returns: `false` where there is no room for it. One that was cut is ended before the next.
    private func write(_ text: String) throws(CANFault) -> Bool {
        let bytes = Array((isCut ? "\r" : "").utf8) + Array(text.utf8)
        let count = Glibc.write(descriptor, bytes, bytes.count)
        if count < 0, errno != EAGAIN, errno != EINTR {
            throw errno == EIO
                ? CANFault(text: "\(path): it hung up: was the adapter pulled?")
                : CANFault(text: SerialError.system(.write, path, errno, of: .adapter).description)
        }
        isCut = count < bytes.count && (count > 0 || isCut)
        return count == bytes.count
    }
}

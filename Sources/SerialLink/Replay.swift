import Glibc
import LinuxIO

/// Plays a recording, at its own pace or as fast as it is read. The file is never held whole.
struct Replay {
    private let core: SourceCore
    private let index: Int
    private let path: String
    /// Speed of the replay: 1 is real time, `nil` as fast as the file can be read.
    private let speed: Double?

    init(_ core: SourceCore, index: Int, path: String, speed: Double?) {
        self.core = core
        self.index = index
        self.path = path
        self.speed = speed
    }

    func run() {
        let descriptor: Int32
        switch RegularFile.open(path) {
        case .failure(let failure): return fail(SerialError(.open, path, "cannot open: \(failure.reason)"))
        case .success(let opened): descriptor = opened
        }
        defer { close(descriptor) }
        core.report(.opened("replay:\(path)"), of: index)
        var pending: [UInt8] = []
        /// True during the rest of a line that was too long.
        var isSkipping = false
        var number = 0
        var pace = Pace(core, speed: speed)
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { return fail(.system(.read, path, errno, of: .file)) }
            if count == 0 { break }
            pending += buffer[..<count]
            while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                number += 1
                if end > RecordFormat.longestLine && !isSkipping { complainLong(number) }
                let isPlayed = !isSkipping && end <= RecordFormat.longestLine
                if isPlayed, !play(pending[..<end], number, &pace) { return }
                isSkipping = false
                pending.removeSubrange(...end)
            }
            if pending.count > RecordFormat.longestLine {
                if !isSkipping { complainLong(number + 1) }
                isSkipping = true
                pending.removeAll()
            }
        }
        if !isSkipping, !pending.isEmpty, !play(pending[...], number + 1, &pace) { return }
        core.report(.ended, of: index)
    }

    /// Plays a line; `false` when told to stop.
    private func play(_ line: ArraySlice<UInt8>, _ number: Int, _ pace: inout Pace) -> Bool {
        switch RecordFormat.parse(line) {
        case .comment: return true
        case .fault:
            complain(number, "not '<milliseconds> <hexadecimal bytes>', skipped")
            return true
        case .bytes(let time, let bytes):
            guard pace.wait(until: time) else { return false }
            // A file is faster than any reader; bytes that do not fit wait here.
            let isTaken = core.report(.bytes(bytes, at: MonotonicTime.sinceBoot()), of: index)
            return isTaken || !core.pause(seconds: 0.01)
        }
    }

    private func complainLong(_ line: Int) {
        complain(line, "longer than \(RecordFormat.longestLine) characters, skipped")
    }

    private func complain(_ line: Int, _ text: String) {
        core.report(.complaint(SerialError(.read, path, "line \(line): \(text)")), of: index)
    }

    private func fail(_ error: SerialError) {
        core.report(.closed(error, retryIn: 0), of: index)
        core.report(.ended, of: index)
    }
}

/// Keeps the recording's time against the clock.
private struct Pace {
    private let core: SourceCore
    private let speed: Double?
    private var start: Double?
    private var time: Int64 = 0
    private var isFirst = true

    init(_ core: SourceCore, speed: Double?) {
        self.core = core
        self.speed = speed
    }

    /// Waits until a line is due; a line without a time is due one second after the line before. Returns `false` when told to stop.
    mutating func wait(until milliseconds: Int64?) -> Bool {
        time = max(time, milliseconds ?? (isFirst ? 0 : time + 1000))
        isFirst = false
        guard let speed else { return !core.pause(seconds: 0) }
        let now = MonotonicTime.seconds()
        let begin = start ?? now - Double(time) / 1000 / speed
        start = begin
        return !core.pause(seconds: begin + Double(time) / 1000 / speed - now)
    }
}

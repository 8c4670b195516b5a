import BMSCore
import SmartBMS
import CLinux
import Glibc
import JSON
import LinuxIO
import BatteryEngine
import MQTTBridge
import ServiceIO

/// `bms-mqtt decode`: one JSON object for each frame, statistics on standard error.
struct DecodeCommand {
    enum Format: String, CaseIterable {
        /// Hexadecimal text; line breaks do not matter.
        case hex
        /// Bytes as they came from the port.
        case raw
        /// A recording, with milliseconds and hexadecimal bytes on each line.
        case timed
    }

    var format = Format.hex
    /// Implausible frames are refused, too, as the bridge refuses them.
    var isStrict = false

    private static let longestLine = 1 << 20

    func run(file: String, output: Int32 = STDOUT_FILENO) -> Int32 {
        switch ChunkReader.open(file) {
        case .failure(let failure):
            Console.complain(failure.text)
            return 1
        case .success(let descriptor):
            defer { if descriptor != STDIN_FILENO { close(descriptor) } }
            guard let failure = run(descriptor, output) else { return 0 }
            Console.complain(ReadFailure(file, failure).text)
            return 1
        }
    }

    /// - Returns: the reason why reading failed; `nil` at the end of the input.
    private func run(_ descriptor: Int32, _ output: Int32) -> String? {
        var decoding = Decoding(isStrict: isStrict, output: output)
        defer { decoding.finish() }
        switch format {
        case .raw:
            do {
                while let bytes = try ChunkReader.read(descriptor), decoding.isReaderThere { decoding.take(bytes) }
            } catch {
                return error.reason
            }
            return nil
        case .hex, .timed:
            var reader = LineReader(descriptor: descriptor, maximum: Self.longestLine)
            while let line = reader.next(), decoding.isReaderThere { take(line, &decoding) }
            return reader.failure
        }
    }

    private func take(_ line: LineReader.Line, _ decoding: inout Decoding) {
        if line.isCut {
            decoding.complain(line.number, "longer than \(Self.longestLine) characters: the rest of the line is lost")
        }
        let text = line.bytes.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        guard let first = text.first, first != UInt8(ascii: "#") else { return }
        if format == .hex {
            guard let bytes = Hex.bytes(text) else {
                decoding.complain(line.number, "not pairs of hexadecimal digits; skipped")
                return
            }
            decoding.take(bytes)
        } else if first == UInt8(ascii: "{") {
            timedJSON(line, &decoding)
        } else {
            timedText(text, line.number, &decoding)
        }
    }

    /// Decodes `<milliseconds> <hex>`, as `bms-mqtt record` writes it.
    private func timedText(_ text: ArraySlice<UInt8>, _ number: Int, _ decoding: inout Decoding) {
        let parts = text.split(separator: UInt8(ascii: " "), maxSplits: 1)
        guard
            parts.count == 2, let milliseconds = Int64(String(decoding: parts[0], as: UTF8.self)),
            let bytes = Hex.bytes(parts[1])
        else {
            decoding.complain(number, "not '<milliseconds> <hexadecimal bytes>'; skipped")
            return
        }
        decoding.take(bytes, at: milliseconds)
    }

    /// Decodes `{"t_chunks": [[milliseconds, "hex"], ...]}`, as another logger writes it.
    private func timedJSON(_ line: LineReader.Line, _ decoding: inout Decoding) {
        guard let chunks = JSONValue(parsing: line.bytes)?["t_chunks"]?.array else {
            decoding.complain(line.number, "no \"t_chunks\" of [milliseconds, \"hex\"]; skipped")
            return
        }
        for chunk in chunks {
            guard
                let pair = chunk.array, pair.count == 2, let time = pair[0].number, time.magnitude < 1e15,
                let text = pair[1].text, let bytes = Hex.bytes(text.utf8)
            else {
                decoding.complain(line.number, "a chunk is not [milliseconds, \"hex\"]; skipped")
                continue
            }
            decoding.take(bytes, at: Int64(time))
        }
    }
}

/// A decoding in progress: inspector, output, and counts of bad lines and implausible frames.
private struct Decoding {
    private var inspector: FrameInspector
    private let output: Int32
    private var implausible: [Rejection: Int] = [:]
    private var time: Int64 = 0
    private var badLines = LineComplaints(rest: "are counted, not reported")
    private(set) var isReaderThere = true

    init(isStrict: Bool, output: Int32) {
        inspector = FrameInspector(isStrict: isStrict)
        self.output = output
    }

    /// Decodes bytes and prints a line for each frame. Without `milliseconds` each frame advances the time by a second.
    mutating func take(_ bytes: [UInt8], at milliseconds: Int64? = nil) {
        if let milliseconds { time = max(time, milliseconds) }
        inspector.push(bytes)
        let step: Int64 = milliseconds == nil ? 1000 : 0
        var lines: [UInt8] = []
        while let finding = inspector.next(at: Timestamp(milliseconds: time + step)) {
            time += step
            if let violation = finding.violation { implausible[violation, default: 0] += 1 }
            lines += FrameReport.json(finding, at: Timestamp(milliseconds: time))
            lines.append(UInt8(ascii: "\n"))
        }
        if !lines.isEmpty { isReaderThere = Console.write(lines, to: output) }
    }

    mutating func complain(_ line: Int, _ text: String) { badLines.add(line, text) }

    mutating func finish() {
        inspector.end()
        let counters = inspector.counters
        var text =
            "\(counters.framesAccepted) frames, \(counters.framesRejected) refused, \(counters.bytesDropped) bytes "
            + "dropped, \(counters.resyncs) resynchronisations"
        if badLines.count > 0 { text += ", \(badLines.count) bad lines" }
        Console.complain(text)
        for rejection in Rejection.allCases where counters[rejection] > 0 {
            Console.complain("refused: \(counters[rejection]) x \(rejection.meaning)")
        }
        for (rejection, count) in implausible.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            Console.complain("the bridge would refuse: \(count) x \(rejection.meaning)")
        }
    }
}

extension DecodeCommand {
    static let row = CommandRow(
        name: "decode", summary: "frames to JSON",
        options: [
            OptionRow(
                name: "file", kind: .file("[FILE]"), meaning: "file to decode (default: standard input, or -)"),
            OptionRow(
                name: "--format", kind: .choice("FORMAT", DecodeCommand.Format.allCases.map(\.rawValue)),
                meaning: "hex (default), raw bytes, or timed: a recording"),
            OptionRow(
                name: "--strict", kind: .flag, meaning: "refuse implausible frames, too, as the bridge does"),
        ],
        details: """
            One JSON object for each frame on standard output, keyed by metric path; statistics on standard error. Bad
            lines are reported by number and skipped.
            """, examples: ["bms-mqtt decode --format timed garage.rec", "xxd -p dump.bin | bms-mqtt decode"],
        work: .plain(start))

    private static func start(_ arguments: Arguments) throws(CommandFailure) -> Int32 {
        let format = arguments.text("--format").flatMap(Format.init) ?? .hex
        return DecodeCommand(format: format, isStrict: arguments.has("--strict")).run(
            file: arguments.text("file") ?? "-")
    }
}

import BMSCore
import BatteryEngine
import CANFrames
import CLinux
import Glibc
import LinuxIO
import SmartBMS
import ServiceIO

/// `bms-mqtt can`: for people at the bench. Shows the CAN frames that tell a pack's limits to an inverter, or frames of a bus in words. It
/// opens no bus.
enum CANCommand {
    private static let longestLine = 4096

    /// Prints the frames of each line of time and frame, as `candump -L` does.
    ///
    /// - Returns: the exit code.
    static func show(
        _ kind: CANProtocol, _ pack: PackOptions, input: Int32 = STDIN_FILENO, output: Int32 = STDOUT_FILENO
    ) -> Int32 {
        var pack = pack
        // Lines are made by hand or by programs, as for 'limits': their times are right, and one frame at many times is a question.
        pack.decoding.judgesArrival = false
        pack.decoding.confirmation.stuck = nil
        var engine = Engine(packs: [pack])
        var reader = LineReader(descriptor: input, maximum: longestLine)
        var complaints = LineComplaints()
        var time: Int64 = 0
        var report: BatteryReport?
        while let line = reader.next() {
            let parsed =
                line.isCut
                ? FilterLine(fault: "longer than \(longestLine) characters") : LimitsCommand.parse(line.bytes)
            if let fault = parsed.fault { complaints.add(line.number, "\(fault); counted as a missing frame") }
            time = max(time, parsed.milliseconds ?? time)
            let now = Moment(monotonic: Timestamp(milliseconds: time), wall: time)
            let input: EngineInput = parsed.frame.map { .bytes($0, pack: 0, age: 0) } ?? .time
            report = engine.step(input, at: now).updates.last?.report ?? report
            guard let report else { continue }
            let stamp = FixedPoint.text(thousandths: Int(time), decimals: 3)
            let lines = kind.frames(report).map { "(\(stamp)000) can0 \($0)\n" }.joined()
            guard Console.write(Array(lines.utf8), to: output) else { break }
        }
        return end(reader)
    }

    /// Prints each line of `candump` in words.
    ///
    /// - Returns: the exit code.
    static func explain(_ kind: CANProtocol, input: Int32 = STDIN_FILENO, output: Int32 = STDOUT_FILENO) -> Int32 {
        var reader = LineReader(descriptor: input, maximum: longestLine)
        var complaints = LineComplaints()
        while let line = reader.next() {
            guard !line.bytes.allSatisfy({ $0 == UInt8(ascii: " ") }) else { continue }
            guard !line.isCut, let frame = CANFrame(line: String(decoding: line.bytes, as: UTF8.self)) else {
                complaints.add(line.number, "no data frame with an 11-bit identifier, as candump prints it; skipped")
                continue
            }
            let words = kind.text(frame) ?? "not a frame of \(kind.rawValue), or too short for it"
            guard Console.write(Array("\(frame)  \(words)\n".utf8), to: output) else { break }
        }
        return end(reader)
    }

    private static func end(_ reader: LineReader) -> Int32 {
        guard let failure = reader.failure else { return 0 }
        Console.complain("cannot read the next line: \(failure)")
        return 1
    }
}

extension CANCommand {
    static let row = CommandRow(
        name: "can", summary: "limits as CAN frames, and CAN frames in words",
        options: [
            OptionRow(
                name: "file", kind: .file("[FILE]"), meaning: "file to read (default: standard input, or -)"),
            OptionRow(name: "--print", kind: .flag, meaning: "print the frames of a pack's limits (default)"),
            OptionRow(
                name: "--decode", kind: .flag, meaning: "read lines of candump, and print each frame in words"),
            OptionRow(
                name: "--protocol", kind: .choice("NAME", CANProtocol.allCases.map(\.rawValue)),
                meaning: "victron (default) or pylontech"),
            OptionRow(name: "--config", kind: .file("FILE"), meaning: "take the pack from this file"), .pack,
        ],
        details: """
            --print reads lines as 'bms-mqtt limits' does, {"t": seconds, "frame": "<116 hexadecimal digits>"}, and prints the
            frames that send each second's limits to an inverter, as 'candump -L' writes them. No frames: an inverter must hear
            nothing, because no limits are known or the link is lost.
            It opens no bus: this is for the bench, beside can-utils. 'bms-mqtt run' sends limits on the buses of its
            configuration.
            """,
        examples: [
            "candump can0 | bms-mqtt can --decode",
            "echo '351#480200050005AE01' | bms-mqtt can --decode",
        ],
        work: .plain(start))

    private static func start(_ arguments: Arguments) throws(CommandFailure) -> Int32 {
        let kind = arguments.text("--protocol").flatMap(CANProtocol.init) ?? .victron
        var pack = PackOptions(id: "pack")
        if arguments.has("--decode") {
            for option in ["--print", "--config", "--pack"] where arguments.has(option) {
                throw .usage("\(option) is for the frames of a pack; --decode reads frames of a bus")
            }
        } else if let file = arguments.text("--config") {
            pack = try arguments.pack(of: Configuration.load(file).plan, file)
        } else if arguments.has("--pack") {
            throw .usage("--pack needs the file that has it: --config FILE")
        }
        let path = arguments.text("file") ?? "-"
        switch ChunkReader.open(path) {
        case .failure(let failure):
            Console.complain(failure.text)
            return 1
        case .success(let descriptor):
            return arguments.has("--decode")
                ? explain(kind, input: descriptor) : show(kind, pack, input: descriptor)
        }
    }
}

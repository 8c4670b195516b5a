import BMSCore
import CLinux
import Glibc
import JSON
import BatteryEngine
import MQTTBridge
import ServiceIO

/// `bms-mqtt limits`: a filter that reads lines of time and frame and writes lines of limits. Every line has exactly one answer: a bad
/// line counts as a missing frame and is reported by its number.
enum LimitsCommand {
    /// Longest line of a pack, characters; 116 of them are the frame.
    private static let longestLine = 4096

    /// Runs the filter of one pack.
    ///
    /// - Parameter state: path of the file that keeps latches and learned values; `nil`: they are not kept.
    /// - Returns: the exit code.
    static func run(
        _ pack: PackOptions, state: String? = nil, input: Int32 = STDIN_FILENO, output: Int32 = STDOUT_FILENO
    ) -> Int32 {
        run(PackFilter(pack), state, input, output, longestLine: longestLine)
    }

    /// Runs the filter of a bank; each line has the frames of all its packs.
    ///
    /// - Returns: the exit code.
    static func run(
        _ bank: BankOptions, _ packs: [PackOptions], state: String? = nil, input: Int32 = STDIN_FILENO,
        output: Int32 = STDOUT_FILENO
    ) -> Int32 {
        run(WholeBankFilter(bank, packs), state, input, output, longestLine: longestLine + 200 * packs.count)
    }

    private static func run<Filter: KeptFilter>(
        _ filter: Filter, _ state: String?, _ input: Int32, _ output: Int32, longestLine: Int
    ) -> Int32 {
        var filter = filter
        var keeper = state.map { FilterState<Filter>(path: $0) }
        var reader = LineReader(descriptor: input, maximum: longestLine)
        var time = SteadyTime()
        var complaints = LineComplaints()
        while let line = reader.next() {
            let parsed = line.isCut ? FilterLine(fault: "longer than \(longestLine) characters") : parse(line.bytes)
            if let fault = parsed.fault { complaints.add(line.number, "\(fault); counted as a missing frame") }
            let shown = parsed.milliseconds ?? time.lastGiven
            if let jump = time.jump(shown) { Console.complain("line \(line.number): \(jump)") }
            let steady = time.steady(shown)
            if parsed.milliseconds != nil { keeper?.begin(&filter, at: steady, shownAs: shown) }
            var answer = filter.step(parsed, at: steady, shownAs: shown)
            answer.append(UInt8(ascii: "\n"))
            // The state is kept before somebody can obey the answer.
            keeper?.keep(filter, at: steady, shownAs: shown)
            guard Console.write(answer, to: output) else { break }
        }
        keeper?.end(filter)
        guard let failure = reader.failure else { return 0 }
        Console.complain("cannot read the next line: \(failure)")
        return 1
    }

    /// Turns the times of the lines into a clock that never runs back. After a jump back the clock goes on from its last time, so that
    /// silence still ages the data.
    private struct SteadyTime {
        private(set) var lastGiven: Int64 = 0
        private var offset: Int64 = 0

        func jump(_ given: Int64) -> String? {
            given < lastGiven
                ? "time ran back from \(seconds(lastGiven)) s to \(seconds(given)) s: the filter's clock goes on without a jump"
                : nil
        }

        mutating func steady(_ given: Int64) -> Int64 {
            if given < lastGiven { offset = min(offset + (lastGiven - given), 1 << 60) }
            lastGiven = given
            return given + offset
        }

        private func seconds(_ milliseconds: Int64) -> String {
            FixedPoint.text(thousandths: Int(milliseconds), decimals: milliseconds % 1000 == 0 ? 0 : 3)
        }
    }

    /// Reads a line of the filter's input; `can` reads the same.
    static func parse(_ bytes: [UInt8]) -> FilterLine {
        guard let value = JSONValue(parsing: bytes), case .object = value else {
            return FilterLine(fault: "not a JSON object like {\"t\": 12, \"frame\": null}")
        }
        guard let seconds = value["t"]?.number, seconds.magnitude < 1e12 else {
            return FilterLine(fault: "\"t\" is not a number of seconds")
        }
        let milliseconds = Int64((seconds * 1000).rounded())
        if case .object(let members)? = value["frames"] { return parse(members, milliseconds) }
        switch value["frame"] {
        case .text(let text):
            guard let frame = Hex.bytes(text.utf8), frame.count == 58 else {
                return FilterLine(
                    milliseconds: milliseconds, fault: "\"frame\" is not 116 hexadecimal digits (58 bytes)")
            }
            return FilterLine(milliseconds: milliseconds, frame: frame)
        case .null: return FilterLine(milliseconds: milliseconds)
        default: return FilterLine(milliseconds: milliseconds, fault: "\"frame\" is neither text nor null")
        }
    }

    private static func parse(_ members: [String: JSONValue], _ milliseconds: Int64) -> FilterLine {
        var parsed = FilterLine(milliseconds: milliseconds)
        for (id, value) in members {
            guard case .text(let text) = value else { continue }
            guard let frame = Hex.bytes(text.utf8), frame.count == 58 else {
                parsed.fault = "the frame of '\(id.prefix(40))' is not 116 hexadecimal digits (58 bytes)"
                continue
            }
            parsed.frames[id] = frame
        }
        return parsed
    }
}

/// One line of the filter's input.
struct FilterLine {
    var milliseconds: Int64?
    var frame: [UInt8]?
    /// Frames of a bank's line, by pack id.
    var frames: [String: [UInt8]] = [:]
    var fault: String?
}

extension LimitsCommand {
    static let row = CommandRow(
        name: "limits", summary: "the limit calculator as a filter",
        options: [
            OptionRow(name: "--config", kind: .file("FILE"), meaning: "take a pack's limits from this file"), .pack,
            OptionRow(name: "--bank", kind: .text("ID"), meaning: "this bank of the file, and its packs"),
            OptionRow(
                name: "--state", kind: .file("FILE"),
                meaning: "file that keeps latches, trims and learned values for the next start"),
        ],
        details: """
            Each input line is {"t": seconds, "frame": "<116 hexadecimal digits>"} or {"t": seconds, "frame": null}; each is
            answered by exactly one line with CVL, CCL, DCL and reasons. A bad line counts as a missing frame.
            With --bank a line is {"t": seconds, "frames": {"garage": "<hex>", "cellar": null}}, and the answer holds the
            limits of each pack, too.
            With --state a filter that is started again goes on as 'run' does after a restart, by the time in the lines.
            """, examples: [#"echo '{"t": 0, "frame": null}' | bms-mqtt limits"#],
        work: .plain(start))

    private static func start(_ arguments: Arguments) throws(CommandFailure) -> Int32 {
        let state = arguments.text("--state")
        guard let file = arguments.text("--config") else {
            for option in ["--bank", "--pack"] where arguments.has(option) {
                throw .usage("\(option) needs the file that has it: --config FILE")
            }
            return run(PackOptions(id: "pack"), state: state)
        }
        let plan = try Configuration.load(file).plan
        let packs = plan.packs.map(\.options)
        if let id = arguments.text("--bank") {
            let banks = plan.banks.map(\.options)
            guard let bank = banks.first(where: { $0.id == id }) else {
                throw .usage("\(file) has no bank '\(id)': \(banks.map(\.id).joined(separator: ", "))")
            }
            return run(bank, packs, state: state)
        }
        return run(try arguments.pack(of: plan, file), state: state)
    }
}

extension Arguments {
    /// The pack of `--pack`; without it the first of the file.
    func pack(of plan: ServicePlan, _ file: String) throws(CommandFailure) -> PackOptions {
        let packs = plan.packs.map(\.options)
        let id = text("--pack")
        guard let pack = id == nil ? packs.first : packs.first(where: { $0.id == id }) else {
            throw .usage("\(file) has no pack '\(id ?? "")': \(packs.map(\.id).joined(separator: ", "))")
        }
        return pack
    }
}

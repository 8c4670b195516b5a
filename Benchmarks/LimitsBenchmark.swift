import BMSCore
import SmartBMS
import CLinux
import ChargeLimits
import Glibc

/// Times of 58 bytes through rules, decoding and calculator, of one step of the calculator alone, and of a simulated year of steps.
enum LimitsBenchmark {
    static func run() {
        let frames = SampleFrames.make(20_000)
        let bytes = frames.flatMap(FrameEncoder.encode)
        func measure() -> Double {
            Stopwatch.best(of: 5) {
                var stream = FrameStream()
                var decoding = SnapshotBuilder()
                var calculator = LimitCalculator()
                var time: Int64 = 0
                for start in stride(from: 0, to: bytes.count, by: FrameLayout.length) {
                    time += 1000
                    let now = Timestamp(milliseconds: time)
                    let window = bytes.span.extracting(start..<(start + FrameLayout.length))
                    guard case .success(let frame)? = stream.take(window) else { preconditionFailure("a sound frame") }
                    decoding.take(frame, at: now)
                    if case .none = calculator.step(decoding.snapshot, at: now) { precondition(time < 3000) }
                }
            }
        }
        var whole = measure()
        var snapshots: [PackSnapshot] = []
        var decoding = SnapshotBuilder()
        for (index, frame) in frames.prefix(5_000).enumerated() {
            decoding.take(frame, at: Timestamp(milliseconds: Int64(index) * 1000))
            snapshots.append(decoding.snapshot)
        }
        let alone = Stopwatch.best(of: 20) {
            var calculator = LimitCalculator()
            for index in snapshots.indices {
                let now = Timestamp(milliseconds: Int64(index) * 1000)
                if case .none = calculator.step(snapshots[index], at: now) { precondition(index < 3) }
            }
        }
        report("one limits step, 16 cells, aim 5 us", alone / Double(snapshots.count))

        var python: Double?
        if let prototype = getenv("LIMITS_PROTOTYPE").map({ String(cString: $0) }) {
            python = PythonComparison.inTurns("limits.py", frames: Array(frames.prefix(5_000)), [prototype], best: min)
            {
                whole = min(whole, measure())
            }
        } else {
            print("| a Python calculator | skipped: LIMITS_PROTOTYPE names none |")
        }
        report("58 bytes to limits (rules, decoding and one limits step)", whole / Double(frames.count))
        guard let python else { return }
        report("58 bytes to limits by a Python prototype", python / 1e6)
        print("| ratio, aim 50 or more | \(Int(python / 1e6 / (whole / Double(frames.count)))) |")
    }

    /// Prints the heap in use after a day and after a year of frames, one a second.
    static func runYear() {
        let frames = SampleFrames.make(86_400)
        var decoding = SnapshotBuilder()
        var calculator = LimitCalculator()
        var time: Int64 = 0
        var afterDay = 0
        for day in 1...365 {
            for frame in frames {
                time += 1000
                let now = Timestamp(milliseconds: time)
                decoding.take(frame, at: now)
                _ = calculator.step(decoding.snapshot, at: now)
            }
            if day == 1 { afterDay = Int(clinux_heap_in_use()) }
        }
        let growth = Int(clinux_heap_in_use()) - afterDay
        print("| heap growth from the first day to the end of a simulated year | \(growth) bytes |")
    }

    private static func report(_ what: String, _ seconds: Double) {
        let hundredths = Int(seconds * 1e8) % 100
        print("| \(what) | \(Int(seconds * 1e6)).\(hundredths < 10 ? "0" : "")\(hundredths) us |")
    }
}

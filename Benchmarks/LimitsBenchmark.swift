import BMSCore
import CLinux
import ChargeLimits
import Glibc

/// One frame through tracker and calculator, one step of the calculator alone, and a simulated year of steps.
enum LimitsBenchmark {
    static func run() {
        let frames = SampleFrames.make(20_000)
        func measure() -> Double {
            Stopwatch.best(of: 5) {
                var tracker = PackTracker()
                var calculator = LimitCalculator()
                var time: Int64 = 0
                for frame in frames {
                    time += 1000
                    let now = Timestamp(milliseconds: time)
                    tracker.take(frame, at: now)
                    precondition(calculator.step(tracker.snapshot, at: now) != nil || time < 3000)
                }
            }
        }
        var whole = measure()
        var snapshots: [(PackSnapshot, Timestamp)] = []
        var tracker = PackTracker()
        var time: Int64 = 0
        for frame in frames.prefix(5_000) {
            time += 1000
            let now = Timestamp(milliseconds: time)
            tracker.take(frame, at: now)
            if tracker.snapshot.frame != nil { snapshots.append((tracker.snapshot, now)) }
        }
        let alone = Stopwatch.best(of: 20) {
            var calculator = LimitCalculator()
            for (snapshot, now) in snapshots { precondition(calculator.step(snapshot, at: now) != nil) }
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
        report("frame to limits (tracker and one limits step)", whole / Double(frames.count))
        guard let python else { return }
        report("frame to limits by a Python prototype", python / 1e6)
        print("| ratio, aim 50 or more | \(Int(python / 1e6 / (whole / Double(frames.count)))) |")
    }

    /// Heap in use after a day and after a year of frames, a second each.
    static func runYear() {
        let frames = SampleFrames.make(86_400)
        var tracker = PackTracker()
        var calculator = LimitCalculator()
        var time: Int64 = 0
        var afterDay = 0
        for day in 1...365 {
            for frame in frames {
                time += 1000
                let now = Timestamp(milliseconds: time)
                tracker.take(frame, at: now)
                _ = calculator.step(tracker.snapshot, at: now)
            }
            if day == 1 { afterDay = Int(clinux_heap_in_use()) }
        }
        let growth = Int(clinux_heap_in_use()) - afterDay
        print("| heap growth from the first day to the end of a simulated year | \(growth) bytes |")
    }

    private static func report(_ what: String, _ seconds: Double) {
        let hundredths = Int(seconds * 1e8)
        print("| \(what) | \(hundredths / 100).\(hundredths % 100 / 10) us |")
    }
}

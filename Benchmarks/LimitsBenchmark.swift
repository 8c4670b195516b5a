import BMSCore
import ChargeLimits

/// One frame through tracker and calculator.
enum LimitsBenchmark {
    static func run() {
        let frames = SampleFrames.make(20_000)
        var tracker = PackTracker()
        var calculator = LimitCalculator()
        var time: Int64 = 0
        var sum = 0
        let seconds = Stopwatch.best(of: 5) {
            for frame in frames {
                time += 1000
                let now = Timestamp(milliseconds: time)
                tracker.take(frame, at: now)
                sum &+= calculator.step(tracker.snapshot, at: now)?.ccl.rawValue ?? 0
            }
        }
        precondition(sum != 0)
        let microseconds = Int(seconds / Double(frames.count) * 1e7)
        print("| frame to limits (tracker and one limits step) | \(microseconds / 10).\(microseconds % 10) us |")
    }
}

import Glibc

/// Benchmarks by name, with results as Markdown rows: `swift run -c release bms-mqtt-bench NAME [FRAMES]`.
@main
struct Main {
    static func main() {
        let names = CommandLine.arguments.dropFirst()
        let all: [(String, () -> Void)] = [
            ("decode", DecodeBenchmark.run), ("limits", LimitsBenchmark.run), ("year", LimitsBenchmark.runYear),
            ("step", StepBenchmark.run), ("latency", LatencyBenchmark.run), ("start", LatencyBenchmark.runStart),
            ("commands", LatencyBenchmark.runCommands),
            ("fuzz", CommandFuzz.run), ("relays", RelayDay.run), ("messages", MessageDay.run),
            ("corruption", Corruption.run), ("golden", GoldenDays.run), ("history", HistoryYear.run),
        ]
        for name in names where Int(name) == nil && !all.contains(where: { $0.0 == name }) {
            print("no benchmark '\(name)': \(all.map(\.0).joined(separator: ", "))")
            exit(2)
        }
        print("| benchmark | result |\n|---|---|")
        for (name, run) in all where names.isEmpty || names.contains(name) { run() }
    }
}

/// Processor time of this process, in which the load of other processes does not count.
enum Stopwatch {
    /// Seconds of processor time for the body, the best of `rounds`.
    static func best(of rounds: Int, _ body: () -> Void) -> Double {
        (0..<rounds).map { _ in
            let start = seconds()
            body()
            return seconds() - start
        }.min() ?? 0
    }

    private static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Waits without work.
func pause(milliseconds: Int32) {
    var entry = pollfd(fd: -1, events: 0, revents: 0)
    poll(&entry, 1, milliseconds)
}

import Glibc
import ServiceIO

/// Runs the command of a checked command line.
enum Dispatcher {
    /// Runs a command to its end.
    ///
    /// - Returns: the exit code.
    static func run(_ row: CommandRow, _ arguments: Arguments) -> Int32 {
        switch row.work {
        case .service(let work): return result { () throws(CommandFailure) in try work(arguments) }
        case .plain(let work):
            Signals.release()
            return result { () throws(CommandFailure) in try work(arguments) }
        case .waiting(let work):
            Task {
                exit(
                    Console.exitCode(await untilStopped(arguments.whole("--seconds")) { await result(work, arguments) })
                )
            }
            while true { pause() }
        }
    }

    private static func result(_ work: () throws(CommandFailure) -> Int32) -> Int32 {
        do throws(CommandFailure) {
            return try work()
        } catch {
            return tell(error)
        }
    }

    private static func result(
        _ work: @Sendable (Arguments) async throws(CommandFailure) -> Int32, _ arguments: Arguments
    ) async -> Int32 {
        do throws(CommandFailure) {
            return try await work(arguments)
        } catch {
            return tell(error)
        }
    }

    private static func tell(_ failure: CommandFailure) -> Int32 {
        for line in failure.lines { Console.complain(line) }
        return failure.exitCode.rawValue
    }

    /// Runs `body` until it returns, a signal comes or the seconds have passed.
    private static func untilStopped(_ seconds: Int?, _ body: @escaping @Sendable () async -> Int32) async -> Int32 {
        let ends = Signals.ends()
        return await withTaskGroup(of: Int32?.self) { group in
            group.addTask { await body() }
            group.addTask {
                for await _ in ends { return nil }
                return nil
            }
            if let seconds {
                group.addTask {
                    try? await Task.sleep(for: .seconds(seconds))
                    return nil
                }
            }
            var code = await group.next() ?? 0
            group.cancelAll()
            // A signal or the end of the time came first: wait until the cancelled body ends.
            while code == nil, let next = await group.next() { code = next }
            return code ?? 0
        }
    }
}

import BMSCore
import LinuxIO
import SmartBMS
import Glibc
import TestSupport

/// The same work by a Python program, in the same run.
enum PythonComparison {
    /// Result that a script of `Benchmarks/python` printed for frames of 58 bytes; prints the reason and returns `nil` if it cannot run.
    static func run(_ script: String, frames: [Frame], _ arguments: [String] = []) -> Double? {
        let folder = TemporaryFolder()
        let file = "\(folder.path)/frames"
        guard
            let python = ProgramStart.find("python3"),
            write(frames.flatMap(FrameEncoder.encode), file),
            let child = ChildProcess(python, ["Benchmarks/python/\(script)", file] + arguments),
            let number = Double(child.read(seconds: 300).split(separator: "\n").last.map(String.init) ?? "")
        else {
            print("| comparison with Python | skipped: it needs python3, and the repository as the working directory |")
            return nil
        }
        return number
    }

    private static let turns = 8

    /// The best of some runs, in turns with the project's own work, because a shared machine changes its speed.
    static func inTurns(
        _ script: String, frames: [Frame], _ arguments: [String] = [], best: (Double, Double) -> Double, own: () -> Void
    ) -> Double? {
        var result: Double?
        for _ in 0..<turns {
            guard let one = run(script, frames: frames, arguments) else { return nil }
            result = result.map { best($0, one) } ?? one
            own()
        }
        // Debian's Python is built with profile and link-time optimisation, and needs two thirds of the time of one built by pyenv.
        if let path = ProgramStart.find("python3"), let child = ChildProcess(path, ["--version"]) {
            print("| the interpreter | \(child.read(seconds: 10).split(separator: "\n").first ?? "?"), \(path) |")
        }
        return result
    }

    private static func write(_ bytes: [UInt8], _ path: String) -> Bool {
        guard let file = fopen(path, "wb") else { return false }
        defer { fclose(file) }
        return fwrite(bytes, 1, bytes.count, file) == bytes.count
    }
}

import TestSupport
import LinuxIO

/// The program to compare with: a small C program on libmosquitto alone, in a process of its own as the bridge is.
struct BareClient {
    let process: ChildProcess

    /// Compiles and starts the program; prints the reason and returns `nil` if there is no compiler.
    init?(_ mode: String, _ broker: BrokerFixture, _ arguments: [String] = []) {
        let program = "\(broker.folder.path)/bare"
        guard
            let compiler = ProgramStart.find("cc"),
            ChildProcess(compiler, ["-O2", "-o", program, "Benchmarks/bare/bare.c", "-lmosquitto"])?
                .exitCode(seconds: 60) == 0,
            let process = ChildProcess(program, [mode, "\(broker.port)"] + arguments),
            process.read(until: "ready").contains("ready")
        else {
            print("| bare libmosquitto | skipped: it needs cc, and the repository as the working directory |")
            return nil
        }
        self.process = process
    }
}

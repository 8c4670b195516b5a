import CLinux
import Glibc
import LinuxIO
import ServiceIO

/// The demo's own mosquitto on loopback, with a free port; it ends with the demo.
final class BrokerProcess {
    let port: Int
    private let process: CompanionProcess

    /// Starts the broker and waits until it listens.
    init() throws(StartFailure) {
        guard let program = ProgramStart.find("mosquitto") else {
            throw StartFailure(
                text: "mosquitto is not installed: 'apt-get install mosquitto', or name a broker with --broker")
        }
        guard let port = Loopback.freePort() else {
            throw StartFailure(text: "no free port on 127.0.0.1: \(Console.reason(errno))")
        }
        process = try CompanionProcess(program) { folder throws(StartFailure) in
            let text = """
                listener \(port) 127.0.0.1
                allow_anonymous true
                persistence false
                set_tcp_nodelay true
                """ + (geteuid() == 0 ? "\nuser root\n" : "\n")
            let path = "\(folder)/mosquitto.conf"
            guard Self.write(text, to: path) else {
                throw StartFailure(text: "cannot write \(path): \(Console.reason(errno))")
            }
            return (["-c", path], [])
        }
        self.port = port
        guard process.waitUntilListening(port, seconds: 5) else {
            let words = process.lastWords.map { ": \($0)" } ?? ""
            process.stop()
            throw StartFailure(text: "mosquitto did not start listening on 127.0.0.1:\(port)\(words)")
        }
    }

    /// Ends the broker and removes its files.
    func stop() { process.stop() }

    private static func write(_ text: String, to path: String) -> Bool {
        let descriptor = clinux_open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return Console.write(text, to: descriptor)
    }
}

import TestSupport
import TestThreads
import Testing

/// Debian's Python with paho-mqtt, for which the example is written.
private let python: String? = {
    let program = "/usr/bin/python3"
    guard let probe = ChildProcess(program, ["-c", "import paho.mqtt.client"]), probe.exitCode() == 0 else {
        return nil
    }
    return program
}()

@Suite("examples/inverters", .enabled(if: python != nil, "needs python3-paho-mqtt"), .waits)
struct InverterExampleTests {
    @Test("the script that follows limits passes its own tests: old, offline and unreadable limits are not used")
    func ownTests() throws {
        let program = try #require(python)
        let folder = Repository.path("examples/inverters")
        let process = try #require(ChildProcess(program, ["-B", "-m", "unittest", "discover", "-s", folder]))
        _ = process.read()
        #expect(process.exitCode() == 0)
    }
}

import TestSupport
import TestThreads
import Testing

@testable import bms_mqtt

/// Debian's Python with paho-mqtt, for which the example is written.
private let python: String? = {
    let program = "/usr/bin/python3"
    guard let probe = ChildProcess(program, ["-c", "import paho.mqtt.client"]), probe.exitCode() == 0 else {
        return nil
    }
    return program
}()

@Suite("examples/fleet", .waits)
struct FleetExampleTests {
    @Test(
        "lines for a time-series database are correct, and hostile documents give none",
        .enabled(if: python != nil, "needs python3-paho-mqtt"))
    func lines() throws {
        let program = try #require(python)
        let folder = Repository.path("examples/fleet")
        let process = try #require(ChildProcess(program, ["-B", "-m", "unittest", "discover", "-s", folder]))
        _ = process.read()
        #expect(process.exitCode() == 0)
    }

    @Test("the configuration of a site is valid, and its broker forwards its topics")
    func site() throws {
        let text = Repository.text("examples/fleet/site/bms-mqtt.yaml")
        let configuration = try ConfigurationFile.parse(Array(text.utf8), file: "bms-mqtt.yaml")
        #expect(configuration.baseTopic == "fleet/site-a/bms")
        let lines = Repository.text("examples/fleet/site/mosquitto.conf").split(separator: "\n")
        let passed = lines.filter { $0.hasPrefix("topic ") }.compactMap { $0.split(separator: " ").dropFirst().first }
        #expect(passed.count > 6)
        #expect(passed.allSatisfy { $0.hasPrefix(configuration.baseTopic + "/") })
    }

    @Test("no line of the centre's access rules applies to every user, as those of mosquitto with 'pattern' do")
    func centre() {
        let lines = Repository.text("examples/fleet/central/acl").split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines.first == "user site-a")
        #expect(lines.allSatisfy { $0.hasPrefix("user ") || $0.hasPrefix("topic ") })
    }

    @Test("the cluster's configuration names the permissions that 'acl' prints for the site")
    func cluster() {
        #expect(Repository.text("examples/fleet/cluster/site.yaml").contains("\n  base: fleet/site-a/bms\n"))
        let servers = Repository.text("examples/fleet/cluster/nats.conf")
        #expect(servers.contains("permissions: $fleet_ssite_da_sbms_bridge,"))
    }
}

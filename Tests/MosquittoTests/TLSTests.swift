import Mosquitto
import TestSupport
import Testing

/// TLS against real servers; a wrong authority, a wrong host name and client certificates are in the other suites.
@Suite("TLS", .timeLimit(.minutes(10)), .enabled(if: BrokerFixture.isAvailable, "needs mosquitto and openssl"))
struct TLSTests {
    private func configuration(_ port: Int, _ certificates: Certificates) -> LinkConfiguration {
        var configuration = LinkConfiguration(host: "localhost", port: port, clientID: "test")
        configuration.tls = TLSConfiguration(caFile: certificates.ca)
        configuration.username = "bms"
        configuration.password = "secret"
        return configuration
    }

    @Test("an expired certificate is refused, and its dates are named")
    func expired() async {
        var options = BrokerFixture.Options()
        let certificates = Certificates(serverDays: 0)
        options.certificates = certificates
        let broker = BrokerFixture(options)
        #expect(broker.start())
        let harness = LinkHarness(configuration(broker.port, certificates))
        await harness.start()
        #expect(await harness.wait { $0.failures.count >= 2 })
        #expect(await harness.connections.isEmpty)
        #expect(await harness.failures.first?.description.contains("the certificate's dates") == true)
        harness.link.stop()
    }

    @Test("a broker without TLS is refused for ever, and not a word of MQTT is sent to it")
    func plainBroker() async {
        let folder = TemporaryFolder()
        var options = BrokerFixture.Options()
        options.lines = ["log_type all", "log_dest file \(folder.path)/log"]
        let broker = BrokerFixture(options)
        #expect(broker.start())
        let harness = LinkHarness(configuration(broker.port, Certificates()))
        await harness.start()
        #expect(await harness.wait { $0.failures.count >= 3 })
        #expect(await harness.connections.isEmpty)
        for failure in await harness.failures {
            #expect(failure.description.contains("TLS"), "\(failure)")
        }
        let log = Repository.read("\(folder.path)/log")
        #expect(log.contains("New connection"))
        #expect(!log.contains("New client connected"))
        harness.link.stop()
    }

    @Test("a broker that wants TLS is not reached without it, and the remedy is named")
    func plainClient() async {
        var options = BrokerFixture.Options()
        options.certificates = Certificates()
        let broker = BrokerFixture(options)
        #expect(broker.start())
        let harness = LinkHarness(LinkConfiguration(broker))
        await harness.start()
        #expect(await harness.wait { !$0.failures.isEmpty })
        #expect(await harness.connections.isEmpty)
        #expect(await harness.failures.first?.description.contains("TLS") == true)
        harness.link.stop()
    }

    @Test("TLS 1.1 is refused")
    func oldTLS() async throws {
        let certificates = Certificates()
        let port = FreePort.next()
        let program = try #require(ChildProcess.find("openssl"))
        let words = ["s_server", "-accept", "\(port)", "-cert", certificates.server, "-key", certificates.serverKey]
        let server = try #require(ChildProcess(program, words + ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]))
        #expect(server.read(until: "ACCEPT").contains("ACCEPT"))
        let harness = LinkHarness(configuration(port, certificates))
        await harness.start()
        #expect(await harness.wait { !$0.failures.isEmpty })
        #expect(server.read(until: "unsupported protocol").contains("unsupported protocol"))
        #expect(await harness.connections.isEmpty)
        harness.link.stop()
    }

    @Test("renewed certificates, the authority's too, are taken with the next connection")
    func renewed() async {
        var options = BrokerFixture.Options()
        let certificates = Certificates()
        options.certificates = certificates
        let broker = BrokerFixture(options)
        #expect(broker.start())
        let harness = LinkHarness(configuration(broker.port, certificates))
        await harness.start()
        #expect(await harness.connected())
        certificates.renew(from: Certificates())
        broker.stop()
        #expect(broker.start())
        #expect(await harness.connected(2))
        harness.link.stop()
    }
}

import Glibc
import LinuxIO
import Mosquitto
import TestSupport
import TestThreads
import Testing

/// TLS against real servers; a wrong authority, a wrong host name and client certificates are in the other suites.
@Suite("TLS", .waits, .timeLimit(.minutes(10)), .enabled(if: BrokerFixture.isAvailable, "needs mosquitto and openssl"))
struct TLSTests {
    private func configuration(_ port: Int, _ certificates: Certificates) -> LinkConfiguration {
        var configuration = LinkConfiguration(host: "localhost", port: port, clientID: "test")
        configuration.tls = TLSConfiguration(caFile: certificates.ca)
        configuration.username = "bms"
        configuration.password = "secret"
        return configuration
    }

    /// A mosquitto that listens with these certificates.
    private func secured(_ certificates: Certificates) -> (BrokerFixture, Certificates) {
        var options = BrokerFixture.Options()
        options.certificates = certificates
        let broker = BrokerFixture(options)
        #expect(broker.start())
        return (broker, certificates)
    }

    @Test("an expired certificate is refused, and its dates are named")
    func expired() async {
        let (broker, certificates) = secured(Certificates(serverDays: 0))
        let harness = LinkHarness(configuration(broker.port, certificates))
        await harness.start()
        #expect(await harness.wait { $0.failures.count >= 2 })
        #expect(await harness.connections.isEmpty)
        #expect(await harness.failures.first?.description.contains("the certificate's dates") == true)
        harness.link.stop()
    }

    @Test(
        "a key with a passphrase is reported with the remedy, and the terminal is not asked for the passphrase",
        arguments: ["pkey -aes256", "rsa -traditional -aes256"])
    func passphrase(_ form: String) async throws {
        let (broker, certificates) = secured(Certificates())
        let folder = TemporaryFolder()
        let openssl = try #require(ProgramStart.find("openssl"))
        let words =
            form.split(separator: " ").map(String.init)
            + ["-passout", "pass:x", "-in", certificates.clientKey, "-out", "\(folder.path)/key"]
        #expect(ChildProcess(openssl, words)?.exitCode() == 0)
        var configuration = configuration(broker.port, certificates)
        configuration.tls?.certificateFile = certificates.client
        configuration.tls?.keyFile = "\(folder.path)/key"
        let harness = LinkHarness(configuration)
        await harness.start()
        #expect(await harness.wait { $0.failures.count >= 2 })
        let text = await harness.failures.first?.description ?? ""
        #expect(text.contains("\(folder.path)/key has a passphrase") && text.contains("openssl pkey"), "\(text)")
        harness.link.stop()
    }

    @Test("a pipe in place of a certificate or key is refused, without a wait for it", arguments: 0...2)
    func pipes(_ place: Int) async throws {
        let (broker, certificates) = secured(Certificates())
        let folder = TemporaryFolder()
        let pipe = "\(folder.path)/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        var configuration = configuration(broker.port, certificates)
        configuration.tls?.certificateFile = certificates.client
        configuration.tls?.keyFile = certificates.clientKey
        switch place {
        case 0: configuration.tls?.caFile = pipe
        case 1: configuration.tls?.certificateFile = pipe
        default: configuration.tls?.keyFile = pipe
        }
        let harness = LinkHarness(configuration)
        await harness.start()
        #expect(await harness.wait { $0.failures.count >= 2 })
        let key = ["caFile", "certFile", "keyFile"][place]
        let text = await harness.failures.first?.description
        #expect(text == "mqtt.tls.\(key): cannot read \(pipe): it is a pipe, a regular file is needed")
        harness.link.stop()
    }

    @Test("a broker without TLS is refused at each attempt, and no MQTT is sent to it")
    func plainBroker() async {
        let folder = TemporaryFolder()
        var options = BrokerFixture.Options()
        options.lines = ["log_type all", "log_dest file \(folder.path)/log"]
        let broker = BrokerFixture(options)
        #expect(broker.start())
        let certificates = Certificates()
        defer { withExtendedLifetime(certificates) {} }
        let harness = LinkHarness(configuration(broker.port, certificates))
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

    @Test("without TLS a broker that needs it cannot be reached, and the remedy is named")
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
        let program = try #require(ProgramStart.find("openssl"))
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

    @Test("renewed certificates, the authority's too, are used by the next connection")
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

    /// A TLS server that ends each connection: before the handshake, after it, or at CONNECT; it writes its port.
    private static let hangingUp = """
        import socket, ssl, sys
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        listener = socket.create_server(("127.0.0.1", 0))
        print("port", listener.getsockname()[1], flush=True)
        while True:
            plain, _ = listener.accept()
            try:
                if sys.argv[3] == "first":
                    plain.recv(1)
                    plain.close()
                    continue
                client = context.wrap_socket(plain, server_side=True)
                print("version", client.recv(4096)[8], flush=True)
                if sys.argv[3] == "politely":
                    client.unwrap()
                client.close()
            except (OSError, IndexError):
                continue
        """

    @Test(
        "a broker that hangs up with TLS is asked in MQTT 5 again, because it may just be starting, and the remedy is named",
        .enabled(if: ProgramStart.find("python3") != nil, "needs python3"), arguments: ["first", "politely", "at once"])
    func hangUp(_ manner: String) async throws {
        let certificates = Certificates()
        let program = try #require(ProgramStart.find("python3"))
        let server = try #require(
            ChildProcess(program, ["-c", Self.hangingUp, certificates.server, certificates.serverKey, manner]))
        let words = server.read(until: "\n").split(separator: " ")
        let port = try #require(words.last.flatMap { Int($0.filter(\.isNumber)) })
        let harness = LinkHarness(configuration(port, certificates))
        await harness.start()
        #expect(await harness.wait { $0.failures.count >= 4 })
        harness.link.stop()
        let texts = await harness.failures.map(\.description)
        if manner != "first" {
            #expect(texts.allSatisfy { $0.contains("mqtt.protocol: 3.1.1") }, "\(texts)")
            #expect(!server.read(until: "never", seconds: 0.5).contains("version 4"))
        }
    }
}

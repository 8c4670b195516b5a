import MQTT
import BMSCore
import SmartBMS
import ChargeLimits
import JSON
import TestSupport
import TestThreads
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Message economy", .calculates)
struct EconomyTests {
    private func harness(_ economy: Economy = .normal) -> BridgeHarness {
        var harness = BridgeHarness { options, _ in
            options.economy = economy
            options.stateInterval = economy.statePace
            options.stateHeartbeat = economy.stateHeartbeat
            options.limitsInterval = economy.limitsHeartbeat
            options.gxTree = GXTreeOptions(portalID: "02a1b2c3d4e5", owner: "bridge-1")
        }
        harness.frames(40)
        harness.forget()
        return harness
    }

    @Test(
        "a change is sent when it leaves the catalogue's deadband",
        arguments: [
            (Deadband.none, MetricValue.integer(1), MetricValue.integer(2), true),
            (.none, .integer(1), .integer(1), false),
            (.within(10), .decimal(thousandths: 3300, decimals: 3), .decimal(thousandths: 3310, decimals: 3), false),
            (.within(10), .decimal(thousandths: 3300, decimals: 3), .decimal(thousandths: 3311, decimals: 3), true),
            (.within(10), .decimal(thousandths: -5, decimals: 3), .decimal(thousandths: 6, decimals: 3), true),
            (.within(1000), .integer(5), .integer(6), false), (.within(1000), .integer(5), .integer(7), true),
            (
                .share(500, permille: 20), .decimal(thousandths: -100_000, decimals: 3),
                .decimal(thousandths: -102_000, decimals: 3), false
            ),
            (
                .share(500, permille: 20), .decimal(thousandths: -100_000, decimals: 3),
                .decimal(thousandths: -102_125, decimals: 3), true
            ),
            (
                .share(500, permille: 20), .decimal(thousandths: 0, decimals: 3),
                .decimal(thousandths: 625, decimals: 3), true
            ),
            (.within(10), .null, .decimal(thousandths: 0, decimals: 3), true),
            (.within(10), .decimal(thousandths: 0, decimals: 3), .null, true),
            (.heartbeat, .integer(1), .integer(1_000_000), false), (.heartbeat, .text("a"), .null, false),
            (.within(10), .integer(.min), .integer(.max), true),
            (
                .share(1, permille: 1000), .decimal(thousandths: .min, decimals: 3),
                .decimal(thousandths: .max, decimals: 3), true
            ),
        ])
    func deadbands(deadband: Deadband, sent: MetricValue, now: MetricValue, isNews: Bool) {
        #expect(deadband.isNews(now, after: sent, factor: 1) == isNews)
    }

    @Test("limits, alarms, permissions, contacts and modes have no deadband: each change is sent")
    func exact() {
        let exact = MetricCatalogue.state.filter { metric in
            ["/Alarms/", "/Io/", "/Soc", "/State", "/Connected"].contains { metric.path.hasPrefix($0) }
                || ["MaxChargeVoltage", "MaxChargeCurrent", "MaxDischargeCurrent", "ChargeMode"]
                    .contains { metric.path == "/Info/\($0)" }
        }
        #expect(exact.count > 18)
        for metric in exact { #expect(metric.deadband == .none, "\(metric.path)") }
    }

    @Test(
        "a steady pack sends state at its heartbeat alone, well before the retained document expires",
        arguments: Economy.allCases)
    func steady(economy: Economy) {
        var harness = harness(economy)
        // The limits rise to their final values.
        harness.frames(160)
        harness.forget()
        var sentAt: [Int64] = []
        for _ in 0..<140 {
            harness.frames(1)
            if !harness.on("state").isEmpty { sentAt.append(harness.milliseconds) }
            harness.forget()
        }
        let gaps = zip(sentAt, sentAt.dropFirst()).map { $1 - $0 }
        #expect(gaps.allSatisfy { $0 == economy.stateHeartbeat }, "\(gaps)")
        #expect(2 * economy.stateHeartbeat <= 28_000, "the expiry that is sent")
        #expect(2 * economy.limitsHeartbeat <= 28_000)
    }

    @Test("a slow drift is sent when it has left the deadband")
    func drift() throws {
        var harness = harness()
        var shown = try #require(harness.bridge.limits(of: 0).map { _ in 53.0 })
        for step in 0..<400 {
            let truth = 53_000 + step * 5
            harness.pass(1)
            harness.frame { $0.packVoltage = Millivolts(min(truth, 53_400)) }
            if let sent = try harness.on("state").last.map({ try Document($0.payload) }) {
                shown = try #require(sent.number("Dc.Voltage"))
            }
            harness.forget()
            // 5 mV a second for an interval of 5 s, and the deadband of 53 mV.
            #expect(abs(shown - Double(min(truth, 53_400)) / 1000) <= 0.054 + 0.025)
        }
        #expect(shown > 53.3)
    }

    /// The values that readers of three topics are shown, against the truth.
    private struct Walk {
        var told: [String: Double] = [:]
        /// Seconds for which each value has been outside its deadband.
        var outside: [String: Int64] = [:]
        /// True values, newest first.
        var truths: [[String: Double]] = []
    }

    @Test(
        "in a random walk a shown value is outside its deadband no longer than the interval, and never older than the heartbeat",
        arguments: [(Economy.normal, UInt64(1)), (.normal, 2), (.low, 3), (.off, 4)])
    func randomWalk(economy: Economy, seed: UInt64) throws {
        var random = SeededRandom(seed)
        var harness = harness(economy)
        var walk = Walk()
        var (current, cell, soc) = (0, 3_310, 50)
        let watched = MetricCatalogue.state.filter { ["/Dc/0/Current", "/Dc/0/Voltage", "/Soc"].contains($0.path) }
        for second in 0..<400 {
            current = max(-90_000, min(90_000, current + Int.random(in: -12...12, using: &random) * 125))
            if second % 7 == 0 { cell = max(3_290, min(3_330, cell + Int.random(in: -1...1, using: &random) * 5)) }
            if second % 40 == 0 { soc = max(20, min(80, soc + Int.random(in: -1...1, using: &random))) }
            if second % 30 == 0 {
                let payload = second == 0 ? "" : #"{"keepalive-options":["suppress-republish"]}"#
                harness.message("R/02a1b2c3d4e5/keepalive", payload)
            }
            let frame = (current: Milliamperes(current), voltage: Millivolts(16 * cell), soc: soc)
            harness.pass(1)
            harness.frame {
                $0.current = frame.current
                $0.current1 = frame.current
                $0.packVoltage = frame.voltage
                $0.soc = frame.soc
            }
            walk.truths.insert(
                [
                    "/Dc/0/Current": Double(current) / 1000, "/Dc/0/Voltage": Double(16 * cell) / 1000,
                    "/Soc": Double(soc),
                ], at: 0)
            try hear(harness.sent, watched, &walk)
            harness.forget()
            guard second > 15 else { continue }
            check(watched, economy, walk: &walk, second)
        }
    }

    private func hear(_ sent: [MQTTMessage], _ watched: [Metric], _ walk: inout Walk) throws {
        for reader in ["state", "gx"] {
            guard let message = sent.last(where: { $0.topic == "bms/garage/\(reader)" }) else { continue }
            let document = try Document(message.payload)
            for metric in watched {
                walk.told[reader + metric.path] = document.number(metric.keys.joined(separator: "."))
            }
        }
        for metric in watched {
            let topic = "N/02a1b2c3d4e5/battery/512\(metric.path)"
            guard let message = sent.last(where: { $0.topic == topic }) else { continue }
            walk.told["tree" + metric.path] = try Document(message.payload).number("value")
        }
    }

    private func check(_ watched: [Metric], _ economy: Economy, walk: inout Walk, _ second: Int) {
        for (reader, pace, beat) in [
            ("state", economy.statePace, economy.stateHeartbeat), ("gx", 1_000, economy.gxHeartbeat),
            ("tree", 0, economy.stateHeartbeat),
        ] {
            for metric in watched {
                let key = reader + metric.path
                guard let truth = walk.truths.first?[metric.path], let shown = walk.told[key] else {
                    Issue.record("\(key) was never sent")
                    continue
                }
                let isNews = metric.deadband.isNews(Self.value(truth), after: Self.value(shown), factor: economy.factor)
                walk.outside[key] = isNews ? walk.outside[key, default: 0] + 1 : 0
                #expect(walk.outside[key, default: 0] * 1000 <= pace, "\(key), second \(second)")
                let age = Int(max(pace, beat, 1_000) / 1000) + 1
                #expect(
                    walk.truths.prefix(age).contains { $0[metric.path] == shown },
                    "\(key) shows \(shown) at second \(second), which was true within no heartbeat")
            }
        }
    }

    private static func value(_ number: Double) -> MetricValue {
        .decimal(thousandths: Int((number * 1000).rounded()), decimals: 3)
    }

    @Test(
        "a changed permission, alarm or limit goes out in the step that brings it, at any moment between two documents",
        arguments: Economy.allCases, [0, 1, 4, 7])
    func atOnce(economy: Economy, offset: Int) throws {
        var harness = harness(economy)
        harness.frames(offset)
        harness.forget()
        // An alarm needs the votes of several frames.
        while !harness.notices.contains(where: { $0.text.contains("High temperature: alarm") }),
            harness.milliseconds < 2_000_000
        {
            harness.forget()
            harness.pass(1)
            harness.frame { $0.status.insert(.tooWarm) }
        }
        #expect(try harness.document("state").number("Alarms.HighTemperature") == 2)
        #expect(try harness.document("gx").number("Alarms.HighTemperature") == 2)
        harness.forget()
        harness.pass(1)
        harness.frame { $0.status.remove(.chargeAllowed) }
        #expect(try harness.document("limits").number("ccl") == 0)
        #expect(try harness.document("state").number("Io.AllowToCharge") == 0)
        #expect(try harness.document("state").number("Info.MaxChargeCurrent") == 0)
        #expect(try harness.document("gx").number("Info.MaxChargeCurrent") == 0)
        harness.forget()
        harness.pass(1)
        harness.frame { $0.status.remove(.chargeAllowed) }
        #expect(harness.on("gx").count == 1, "again a second after news: the driver may have lost the first")
    }

    @Test("a limit by command goes out in the step that brings it", arguments: Economy.allCases)
    func commanded(economy: Economy) throws {
        var harness = harness(economy)
        harness.command("maxDischargeCurrent", "7")
        #expect(try harness.document("limits").number("dcl") == 7)
        #expect(try harness.document("state").number("Info.MaxDischargeCurrent") == 7)
    }

    @Test("in the GX tree a steady pack sends only its heartbeat, and ages and counters at the pack's heartbeat")
    func tree() {
        var harness = harness()
        harness.message("R/02a1b2c3d4e5/keepalive", "")
        harness.frames(10)
        harness.forget()
        harness.frames(40)
        let battery = harness.sent.filter { $0.topic.hasPrefix("N/02a1b2c3d4e5/battery/") }
        #expect((4...5).contains(battery.filter { $0.topic.hasSuffix("/Link/FramesAccepted") }.count))
        #expect(battery.filter { $0.topic.hasSuffix("/Dc/0/Voltage") }.isEmpty)
    }

    @Test("a GX gets a document at least at its heartbeat", arguments: Economy.allCases)
    func feed(economy: Economy) {
        var harness = harness(economy)
        harness.frames(100)
        let expected = 100_000 / max(1_000, economy.gxHeartbeat)
        #expect((expected - 1...expected + 1).contains(Int64(harness.on("gx").count)), "\(harness.on("gx").count)")
    }
}

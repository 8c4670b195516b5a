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

@Suite("GX tree", .calculates)
struct GXTreeTests {
    private static let portal = "02a1b2c3d4e5"

    private func harness(
        owner: String = "bridge-1", prefix: String = "", isForced: Bool = false,
        _ change: (inout PackOptions) -> Void = { _ in }
    ) -> BridgeHarness {
        var harness = BridgeHarness { options, pack in
            options.gxTree = GXTreeOptions(portalID: Self.portal, prefix: prefix, owner: owner, isForced: isForced)
            pack.limits.maximumChargeCurrent = Milliamperes(100_000)
            change(&pack)
        }
        harness.frames(5)
        return harness
    }

    /// Newest messages below N/<portal>/, by path.
    private func tree(_ harness: BridgeHarness, prefix: String = "") -> [String: String] {
        let start = "\(prefix)N/\(Self.portal)/"
        var result: [String: String] = [:]
        for message in harness.sent where message.topic.hasPrefix(start) {
            result[String(message.topic.dropFirst(start.count))] = String(decoding: message.payload, as: UTF8.self)
        }
        return result
    }

    private func keepAlive(_ harness: inout BridgeHarness, _ payload: String = "") {
        harness.message("R/\(Self.portal)/keepalive", payload)
    }

    @Test("the tree publishes its serial when it connects, and nothing else until a client asks")
    func connects() {
        var harness = harness()
        #expect(
            tree(harness) == [
                "system/0/Serial": #"{"owner":"bridge-1","value":"02a1b2c3d4e5"}"#, "keepalive": "1",
            ])
        #expect(
            harness.sent.filter { $0.topic.hasPrefix("N/") && $0.retain }.map(\.topic) == [
                "N/\(Self.portal)/system/0/Serial"
            ])
        harness.forget()
        harness.frames(120)
        #expect(Set(tree(harness).keys) == ["system/0/Serial"], "the serial alone is repeated")
    }

    @Test(
        "a keepalive gets the whole catalogue, cells, settings and a completion, and changed limits change their values"
    )
    func keepalive() {
        var harness = harness()
        harness.forget()
        keepAlive(&harness)
        let tree = tree(harness)
        for metric in MetricCatalogue.state { #expect(tree["battery/512\(metric.path)"] != nil, "\(metric.path)") }
        for cell in 1...16 { #expect(tree["battery/512/Voltages/Cell\(cell)"] != nil) }
        for row in SettingsTable.rows { #expect(tree["battery/512/\(row.gxPath)"] != nil, "\(row.name)") }
        #expect(tree["battery/512/Dc/0/Voltage"] == #"{"value":53.00}"#)
        #expect(tree["battery/512/Soh"] == #"{"value":null}"#)
        #expect(tree["battery/512/ProductId"] == #"{"value":65535}"#)
        #expect(tree["battery/512/Settings/MaxChargeCurrent"] == #"{"max":100,"min":0,"value":100}"#)
        #expect(tree["battery/512/Settings/ChargeEnabled"] == #"{"max":1,"min":0,"value":1}"#)
        #expect(tree["platform/0/Firmware/Installed/Version"] == #"{"value":"v3.60"}"#)
        #expect(tree["full_publish_completed"] == #"{"value":1795000005}"#)
        #expect(harness.sent.last?.topic == "N/\(Self.portal)/full_publish_completed")
        #expect(harness.sent.allSatisfy { $0.qos == 0 || !$0.topic.hasPrefix("N/") })
        harness.forget()
        harness.command("maxChargeCurrent", "30")
        let changed = self.tree(harness)
        #expect(changed["battery/512/Info/MaxChargeCurrent"] == #"{"value":30}"#)
        #expect(changed["battery/512/Settings/MaxChargeCurrent"] == #"{"max":100,"min":0,"value":30}"#)
        #expect(changed["battery/512/ProductName"] == nil, "only what changed")
    }

    @Test(
        "suppress-republish only keeps the tree alive, an echo comes back, and an unreadable keepalive counts as an empty one",
        arguments: [
            (#"{"keepalive-options":["suppress-republish"]}"#, String?.none),
            (
                #"{"keepalive-options":[{"full-publish-completed-echo":"abc"}]}"#,
                #"{"full-publish-completed-echo":"abc","value":1795000005}"#
            ),
            (
                #"{"keepalive-options":[{"full-publish-completed-echo":"x"},"suppress-republish"]}"#, nil
            ),
            ("{{{", #"{"value":1795000005}"#), (#"{"keepalive-options":7}"#, #"{"value":1795000005}"#),
            (String(repeating: "x", count: 1_000_000), #"{"value":1795000005}"#),
        ])
    func options(payload: String, completion: String?) {
        var harness = harness()
        harness.forget()
        keepAlive(&harness, payload)
        #expect(tree(harness)["full_publish_completed"] == completion)
        harness.frames(4)
        #expect(tree(harness)["heartbeat"] != nil, "alive in any case")
    }

    @Test("all values are published three times a second at most; a flood of keepalives only keeps the tree alive")
    func flood() {
        var harness = harness()
        harness.forget()
        for _ in 0..<1000 { keepAlive(&harness) }
        #expect(harness.sent.filter { $0.topic.hasSuffix("full_publish_completed") }.count == 3)
    }

    @Test("a minute after the last keepalive the tree falls silent; before, a heartbeat comes every three seconds")
    func falls() {
        var harness = harness()
        keepAlive(&harness)
        harness.forget()
        harness.frames(59) { $0.soc = 60 }
        let beats = harness.sent.filter { $0.topic.hasSuffix("/heartbeat") }.count
        #expect((18...21).contains(beats), "\(beats)")
        harness.frames(2)
        harness.forget()
        harness.frames(30) { $0.soc = 40 }
        #expect(tree(harness).keys.allSatisfy { $0 == "system/0/Serial" })
        keepAlive(&harness, #"{"keepalive-options":["suppress-republish"]}"#)
        harness.frames(1) { $0.soc = 40 }
        #expect(tree(harness)["battery/512/Soc"] == #"{"value":40}"#, "after a pause nothing counts as told")
    }

    @Test(
        "a read is answered with the path and all paths below it, and an unknown path is not answered",
        arguments: [
            ("battery/512/Soc", 1), ("battery/512/Dc/0", 7), ("battery/512/Voltages", 18), ("battery/512/So", 0),
            ("battery/513/Soc", 0), ("battery/x/Soc", 0), ("system/0", 1), ("solarcharger/0/Soc", 0), ("battery", 0),
        ])
    func read(path: String, count: Int) {
        var harness = harness()
        harness.forget()
        harness.message("R/\(Self.portal)/\(path)", "anything")
        let answers = tree(harness).count
        #expect(path == "battery" ? answers > 100 : answers == count, "\(answers)")
    }

    @Test("a write to the tree acts like a command on the set topic, is answered, and shows the value")
    func write() throws {
        var harness = harness()
        harness.forget()
        harness.message("W/\(Self.portal)/battery/512/Settings/MaxChargeCurrent", #"{"value":25}"#)
        #expect(harness.bridge.limits(of: 0)?.ccl == Milliamperes(25_000))
        #expect(tree(harness)["battery/512/Settings/MaxChargeCurrent"] == #"{"max":100,"min":0,"value":25}"#)
        harness.message("W/\(Self.portal)/battery/512/Settings/DischargeEnabled", #"{"value":0}"#)
        #expect(harness.bridge.limits(of: 0)?.dcl == .zero)
        #expect(tree(harness)["battery/512/Settings/DischargeEnabled"] == #"{"max":1,"min":0,"value":0}"#)
        #expect(harness.saves == ["garage"])
    }

    @Test(
        "a refused write changes nothing and shows the unchanged value",
        arguments: [
            ("Settings/MaxChargeCurrent", #"{"value":101}"#), ("Settings/MaxChargeCurrent", #"{"value":null}"#),
            ("Settings/MaxChargeCurrent", #"{"value":{"a":1}}"#), ("Settings/MaxChargeCurrent", #"{"value":[30]}"#),
            ("Settings/MaxChargeCurrent", "{}"), ("Settings/MaxChargeCurrent", ""),
            ("Settings/MaxChargeCurrent", #"{"value":30}{"value":40}"#),
            ("Settings/MaxChargeCurrent", "{\"value\":\"" + String(repeating: "3", count: 1_000_000) + "\"}"),
            ("Settings/ChargeEnabled", #"{"value":2}"#), ("Info/MaxChargeCurrent", #"{"value":500}"#),
            ("Soc", #"{"value":100}"#), ("Io/AllowToCharge", #"{"value":1}"#),
        ])
    func refusedWrite(path: String, payload: String) {
        var harness = harness()
        let before = harness.bridge.limits(of: 0)?.levels
        harness.forget()
        harness.answers = []
        harness.message("W/\(Self.portal)/battery/512/\(path)", payload)
        #expect(harness.bridge.limits(of: 0)?.levels == before)
        #expect(tree(harness)["battery/512/\(path)"]?.hasPrefix("{") == true)
        #expect(harness.answers.map(\.result.answer.isAccepted) == [false])
        #expect(harness.saves.isEmpty)
    }

    @Test("requests to other portals, services and instances are ignored")
    func others() {
        var harness = harness()
        harness.forget()
        harness.message("W/c0619ab1cdef/battery/512/Settings/MaxChargeCurrent", #"{"value":25}"#)
        harness.message("W/\(Self.portal)/battery/7/Settings/MaxChargeCurrent", #"{"value":25}"#)
        harness.message("W/\(Self.portal)/settings/512/Settings/MaxChargeCurrent", #"{"value":25}"#)
        harness.message("W/\(Self.portal)", #"{"value":25}"#)
        #expect(tree(harness).isEmpty)
        #expect(harness.bridge.limits(of: 0)?.ccl != Milliamperes(25_000))
    }

    @Test("each pack is a battery of its own, and a write reaches the battery that it names")
    func severalPacks() {
        var options = BridgeOptions()
        options.gxTree = GXTreeOptions(portalID: Self.portal, owner: "bridge-1")
        let packs = [("garage", 512), ("shed", 513)].map { id, instance in
            var pack = PackOptions(id: id)
            pack.gxInstance = instance
            pack.limits.maximumChargeCurrent = Milliamperes(100_000)
            return pack
        }
        var bridge = Bridge(options, packs: packs)
        func moment(_ second: Int64) -> Moment { Moment(monotonic: .seconds(Double(second)), wall: second * 1000) }
        _ = bridge.connected(canExpire: true, at: moment(0))
        for second in 1...5 as ClosedRange<Int64> {
            for pack in 0...1 { _ = bridge.receive(FrameFixture.bytes(), pack: pack, at: moment(second)) }
        }
        let all = bridge.receive(MQTTMessage("R/\(Self.portal)/keepalive", []), at: moment(6))
        for instance in [512, 513] {
            #expect(all.messages.contains { $0.topic == "N/\(Self.portal)/battery/\(instance)/Soc" })
        }
        _ = bridge.receive(
            MQTTMessage("W/\(Self.portal)/battery/513/Settings/MaxChargeCurrent", Array(#"{"value":7}"#.utf8)),
            at: moment(7))
        #expect(bridge.limits(of: 1)?.ccl == Milliamperes(7_000))
        #expect(bridge.limits(of: 0)?.ccl != Milliamperes(7_000))
    }

    @Test("a prefix is the first level of all topics of the tree")
    func prefix() {
        var harness = harness(prefix: "victron")
        harness.forget()
        harness.message("victron/R/\(Self.portal)/keepalive", "")
        #expect(tree(harness, prefix: "victron/")["battery/512/Soc"] != nil)
        #expect(harness.bridge.subscriptions.contains { $0.filter == "victron/R/\(Self.portal)/#" })
        harness.forget()
        keepAlive(&harness)
        #expect(harness.sent.filter { $0.topic.contains("full_publish") }.isEmpty)
    }

    @Test("with stale data no limit but zero stays, and measurements are null")
    func stale() {
        var harness = harness()
        keepAlive(&harness)
        harness.silence(12)
        #expect(tree(harness)["battery/512/Info/MaxChargeCurrent"] == #"{"value":0}"#)
        #expect(tree(harness)["battery/512/Connected"] == #"{"value":0}"#)
        #expect(tree(harness)["battery/512/Dc/0/Current"] == #"{"value":null}"#)
        #expect(tree(harness)["battery/512/Alarms/BmsCable"] == #"{"value":1}"#)
        harness.silence(46)
        keepAlive(&harness)
        harness.silence(5)
        #expect(tree(harness)["battery/512/Info/MaxDischargeCurrent"] == #"{"value":0}"#)
    }

    @Test("at the end each published topic is emptied")
    func farewell() {
        var harness = harness()
        #expect(harness.bridge.treeFarewell(at: harness.now.monotonic).isEmpty, "nothing was told")
        keepAlive(&harness)
        let farewell = harness.bridge.treeFarewell(at: harness.now.monotonic)
        #expect(farewell.count > 150)
        #expect(farewell.allSatisfy { $0.payload.isEmpty && $0.topic.hasPrefix("N/\(Self.portal)/battery/512/") })
    }

    @Test("at the end no topic is emptied with which another bridge goes on")
    func yieldedFarewell() {
        var harness = harness(owner: "b")
        keepAlive(&harness)
        harness.message("N/\(Self.portal)/system/0/Serial", #"{"owner":"a","value":"02a1b2c3d4e5"}"#)
        #expect(harness.bridge.treeFarewell(at: harness.now.monotonic).isEmpty)
    }

    @Test("another client's values are reported once, and corrected five times at most")
    func foreign() {
        var harness = harness()
        keepAlive(&harness)
        harness.forget()
        for _ in 0..<100 { harness.message("N/\(Self.portal)/battery/512/Info/MaxChargeCurrent", #"{"value":500}"#) }
        let truths = harness.sent.filter { $0.topic.hasSuffix("/Info/MaxChargeCurrent") }
        #expect(truths.count == 5)
        #expect(harness.notices.filter { $0.text.contains("another client publishes on") }.count == 1)
    }

    @Test("of two bridges with one portal id only the first by name publishes the tree; both report it once")
    func twoBridges() {
        var first = harness(owner: "a")
        var second = harness(owner: "b")
        for _ in 0..<3 {
            first.message("N/\(Self.portal)/system/0/Serial", #"{"owner":"b","value":"02a1b2c3d4e5"}"#)
            second.message("N/\(Self.portal)/system/0/Serial", #"{"owner":"a","value":"02a1b2c3d4e5"}"#)
        }
        first.forget()
        second.forget()
        keepAlive(&first)
        keepAlive(&second)
        #expect(tree(first)["full_publish_completed"] != nil)
        #expect(tree(second).isEmpty)
        for harness in [first, second] {
            #expect(harness.notices.filter { $0.text.contains("uses the portal id \(Self.portal), too") }.count == 1)
        }
        second.frames(185)
        keepAlive(&second)
        #expect(tree(second)["full_publish_completed"] != nil, "the other is gone")
    }

    private static let gx = "c0619ab1cdef"

    private func meet(_ harness: inout BridgeHarness, _ portal: String = gx, owner: String? = nil, isGone: Bool = false)
    {
        let owner = owner.map { #""owner":"\#($0)","# } ?? ""
        harness.message(
            "N/\(portal)/system/0/Serial", isGone ? "" : #"{\#(owner)"value":"\#(portal)"}"#, isRetained: !isGone)
    }

    @Test(
        "the portal of a real GX silences the tree and is reported once with the remedy; a bridge's portal does not",
        arguments: [
            (gx, String?.none, true), ("02ffffffffff", nil, true), ("02ffffffffff", "shed", false), (gx, "shed", false),
            ("nonsense", nil, false), ("", nil, false),
        ])
    func realGX(portal: String, owner: String?, isGX: Bool) {
        var harness = harness()
        keepAlive(&harness)
        harness.forget()
        for _ in 0..<2 { meet(&harness, portal, owner: owner) }
        let told = harness.notices.filter { $0.text.contains("a GX device (portal id \(portal))") }
        #expect(told.count == (isGX ? 1 : 0))
        #expect(told.allSatisfy { $0.text.contains("gx.tree: true publishes it all the same") })
        let cleared = harness.sent.filter {
            $0.topic == "N/\(Self.portal)/system/0/Serial" && $0.payload.isEmpty && $0.retain
        }
        #expect(cleared.count == (isGX ? 1 : 0))
        let values = harness.sent.filter { $0.topic.hasPrefix("N/\(Self.portal)/battery/") && $0.payload.isEmpty }
        #expect(values.isEmpty != isGX, "clients hear that the values are gone")
        harness.forget()
        keepAlive(&harness)
        harness.message("R/\(Self.portal)/battery/512/Soc", "")
        harness.frames(130)
        #expect(tree(harness).isEmpty == isGX)
    }

    @Test("a tree that starts beside a GX publishes no serial, and removes that of an earlier run")
    func gxFirst() {
        var harness = BridgeHarness { options, _ in
            options.gxTree = GXTreeOptions(portalID: Self.portal, owner: "bridge-1")
        }
        meet(&harness)
        harness.frames(130)
        #expect(harness.sent.filter { $0.topic.hasPrefix("N/") }.allSatisfy { $0.payload.isEmpty })
        #expect(
            harness.sent.contains { $0.topic == "N/\(Self.portal)/system/0/Serial" && $0.retain },
            "one of before is taken back")
    }

    @Test("with gx.tree: true the tree is published beside a GX, and the log names the consequence")
    func forced() {
        var harness = harness(isForced: true)
        meet(&harness)
        meet(&harness)
        keepAlive(&harness)
        #expect(tree(harness)["full_publish_completed"] != nil)
        #expect(harness.notices.filter { $0.text.contains("may take this bridge for the GX") }.count == 1)
        #expect(!harness.sent.contains { $0.topic.hasPrefix("N/") && $0.payload.isEmpty })
    }

    @Test("when the last GX has left the broker the tree is published again")
    func gxGone() {
        var harness = harness()
        meet(&harness)
        meet(&harness, "c0619ab1cde0")
        meet(&harness, isGone: true)
        harness.frames(5)
        harness.forget()
        harness.frames(1)
        #expect(tree(harness).isEmpty, "one is still there")
        meet(&harness, "c0619ab1cde0", isGone: true)
        harness.frames(1)
        #expect(tree(harness)["system/0/Serial"] == #"{"owner":"bridge-1","value":"02a1b2c3d4e5"}"#)
        keepAlive(&harness)
        #expect(tree(harness)["full_publish_completed"] != nil)
    }

    @Test(
        "a serial that is not retained silences the tree for three minutes, or until the next connection on MQTT 3.1.1"
    )
    func notKept() {
        var harness = harness()
        harness.message("N/\(Self.gx)/system/0/Serial", #"{"value":"\#(Self.gx)"}"#)
        harness.frames(170)
        harness.forget()
        keepAlive(&harness)
        #expect(tree(harness).isEmpty)
        harness.frames(15)
        #expect(tree(harness)["system/0/Serial"] != nil)
        keepAlive(&harness)
        #expect(tree(harness)["full_publish_completed"] != nil)
        // The serial is retained after all, so it stays.
        meet(&harness)
        harness.message("N/\(Self.gx)/system/0/Serial", #"{"value":"\#(Self.gx)"}"#)
        harness.forget()
        harness.frames(400)
        #expect(tree(harness).isEmpty)
        harness.connect(canExpire: false)
        harness.message("N/\(Self.gx)/system/0/Serial", #"{"value":"\#(Self.gx)"}"#)
        harness.forget()
        harness.frames(400)
        #expect(tree(harness).isEmpty)
    }

    @Test(
        "a live message of another bridge with the same portal silences the tree even with the retain flag; a message left behind does not"
    )
    func keptSerial() {
        var harness = harness()
        harness.connect()
        harness.message("N/\(Self.portal)/system/0/Serial", #"{"owner":"a","value":"02a1b2c3d4e5"}"#, isRetained: true)
        harness.frames(5)
        keepAlive(&harness)
        #expect(tree(harness)["full_publish_completed"] != nil)
        harness.message("N/\(Self.portal)/system/0/Serial", #"{"owner":"a","value":"02a1b2c3d4e5"}"#, isRetained: true)
        harness.forget()
        keepAlive(&harness)
        #expect(tree(harness)["full_publish_completed"] == nil)
    }

    @Test("a thousand foreign portals cause a bounded number of log lines")
    func manyPortals() {
        var harness = harness()
        for number in 0..<1000 { meet(&harness, "c0619ab\(10_000 + number)") }
        #expect(harness.notices.filter { $0.text.contains("a GX device") }.count == 16)
    }
}

import BatteryEngine
import MQTTBridge
import TestSupport
import Testing

@testable import bms_mqtt

@Suite("File of announced packs")
struct AnnouncedTests {
    private static let topics = Topics(base: "bms", discoveryPrefix: "homeassistant")

    private func packs(_ ids: String...) -> AnnouncedPacks {
        Dictionary(uniqueKeysWithValues: ids.map { (DepartedPack(Self.topics, $0), []) })
    }

    @Test("a written file is read by the bridge of its client id alone")
    func roundTrip() {
        let folder = TemporaryFolder()
        let store = StateStore(directory: folder.path + "/state")
        #expect(store.saveAnnounced(packs("garage", "shed"), "one") == nil)
        #expect(store.loadAnnounced("one") { Issue.record("\($0)") } == packs("garage", "shed"))
        #expect(store.loadAnnounced("two") { Issue.record("\($0)") }.isEmpty)
        var cleared = packs("garage", "shed")
        cleared[DepartedPack(Self.topics, "shed")] = ["broker-a:1883", "[2001:db8::7]:1883"]
        #expect(store.saveAnnounced(cleared, "one") == nil)
        #expect(store.loadAnnounced("one") { Issue.record("\($0)") } == cleared)
    }

    @Test("a file of a thousand packs with the longest names is read in full")
    func many() {
        let folder = TemporaryFolder()
        let store = StateStore(directory: folder.path + "/state")
        let tail = String(repeating: "x", count: 27)
        let topics = Topics(base: tail + tail, discoveryPrefix: tail + tail)
        let all = Dictionary(
            uniqueKeysWithValues: (1000..<2000).map {
                (DepartedPack(topics, "p\($0)\(tail)"), Set(["\(tail)\(tail):1883"]))
            })
        #expect(store.saveAnnounced(all, "one") == nil)
        #expect(store.loadAnnounced("one") { Issue.record("\($0)") } == all)
    }

    @Test(
        "a damaged file is set aside and reported, and gives no packs",
        arguments: [
            "{", #"{"version":2,"packs":[]}"#, #"{"version":1,"packs":[{"base":"bms","prefix":"ha","id":"A"}]}"#,
            #"{"version":1,"packs":[{"base":"a+b","prefix":"ha","id":"a"}]}"#,
            #"{"version":1,"packs":[{"base":"bms","id":"a"}]}"#,
            "{\"version\":1,\"packs\":[{\"base\":\"bms\",\"prefix\":\"ha\",\"id\":\"a\",\"cleared\":[\"\(String(repeating: "b", count: 301))\"]}]}",
            #"{"version":1,"packs":{}}"#,
        ])
    func damaged(text: String) {
        let folder = TemporaryFolder()
        let store = StateStore(directory: folder.path)
        #expect(store.saveAnnounced(packs("garage"), "one") == nil)
        let name = "bridge.\(Machine.portalID("one")).json"
        #expect(Repository.read("\(folder.path)/\(name)").contains("garage"))
        folder.write(text, name)
        var complaints: [String] = []
        #expect(store.loadAnnounced("one") { complaints.append($0) }.isEmpty)
        #expect(complaints.count == 1 && complaints.first?.contains(name) == true)
        #expect(
            complaints.first?.contains("announcements of packs that left the configuration are not removed") == true)
    }

    @Test("served packs are not departed ones; another discovery prefix makes no other pack, but another base does")
    func departed() throws {
        let folder = TemporaryFolder()
        let file = folder.write("packs: [{ id: garage, source: \"simulator:day\" }]\n", "c.yaml")
        let plan = try ConfigurationFile.load(file).plan
        #expect(plan.departed(of: packs("garage", "shed")) == packs("shed"))
        let others = [
            Topics(base: "bms", discoveryPrefix: "ha"), Topics(base: "barn", discoveryPrefix: "homeassistant"),
        ]
        let named = Dictionary(uniqueKeysWithValues: others.map { (DepartedPack($0, "garage"), Set(["a:1883"])) })
        #expect(plan.departed(of: named) == [DepartedPack(others[1], "garage"): ["a:1883"]])
    }
}

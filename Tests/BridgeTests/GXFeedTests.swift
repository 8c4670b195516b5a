import BMSCore
import MQTT
import SmartBMS
import FoundationEssentials
import JSON
import TestSupport
import TestThreads
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

/// Golden documents. After an intended change, write them again and read the difference:
///
///     GX_FEED=write swift test --filter GXFeed && git diff Tests/Fixtures/gx
@Suite("GX feed: documents of each situation", .calculates)
struct GXFeedDocumentTests {
    private static let folder = "Tests/Fixtures/gx"
    private static let isWriting = ProcessInfo.processInfo.environment["GX_FEED"] == "write"

    /// The run of each situation, played once.
    private static let runs = Dictionary(uniqueKeysWithValues: GXFeedSituation.all.map { ($0.name, $0.run()) })

    @Test("no document of any situation traps the driver", arguments: GXFeedSituation.all)
    func traps(situation: GXFeedSituation) throws {
        let run = try #require(Self.runs[situation.name])
        #expect(!run.sightings.isEmpty)
        #expect(GXFeedChecker.faults(run).isEmpty)
    }

    @Test("the newest document shows the situation", arguments: GXFeedSituation.all)
    func shown(situation: GXFeedSituation) throws {
        let document = try Document(try #require(Self.runs[situation.name]?.sightings.last).message.payload)
        for (path, value) in situation.shows.sorted(by: { $0.key < $1.key }) {
            #expect(document[path] == value, "\(path)")
        }
    }

    @Test("the newest document is the golden one, byte for byte", arguments: GXFeedSituation.all)
    func golden(situation: GXFeedSituation) throws {
        let payload = try #require(Self.runs[situation.name]?.sightings.last).message.payload
        let path = "\(Self.folder)/\(situation.name).json"
        if Self.isWriting { try Data(Self.lines(payload)).write(to: URL(filePath: Repository.path(path))) }
        #expect(Repository.text(path) == String(decoding: Self.lines(payload), as: UTF8.self))
    }

    @Test("each golden document belongs to a situation")
    func orphans() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Repository.path(Self.folder))
        let names = GXFeedSituation.all.map { "\($0.name).json" }
        #expect(Set(names).count == names.count)
        #expect(Set(files) == Set(names))
    }

    @Test("each alarm of the feed occurs at each of its levels")
    func levels() throws {
        var seen: Set<String> = []
        for situation in GXFeedSituation.all {
            for (path, value) in situation.shows where path.hasPrefix("Alarms.") {
                seen.insert("\(path.dropFirst(7)) \(value.number ?? -1)")
            }
        }
        // A GX drops a battery that is lost, so the cable's alarm has no document. The others have one level only.
        let none: Set = [
            "BmsCable 2.0", "CellImbalance 2.0", "HighTemperature 1.0", "InternalFailure 1.0",
            "LowChargeTemperature 2.0",
        ]
        let alarms = AlarmTable.rows.filter(\.isInGXFeed).map(\.name)
        let all = Set(alarms.flatMap { ["\($0) 1.0", "\($0) 2.0"] })
        #expect(all.subtracting(none).subtracting(seen).isEmpty)
    }

    /// Lines of the document, one for each member; its bytes are the file's without line feeds.
    private static func lines(_ payload: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var depth = 0
        var isText = false
        var isEscaped = false
        for byte in payload {
            result.append(byte)
            if isText {
                if byte == UInt8(ascii: "\""), !isEscaped { isText = false }
                isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isText = true
            case UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "}"): depth -= 1
            case UInt8(ascii: ",") where depth == 1: result.append(UInt8(ascii: "\n"))
            default: break
            }
        }
        return result + [UInt8(ascii: "\n")]
    }
}

@Suite("GX feed: runs", .calculates)
struct GXFeedRunTests {
    @Test("documents come once a second for 60 s of silence, and none after")
    func silence() {
        var play = GXFeedPlay()
        play.frames(60)
        let before = play.run.sightings.count
        play.silence(60)
        #expect((59...61).contains(play.run.sightings.count - before))
        let said = play.run.sightings.count
        play.silence(600)
        #expect(play.run.sightings.count == said)
        #expect(GXFeedChecker.faults(play.run).isEmpty)
    }

    @Test("a document expires ten seconds after its data; older data that is not stale has no document")
    func expiry() {
        var harness = BridgeHarness { _, pack in pack.decoding.freshness.stale = 30_000 }
        harness.frames(5)
        #expect(harness.on("gx").last?.expiry == 9)
        harness.silence(7)
        #expect(harness.on("gx").last?.expiry == 2)
        harness.silence(3)
        #expect(harness.on("gx").last?.expiry == 1)
        harness.forget()
        harness.silence(20)
        #expect(harness.on("gx").isEmpty && !harness.on("limits").isEmpty)
        harness.silence(2)
        // Safe limits depend on no data.
        #expect(harness.on("gx").last?.expiry == 9)
    }

    @Test("while frames come each second, each document goes out with a frame and none with a tick")
    func freshness() {
        var harness = BridgeHarness()
        harness.frames(5)
        for _ in 0..<30 {
            harness.pass(0.8)
            harness.forget()
            harness.tick()
            #expect(harness.on("gx").isEmpty)
            harness.pass(0.2)
            harness.frame()
            #expect(harness.on("gx").count == 1)
        }
    }

    @Test("cells that no longer exist stay in the document as unknown, because the driver would keep their last values")
    func fewerCells() throws {
        var play = GXFeedPlay()
        play.frames(60)
        play.frames(60) {
            $0.cellCount = 15
            $0.highestTemperatureCell = 15
            $0.setCells(low: 3305, high: 3320)
        }
        #expect(GXFeedChecker.faults(play.run).isEmpty)
        let last = try Document(try #require(play.run.sightings.last).message.payload)
        #expect(last.isNull("Voltages.Cell16") && !last.isNull("Voltages.Cell15"))
    }

    @Test("without a current sensor no document is ever sent")
    func noSensor() {
        var play = GXFeedPlay()
        play.frames(120) { ($0.current, $0.current1) = (nil, nil) }
        play.silence(120)
        #expect(play.run.sightings.isEmpty)
    }

    @Test("a day with all situations in one run keeps its keys, its rate and every other rule")
    func everything() {
        var play = GXFeedPlay()
        for _ in 0..<2 {
            play.frames(120)
            play.silence(8)
            play.frames(30) { $0.status = [.noCellCommunication] }
            play.silence(45)
            play.frames(30) { $0.status = [.dischargeAllowed, .cellTooHigh] }
            play.command("chargeEnabled", "OFF")
            play.frames(30) { $0.current = Milliamperes(-200_000) }
            play.command("chargeEnabled", "ON")
            play.keys = play.keys == nil ? GXFeedPlay.usualKeys : nil
            play.silence(180)
        }
        #expect(play.run.sightings.count > 400)
        #expect(GXFeedChecker.faults(play.run).isEmpty)
    }
}

@Suite("GX feed: the checker")
struct GXFeedCheckerTests {
    /// A correct run.
    private static let sound: GXFeedRun = {
        var play = GXFeedPlay()
        play.frames(60)
        play.run.sightings.removeFirst(40)
        return play.run
    }()

    private static func rules(_ run: GXFeedRun) -> Set<GXFeedChecker.Rule> {
        Set(GXFeedChecker.faults(run).map(\.rule))
    }

    /// The rules that a run breaks after one piece of its newest document is replaced.
    private static func rules(replacing old: String, by new: String) throws -> Set<GXFeedChecker.Rule> {
        var run = sound
        run.sightings.removeFirst(run.sightings.count - 2)
        let last = 1
        let text = String(decoding: run.sightings[last].message.payload, as: UTF8.self)
        let pieces = text.split(separator: old, maxSplits: 1, omittingEmptySubsequences: false)
        try #require(pieces.count == 2, "\(old) is in the document")
        run.sightings[last].message.payload = Array("\(pieces[0])\(new)\(pieces[1])".utf8)
        return rules(run)
    }

    @Test("a correct run has no fault")
    func quiet() { #expect(GXFeedChecker.faults(Self.sound).isEmpty) }

    @Test(
        "each trap in a document is refused by its rule",
        arguments: [
            (#""Power":530.0,"#, "", "requiredMissing keySet"), (#""Voltage":53.000,"#, "", "requiredMissing keySet"),
            (#""Soc":50,"#, "", "requiredMissing keySet"), (#""Soc":50"#, #""Soc":null"#, "requiredNull"),
            (#""Power":530.0"#, #""Power":null"#, "requiredNull"),
            (#""Voltage":53.000"#, #""Voltage":null"#, "requiredNull"),
            (#""Voltage":53.000"#, #""Voltage":"53.0""#, "number"), (#""Soc":50"#, #""Soc":true"#, "number"),
            (#""Soh":92"#, #""Soh":false"#, "number"), (#""Soh":92"#, #""Soh":[92]"#, "number"),
            (#""Soc":50"#, #""Soc":101"#, "range"), (#""Voltage":53.000"#, #""Voltage":0"#, "range"),
            (#""Soh":92"#, #""Soh":NaN"#, "json"), (#""Soh":92"#, #""Soh":-Infinity"#, "json"),
            (#""Soh":92"#, #""Soh":92,"ErrorCode":0"#, "unknownKey keySet"),
            (#""Soh":92"#, #""Soh":92,"Connected":1"#, "unknownKey keySet"),
            (#""Soh":92,"#, "", "keySet"), (#""MinCellVoltage":3.305,"#, "", "systemKeys keySet"),
            (#","Sum":53.000"#, "", "systemKeys keySet"), (#","Diff":0.015"#, "", "systemKeys keySet"),
            (#""MinVoltageCellId":"C3""#, #""MinVoltageCellId":3"#, "text"),
            (#","Sum":"#, #","Cell25":3.3,"Sum":"#, "cellCount keySet"),
            (#""MaxChargeCurrent":140"#, #""MaxChargeCurrent":139.5"#, "currentLimit"),
            (#""MaxChargeCurrent":140"#, #""MaxChargeCurrent":1"#, "currentLimit"),
            (#""MaxDischargeCurrent":280"#, #""MaxDischargeCurrent":-2"#, "currentLimit"),
            (#""MaxChargeCurrent":140"#, #""MaxChargeCurrent":null"#, "limitWithdrawn"),
            (#""MaxChargeVoltage":54.88,"#, "", "limitWithdrawn keySet"),
            (#""MaxChargeVoltage":54.88"#, #""MaxChargeVoltage":0.00"#, "voltageLimit"),
            (#""ConsumedAmphours":-"#, #""ConsumedAmphours":"#, "consumed"),
            (#""BmsCable":0"#, #""BmsCable":3"#, "alarmLevel"), (#""BmsCable":0"#, #""BmsCable":true"#, "number"),
            (#""AllowToCharge":1"#, #""AllowToCharge":2"#, "flag"),
            (#""AllowToCharge":1"#, #""AllowToCharge":true"#, "number"), ("{", "", "json"),
        ])
    func document(old: String, new: String, names: String) throws {
        let expected = names.split(separator: " ").compactMap { GXFeedChecker.Rule(rawValue: String($0)) }
        var found = try Self.rules(replacing: old, by: new)
        // A document that is not JSON has no keys to compare.
        if found.contains(.json) { found.remove(.keySet) }
        #expect(found == Set(expected))
    }

    @Test("nested, wrapped and empty documents are refused")
    func forms() {
        for (text, rule) in [
            (#"{"Dc":{"0":{"Power":1,"Voltage":53}},"Soc":50}"#, GXFeedChecker.Rule.unknownKey),
            (#"{"value":"{}"}"#, .requiredMissing), (#"{"Soc":{"a":50}}"#, .unknownKey), ("", .json), ("{}", .json),
        ] {
            var run = Self.sound
            run.sightings[0].message.payload = Array(text.utf8)
            #expect(Self.rules(run).contains(rule), "\(text)")
        }
    }

    @Test("a retained message and another topic are refused")
    func delivery() {
        var run = Self.sound
        run.sightings[3].message.retain = true
        #expect(Self.rules(run) == [.retained])
        run = Self.sound
        run.sightings[3].message.topic = "bms/cellar/gx"
        #expect(Self.rules(run) == [.topic])
    }

    @Test("two documents in one second of the wall clock are refused")
    func sameSecond() {
        var run = Self.sound
        run.sightings[5].wall = run.sightings[4].wall + 1
        #expect(Self.rules(run) == [.sameSecond])
    }

    @Test("a gap above 2 s is refused while data is no older than 60 s, at the end of a run, too")
    func gaps() {
        var run = Self.sound
        run.sightings.remove(at: 10)
        #expect(Self.rules(run).isEmpty, "2 s are not above 2 s")
        run.sightings.remove(at: 10)
        #expect(Self.rules(run) == [.gap])
        run = Self.sound
        run.end += 2_001
        #expect(Self.rules(run) == [.gap])
    }

    @Test("a document later than 60 s after the last frame is refused")
    func silence() throws {
        let last = try #require(Self.sound.sightings.last)
        for (age, rules) in [(60_000, []), (60_001, [GXFeedChecker.Rule.silence])] {
            var run = Self.sound
            for step in Array(stride(from: 1_000, through: 59_000, by: 1_000)) + [age] {
                run.sightings.append(GXFeedRun.Sighting(message: last.message, wall: last.wall + Int64(step)))
            }
            run.end = last.wall + Int64(age)
            #expect(Self.rules(run) == Set(rules))
        }
    }
}

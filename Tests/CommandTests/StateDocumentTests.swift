import BMSCore
import SmartBMS
import ChargeLimits
import BatteryEngine
import MQTTBridge
import TestSupport
import Testing

@testable import bms_mqtt

@Suite("Age of a kept state")
struct StateDocumentTests {
    private static let levels = Limits.Levels(
        cvl: Millivolts(54_880), ccl: Milliamperes(42_500), dcl: Milliamperes(98_000))

    private static let state: PackState = {
        var memory = LimitMemory(cellCount: 16, capacity: WattHours(5200), secondsSinceFull: 60)
        memory.latches = [.empty, .deepDischarge, .maximumSoc]
        memory.sag = 2.5
        memory.cellSettings.low = Millivolts(3_000)
        memory.cellSettings.nominal = Millivolts(3_300)
        memory.cellSettings.full = Millivolts(3_450)
        memory.recent = LimitMemory.Recent(
            age: 1_000, levels: levels, numbers: [.trim: 31.25], stalledSoc: 97, state: .balancing)
        let mode = StoredSetting(.word("full"), setAt: 1_000, age: 5_000)
        return PackState(memory: memory, settings: ["chargeMode": mode])
    }()

    private static func moment(_ wall: Int64, boot: String? = nil, _ at: Int64 = 0) -> StateMoment {
        StateMoment(wall: wall, boot: boot.map { StateMoment.Boot(id: $0, at: at) })
    }

    private func reload(from old: StateMoment, to new: StateMoment) -> PackState? {
        StateDocument.parse(StateDocument.bytes(Self.state, at: old), at: new)
    }

    @Test("A state comes back complete, a minute older")
    func roundTrip() throws {
        let state = try #require(reload(from: Self.moment(100_000), to: Self.moment(160_000)))
        var expected = Self.state
        expected.memory?.recent?.age = 61_000
        expected.memory?.secondsSinceFull = 120
        expected.settings["chargeMode"]?.age = 65_000
        #expect(state == expected)
    }

    @Test(
        "Within one boot the monotonic clock gives the age, over a boot the wall clock, unless it was set back"
    )
    func clocks() {
        func age(_ old: StateMoment, _ new: StateMoment) -> Int64? { reload(from: old, to: new)?.memory?.recent?.age }
        let old = Self.moment(1_000_000, boot: "a", 500_000)
        #expect(age(old, Self.moment(99_000_000, boot: "a", 530_000)) == 31_000, "the wall was set forward")
        #expect(age(old, Self.moment(0, boot: "a", 530_000)) == 31_000, "and back")
        #expect(age(old, Self.moment(1_030_000, boot: "a", 499_999)) == nil, "a boot clock cannot run back")
        #expect(age(old, Self.moment(1_030_000, boot: "b", 10)) == 31_000, "another boot")
        #expect(age(old, Self.moment(999_999, boot: "b", 10)) == nil, "before the file's time")
        #expect(age(Self.moment(1_000_000), Self.moment(1_030_000, boot: "b", 10)) == 31_000, "an old file")
    }

    @Test(
        "Values of the last minutes end after ten minutes, and latches outlast any stop",
        arguments: [-1, 599_000, 600_000])
    func lifetime(stop: Int64) throws {
        let memory = try #require(reload(from: Self.moment(1_000), to: Self.moment(1_000 + stop))?.memory)
        #expect((memory.recent != nil) == (stop == 599_000))
        #expect(memory.latches == [.empty, .deepDischarge, .maximumSoc])
        let year = try #require(reload(from: Self.moment(0), to: Self.moment(31_536_000_000))?.memory)
        #expect(year.latches == memory.latches)
        #expect(year.recent == nil)
    }

    private func parse(_ members: String) -> PackState? {
        let text = #"{"version":1,"savedAt":0,"cells":16,"capacityWh":5200,"settings":{},\#(members)}"#
        return StateDocument.parse(Array(text.utf8), at: Self.moment(0))
    }

    @Test("A file of an older program has neither latches nor last values")
    func older() throws {
        let memory = try #require(parse(#""secondsSinceFull":7"#)?.memory)
        #expect(memory.latches.isEmpty)
        #expect(memory.recent == nil)
    }

    @Test("A latch of a newer version is left out, and a wrong list of latches makes the file a damaged one")
    func latches() {
        #expect(parse(#""latches":["reserve","fromTheFuture"]"#)?.memory?.latches == [.reserve])
        for bad in [
            #""reserve""#, #"{"reserve":true}"#, "[1]", "null", "[\(String(repeating: "\"x\",", count: 200))\"x\"]",
        ] {
            #expect(parse("\"latches\":\(bad)") == nil, "\(bad)")
        }
    }

    @Test(
        "Impossible last values are all left out, and the rest of the file is used",
        arguments: [
            #""age":-1"#, #""age":600001"#, #""age":1e300"#, #""age":"0""#, #""trim":70.5"#, #""trim":-1"#,
            #""trim":null"#,
            #""trim":1e999"#, #""state":"boost""#, #""state":3"#, #""stalledSoc":101"#, #""stalledSoc":"97""#,
            #""cvl":-5"#, #""cvl":2000001"#, #""ccl":1e12"#, #""dcl":0.5"#, #""dcl":null"#,
        ])
    func wild(member: String) throws {
        let good = [
            ("age", "0"), ("cvl", "54000"), ("ccl", "1000"), ("dcl", "2000"), ("trim", "5"), ("stalledSoc", "97"),
            ("state", #""bulk""#),
        ]
        let name = String(member.dropFirst().prefix { $0 != "\"" })
        let members = good.filter { $0.0 != name }.map { "\"\($0.0)\":\($0.1)" }
        #expect(
            parse(
                "\"recent\":{\((members + ["\"\(name)\":\(good.first { $0.0 == name }?.1 ?? "")"]).joined(separator: ","))}"
            )?
            .memory?.recent != nil)
        let state = parse("\"recent\":{\((members + [member]).joined(separator: ","))}")
        #expect(state?.memory?.recent == nil)
        // A text that is not a number makes the JSON invalid, and then the whole file is damaged.
        if !member.contains("1e999") { #expect(state?.memory?.cellCount == 16) }
    }

    @Test("Each number of a rule comes back, and one beyond its range discards the last values")
    func numbers() throws {
        for number in LimitMemory.Number.allCases {
            for bound in [number.range.lowerBound, number.range.upperBound] {
                var state = Self.state
                state.memory?.recent?.numbers = [number: bound]
                let bytes = StateDocument.bytes(state, at: Self.moment(0))
                let back = try #require(StateDocument.parse(bytes, at: Self.moment(0))?.memory?.recent)
                #expect(back.numbers == [number: bound])
            }
            for wild in ["\(number.range.upperBound + 1)", "\(number.range.lowerBound - 1)", "null", "\"1\"", "[]"] {
                let recent = "\"recent\":{\"age\":0,\"state\":\"bulk\",\"\(number.rawValue)\":\(wild)}"
                #expect(try #require(parse(recent)).memory?.recent == nil, "\(number) \(wild)")
            }
        }
    }

    @Test("The exchange between packs of a bank is valid for ten minutes", arguments: [0, 600_000, 600_001, -1])
    func exchange(stop: Int64) throws {
        var share = BankShare(bank: "house", capacity: WattHours(5_200), charge: 0.5, discharge: 0.5)
        share.chargeExchange = -2_500
        share.dischargeExchange = 2_500
        let bytes = StateDocument.bytes(PackState(share: share), at: Self.moment(1_000))
        let back = try #require(StateDocument.parse(bytes, at: Self.moment(1_000 + stop))?.share)
        let counts = (0...600_000).contains(stop)
        #expect(back.discharge == 0.5)
        #expect(back.chargeExchange == (counts ? -2_500 : nil))
        #expect(back.dischargeExchange == (counts ? 2_500 : nil))
    }

    @Test(
        "Damaged bytes do not end the program, and never give more than limits can be",
        arguments: [1, 2, 3] as [UInt64])
    func damage(seed: UInt64) {
        var random = SeededRandom(seed)
        let good = StateDocument.bytes(Self.state, at: Self.moment(5, boot: "a", 9))
        for _ in 0..<3_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0x20...0x7E, using: &random)
            }
            let now = Self.moment(
                .random(in: .min ... .max, using: &random), boot: "a", .random(in: .min ... .max, using: &random))
            guard let recent = StateDocument.parse(bytes, at: now)?.memory?.recent else { continue }
            #expect((0...LimitMemory.Recent.lifetime).contains(recent.age))
            #expect(recent.numbers.allSatisfy { $0.key.range.contains($0.value) })
        }
    }

    @Test("A bank's document has its packs, and one damaged pack makes it a damaged one")
    func packs() {
        let bytes = StateDocument.bytes(packs: ["a": Self.state, "b": PackState()], at: Self.moment(0))
        let states = StateDocument.parsePacks(bytes, at: Self.moment(1_000))
        #expect(states?["a"]?.memory?.recent?.age == 2_000)
        #expect(states?["b"] == PackState())
        #expect(
            StateDocument.parsePacks(StateDocument.bytes(Self.state, at: Self.moment(0)), at: Self.moment(0)) == nil)
        let bad = #"{"version":1,"savedAt":0,"packs":{"a":{"cells":0,"settings":{}}}}"#
        #expect(StateDocument.parsePacks(Array(bad.utf8), at: Self.moment(0)) == nil)
    }
}

import BMSCore
import ChargeLimits
import SmartBMS
import TestSupport
import TestThreads
import Testing

@testable import BatteryEngine

/// An engine with a manual clock.
private struct EngineHarness {
    var engine: Engine
    var milliseconds: Int64 = 1_000_000
    var updates: [BatteryUpdate] = []

    init(packs: [PackOptions], banks: [BankOptions] = []) { engine = Engine(packs: packs, banks: banks) }

    var now: Moment { Moment(monotonic: Timestamp(milliseconds: milliseconds), wall: milliseconds) }
    var events: [String] { updates.flatMap(\.events).map(\.kind) }

    @discardableResult
    mutating func step(_ input: EngineInput) -> StepResult {
        let result = engine.step(input, at: now)
        updates += result.updates
        return result
    }

    /// Delivers a frame of every pack each second, with two steps by time.
    mutating func run(_ seconds: Int, packs: Int = 1, _ change: (Int, inout Frame) -> Void = { _, _ in }) {
        for _ in 0..<seconds {
            milliseconds += 500
            step(.time)
            milliseconds += 500
            for pack in 0..<packs { step(.bytes(FrameFixture.bytes { change(pack, &$0) }, pack: pack, age: 0)) }
            step(.time)
        }
    }
}

@Suite("The engine alone, without MQTT", .calculates)
struct EngineTests {
    private static var relay: RelayOptions {
        var relay = RelayOptions(name: "charger")
        relay.dwell = 0
        relay.repetition = 0
        return relay
    }

    private static func pack(_ id: String = "garage") -> PackOptions {
        var pack = PackOptions(id: id)
        pack.relays = [relay]
        return pack
    }

    @Test("Bytes and time are enough for reports, limits, events and orders to relays")
    func alone() throws {
        var harness = EngineHarness(packs: [Self.pack()])
        harness.step(.relayGuard("charger", pack: 0, isUp: true))
        harness.run(5)
        let report = try #require(harness.updates.last?.report)
        #expect(report.limits != nil && report.readings?.soc == 50 && report.bank == nil)
        #expect(harness.events.contains("linkFound") && harness.events.contains("chemistry"))
        #expect(harness.updates.flatMap(\.orders).map(\.isClosed) == [true])
        harness.updates = []
        harness.run(1) { _, frame in frame.status = [] }
        #expect(harness.engine.limits(of: 0)?.ccl == .zero)
        #expect(harness.events.contains("permission"))
        #expect(harness.updates.flatMap(\.orders).map(\.isClosed) == [false])
    }

    @Test("Silence lowers limits by steps of time alone")
    func silence() {
        var harness = EngineHarness(packs: [Self.pack()])
        harness.run(5)
        for _ in 0..<40 {
            harness.milliseconds += 500
            harness.step(.time)
        }
        #expect(harness.engine.limits(of: 0)?.ccl == .zero)
        #expect(harness.events.contains("linkLost"))
        #expect(harness.updates.last?.report.readings == nil)
    }

    @Test("Bytes without the end of a frame give no update; a young frame has one by time only on demand")
    func demand() {
        var harness = EngineHarness(packs: [Self.pack()])
        harness.run(3)
        #expect(harness.step(.bytes([0x2B, 0x00], pack: 0, age: 0)).updates.isEmpty)
        harness.step(.source(.dropped, pack: 0))
        harness.milliseconds += 1_000
        harness.step(.bytes(FrameFixture.bytes(), pack: 0, age: 0))
        #expect(harness.step(.time).updates.isEmpty)
        harness.engine.demandReport(of: 0)
        #expect(harness.step(.time).updates.count == 1)
    }

    @Test("A command is answered in its step, and a flood of commands is not")
    func command() {
        var harness = EngineHarness(packs: [Self.pack()])
        harness.run(3)
        let command = BatteryCommand(setting: "maxChargeCurrent", content: .value(.number(10_000)), asked: "10")
        let result = harness.step(.command(command, battery: "garage"))
        #expect(result.answers.map(\.answer.isAccepted) == [true])
        #expect(result.updates.first?.mustBeKept == true)
        #expect(harness.engine.limits(of: 0)?.ccl == Milliamperes(10_000))
        for _ in 0..<60 { harness.step(.command(command, battery: "garage")) }
        #expect(harness.step(.command(command, battery: "garage")).answers.isEmpty)
        let unknown = harness.step(.command(command, battery: "cellar"))
        #expect(unknown.answers.isEmpty && unknown.notices.first?.text.contains("'cellar'") == true)
    }

    @Test("A bank reports sums and extremes with their packs, and nothing that only a pack has")
    func bank() throws {
        var harness = EngineHarness(
            packs: [PackOptions(id: "a"), PackOptions(id: "b")], banks: [BankOptions(id: "house", packs: ["a", "b"])])
        harness.run(10, packs: 2) { pack, frame in
            frame.setCells(low: 3290 + pack * 5, high: 3320 + pack * 5)
            frame.current = Milliamperes(20_000)
        }
        let report = harness.engine.report(of: 2, at: harness.now.monotonic)
        #expect(report.battery.title == "bank house")
        #expect(report.readings?.current == Milliamperes(40_000))
        #expect(report.readings?.lowestCell.pack == "a" && report.readings?.highestCell.pack == "b")
        #expect(report.pack == nil && report.keys == nil && report.cellCount == 0 && report.relays.isEmpty)
        #expect(report.bank?.packs.count == 2 && report.bank?.online == 2)
        let pack = harness.engine.report(of: 0, at: harness.now.monotonic)
        #expect(pack.bank == nil && pack.readings?.lowestCell.pack == nil && pack.cellCount == 16)
    }

    @Test("A bank leaves out ids of packs that are none, and reports the others by their own names")
    func unknownMember() {
        var harness = EngineHarness(
            packs: [PackOptions(id: "a"), PackOptions(id: "b")],
            banks: [BankOptions(id: "house", packs: ["nobody", "a", "b"])])
        harness.run(30, packs: 2)
        harness.updates = []
        for _ in 0..<60 {
            harness.milliseconds += 500
            harness.step(.bytes(FrameFixture.bytes(), pack: 0, age: 0))
            harness.step(.time)
        }
        let texts = harness.updates.filter { $0.battery == 2 }.flatMap(\.events).map(\.text)
        #expect(texts.contains { $0.hasPrefix("b is silent") })
        #expect(!texts.contains { $0.hasPrefix("a ") || $0.hasPrefix("nobody") })
    }

    @Test("The energy of a bank goes on over a reload")
    func energyOverReload() {
        func run(reloads: Bool) -> [Int?] {
            let packs = [PackOptions(id: "a"), PackOptions(id: "b")]
            let banks = [BankOptions(id: "house", packs: ["a", "b"])]
            var harness = EngineHarness(packs: packs, banks: banks)
            harness.run(30, packs: 2)
            if reloads {
                var next = Engine(
                    packs: packs, banks: banks, states: harness.engine.states(at: harness.now.monotonic),
                    bankStates: harness.engine.bankStates(isEnding: true), at: harness.now.monotonic)
                next.resume(from: harness.engine, sameSources: ["a", "b"], at: harness.now)
                harness.engine = next
                harness.step(.connection)
            }
            harness.run(8, packs: 2) { _, frame in frame.energyInToday.rawValue += 300 }
            let totals = harness.engine.report(of: 2, at: harness.now.monotonic).history.totals
            return [totals.inToday?.rawValue, totals.outToday?.rawValue]
        }
        #expect(run(reloads: false) == [600, 0])
        #expect(run(reloads: true) == [600, 0])
    }

    @Test(
        "A ramp of a bank goes on over a restart, and over a reload that changes its bounds", arguments: [true, false])
    func rampOverReload(isReload: Bool) throws {
        let packs = [PackOptions(id: "a"), PackOptions(id: "b")]
        var bank = BankOptions(id: "house", packs: ["a", "b"])
        var harness = EngineHarness(packs: packs, banks: [bank])
        harness.run(30, packs: 2)
        let full = try #require(harness.engine.limits(of: 2)).dcl
        for _ in 0..<140 {
            harness.milliseconds += 500
            harness.step(.time)
        }
        #expect(harness.engine.limits(of: 2)?.dcl == .zero)
        harness.run(5, packs: 2)
        let before = try #require(harness.engine.limits(of: 2)).dcl
        #expect(before < Milliamperes(full.rawValue / 2))
        bank.limits.fuse = full + Milliamperes(50_000)
        harness.engine = Self.next(harness, packs, bank, isReload: isReload)
        harness.step(.connection)
        if isReload { #expect(harness.engine.limits(of: 2)?.dcl == before) }
        harness.run(2, packs: 2)
        let after = try #require(harness.engine.limits(of: 2)).dcl
        #expect(after >= before && after < before + Milliamperes(full.rawValue / 8))
        harness.run(120, packs: 2)
        let late = try #require(harness.engine.limits(of: 2)).dcl
        #expect(late > Milliamperes(full.rawValue * 9 / 10))
    }

    /// An engine that goes on from another one: a reload hands it over in memory, a restart in its files.
    private static func next(
        _ harness: EngineHarness, _ packs: [PackOptions], _ bank: BankOptions, isReload: Bool
    ) -> Engine {
        var next = Engine(
            packs: packs, banks: [bank], states: harness.engine.states(at: harness.now.monotonic),
            bankStates: harness.engine.bankStates(isEnding: true), at: harness.now.monotonic)
        if isReload { next.resume(from: harness.engine, sameSources: ["a", "b"], at: harness.now) }
        return next
    }

    @Test(
        "A pack that comes back does not pull its bank to the foot of its ramp, nor over a restart or a reload",
        arguments: [true, false])
    func returning(isReload: Bool) throws {
        let packs = [PackOptions(id: "a"), PackOptions(id: "b")]
        var bank = BankOptions(id: "house", packs: ["a", "b"])
        var harness = EngineHarness(packs: packs, banks: [bank])
        harness.run(30, packs: 2)
        let full = try #require(harness.engine.limits(of: 2)).dcl
        harness.run(70)
        let alone = try #require(harness.engine.limits(of: 2)).dcl
        #expect(alone > .zero && alone < full)
        if isReload { harness.run(4, packs: 2) }
        bank.limits.fuse = full + Milliamperes(50_000)
        harness.engine = Self.next(harness, packs, bank, isReload: isReload)
        harness.step(.connection)
        var last = alone
        for second in 0..<40 {
            harness.run(1, packs: 2)
            // A restart waits until it has heard its packs.
            guard let dcl = harness.engine.limits(of: 2)?.dcl else { continue }
            #expect(dcl >= last, "second \(second)")
            #expect(dcl <= last + Milliamperes(full.rawValue / 8), "second \(second)")
            last = dcl
        }
        #expect(last > Milliamperes(full.rawValue * 9 / 10))
    }

    @Test(
        "A reload forgets no silent pack of a bank, whatever order it has now", arguments: [["a", "b"], ["b", "a"]])
    func silentOverReload(order: [String]) throws {
        var packs = [PackOptions(id: "a"), PackOptions(id: "b")]
        packs[1].limits.maximumDischargeCurrent = Milliamperes(20_000)
        var bank = BankOptions(id: "house", packs: ["a", "b"])
        var harness = EngineHarness(packs: packs, banks: [bank])
        harness.run(30, packs: 2)
        harness.run(30)
        let before = try #require(harness.engine.limits(of: 2)).dcl
        #expect(before > .zero && before < Milliamperes(50_000))
        bank.packs = order
        bank.limits.fuse = Milliamperes(500_000)
        harness.engine = Self.next(harness, packs, bank, isReload: true)
        harness.step(.connection)
        for _ in 0..<20 {
            harness.run(1)
            #expect(harness.engine.limits(of: 2)?.dcl == before)
        }
    }

    @Test("After a suspend a new connection commands no relay by old limits")
    func suspended() {
        var harness = EngineHarness(packs: [Self.pack()])
        harness.step(.relayGuard("charger", pack: 0, isUp: true))
        harness.run(5)
        harness.milliseconds += 300_000
        let update = harness.step(.connection).updates
        #expect(update.flatMap(\.orders).map(\.isClosed) == [false])
    }

    @Test("Frames of a flood confirm no energy counter, and make no good link")
    func flood() {
        var harness = EngineHarness(packs: [PackOptions(id: "garage")])
        harness.run(61)
        let before = harness.engine.report(of: 0, at: harness.now.monotonic)
        for _ in 0..<20 {
            harness.milliseconds += 5
            harness.step(.bytes(FrameFixture.bytes { $0.energyInToday.rawValue += 50_000 }, pack: 0, age: 0))
        }
        let report = harness.engine.report(of: 0, at: harness.now.monotonic)
        #expect(report.history.totals.inToday == before.history.totals.inToday)
        harness.milliseconds += 59_000
        #expect((harness.engine.report(of: 0, at: harness.now.monotonic).link.quality ?? 100) < 10)
    }
}

@Suite("Reports of a flooded battery", .calculates)
struct RelayFloodTests {
    @Test("A relay opens at once in a flood, and is open for a second at least")
    func chatter() {
        var pack = PackOptions(id: "garage")
        var relay = RelayOptions(name: "charger")
        relay.function = .fault
        relay.dwell = 0
        pack.relays = [relay]
        var harness = EngineHarness(packs: [pack])
        harness.step(.relayGuard("charger", pack: 0, isUp: true))
        harness.run(10) { _, frame in frame.soc = 1 }
        harness.updates = []
        for step in 0..<2_000 {
            harness.milliseconds += 5
            harness.step(.bytes(FrameFixture.bytes { $0.soc = step / 10 % 2 }, pack: 0, age: 0))
        }
        let orders = harness.updates.flatMap(\.orders)
        #expect(orders.first?.isClosed == false)
        #expect(orders.count > 10 && orders.count <= 20, "\(orders.count) in ten seconds")
    }
}

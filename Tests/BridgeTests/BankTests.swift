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

/// A bridge with packs a, b, ... in a bank "house", and everything it sent.
private struct BankHarness {
    var bridge: Bridge
    var milliseconds: Int64 = 1_000_000
    var wall: Int64 = 1_795_000_000_250
    var sent: [MQTTMessage] = []
    var notices: [Notice] = []
    var saves: Set<String> = []
    let count: Int

    init(
        _ count: Int = 2, disconnected: Set<String> = [], id: String = "house", states: [String: PackState] = [:],
        bankStates: [String: BankState] = [:], _ change: (inout BridgeOptions) -> Void = { _ in }
    ) {
        var options = BridgeOptions()
        change(&options)
        let ids = ["a", "b", "c", "d"].prefix(count).map { $0 }
        var packs = ids.map { PackOptions(id: $0) }
        for index in packs.indices { packs[index].gxInstance = 512 + index }
        var bank = BankOptions(id: id, name: "House battery", packs: ids)
        bank.disconnected = disconnected
        bank.gxInstance = 520
        bridge = Bridge(options, packs: packs, banks: [bank], states: states, bankStates: bankStates)
        self.count = count
        take(bridge.connected(canExpire: true, at: now))
    }

    var now: Moment { Moment(monotonic: Timestamp(milliseconds: milliseconds), wall: wall) }

    /// Runs for some seconds; a pack without a frame in a second is silent.
    mutating func run(
        _ seconds: Int, silent: Set<Int> = [], _ change: (Int, inout Frame) -> Void = { _, _ in }
    ) {
        for _ in 0..<seconds {
            for index in 0..<count {
                milliseconds += Int64(1000 / count)
                wall += Int64(1000 / count)
                guard !silent.contains(index) else { continue }
                let bytes = FrameFixture.bytes { change(index, &$0) }
                take(bridge.receive(bytes, pack: index, at: now))
            }
            take(bridge.tick(at: now))
        }
    }

    mutating func message(_ topic: String, _ payload: String) -> Outbox {
        let outbox = bridge.receive(MQTTMessage(topic, Array(payload.utf8)), at: now)
        take(outbox)
        return outbox
    }

    mutating func take(_ outbox: Outbox) {
        sent += outbox.messages
        notices += outbox.notices
        saves.formUnion(outbox.saves)
    }

    func on(_ topic: String) -> [MQTTMessage] { sent.filter { $0.topic == topic } }
    func document(_ topic: String) throws -> Document { try Document(on(topic).last?.payload ?? []) }
}

@Suite("A bank on MQTT", .calculates)
struct BankChannelTests {
    @Test("the bank's document holds sums, means and extremes with their packs")
    func state() throws {
        var harness = BankHarness()
        func other(_ index: Int, _ frame: inout Frame) {
            guard index == 1 else { return }
            frame.setCells(low: 3295, high: 3325)
            frame.current = Milliamperes(30_000)
            frame.energyStored = WattHours(11_100)
            frame.highestTemperature = RawTemperature(300)
        }
        // The step from rest shows the share of each pack.
        harness.run(5) { index, frame in
            other(index, &frame)
            frame.current = .zero
        }
        harness.run(30) { index, frame in other(index, &frame) }
        let state = try harness.document("bms/house/state")
        // 53.0 V and 52.96 V on a grid of 5 mV.
        #expect(state.number("Dc.Voltage") == 52.98)
        #expect(state.number("Dc.Current") == 40)
        #expect(state.number("Soc") == 62)
        #expect(state.text("System.MinVoltageCellId") == "b C3")
        #expect(state.text("System.MaxVoltageCellId") == "b C11")
        #expect(state.number("System.MinCellVoltage") == 3.295)
        #expect(state.text("System.MaxTemperatureCellId") == "b C16")
        #expect(state.text("System.MinTemperatureCellId") == "a C1")
        #expect(state.number("System.NrOfModulesOnline") == 2)
        #expect(state.number("System.NrOfModulesOffline") == 0)
        #expect(state.number("Energy.Stored") == 18.5)
        #expect(state.number("Energy.Installed") == 29.6)
        #expect(state.number("InstalledCapacity") == 561)
        #expect(state.text("CustomName") == "House battery")
        #expect(state.text("Info.DischargeLimitation")?.contains("b: ") == true)
    }

    @Test(
        "state of charge is stored over installed energy, and stays at 99 until every pack reports 100",
        arguments: [([100, 100], 100), ([100, 99], 99), ([0, 0], 99)])
    func soc(of packs: [Int], expected: Int) throws {
        var harness = BankHarness()
        harness.run(10) { index, frame in
            frame.soc = packs[index]
            frame.energyStored = frame.capacity
        }
        #expect(try harness.document("bms/house/state").number("Soc") == Double(expected))
    }

    @Test("the packs' shares of the bank's current survive a restart, in the same bank")
    func shares() throws {
        func isMeasured(_ harness: BankHarness, _ id: String) throws -> Bool {
            let reason = try harness.document("bms/\(id)/state").text("Info.DischargeLimitation")
            return try #require(reason).contains("not measured yet") == false
        }
        var harness = BankHarness()
        harness.run(10) { _, frame in frame.current = .zero }
        harness.run(120) { index, frame in
            frame.current = Milliamperes(index == 0 ? -60_000 : -30_000)
            frame.current1 = frame.current
        }
        let states = harness.bridge.states(at: harness.now.monotonic)
        let weight = try #require(states["a"]?.share?.discharge)
        #expect(abs(weight - 0.667) < 0.02)
        #expect(try isMeasured(harness, "house"))
        var restarted = BankHarness(states: states)
        restarted.run(20)
        #expect(try isMeasured(restarted, "house"))
        var other = BankHarness(id: "barn", states: states)
        other.run(20)
        #expect(try !isMeasured(other, "barn"))
    }

    @Test("a pack that falls silent below full does not make the bank full")
    func socOfTheOthers() throws {
        var harness = BankHarness()
        let full: (Int, inout Frame) -> Void = { index, frame in
            frame.soc = index == 0 ? 100 : 60
            frame.energyStored = index == 0 ? frame.capacity : WattHours(frame.capacity.rawValue * 6 / 10)
        }
        harness.run(10, full)
        #expect(try harness.document("bms/house/state").number("Soc") == 80)
        harness.run(40, silent: [1], full)
        #expect(try harness.document("bms/house/state").number("Soc") == 80)
    }

    @Test("the charge of a silent pack leaves the bank by a point a minute at most, and returns at once")
    func fading() throws {
        var harness = BankHarness()
        let two: (Int, inout Frame) -> Void = { index, frame in
            frame.soc = index == 0 ? 56 : 50
            frame.energyStored = WattHours(frame.capacity.rawValue * frame.soc / 100)
        }
        func told() -> Int { harness.notices.count { $0.text.contains("by 1 point a minute at most") } }
        func figures() throws -> (soc: Double, stored: Double) {
            let state = try harness.document("bms/house/state")
            return (try #require(state.number("Soc")), try #require(state.number("Energy.Stored")))
        }
        harness.run(10, two)
        var last = try figures()
        #expect(last.soc == 53)
        for minute in 0..<8 {
            harness.run(60, silent: [0], two)
            let now = try figures()
            #expect(now.soc <= last.soc && now.soc >= max(50, 52 - Double(minute)), "minute \(minute)")
            // A point of 29.6 kWh, and what the deadband held back.
            #expect(now.stored <= last.stored && now.stored >= last.stored - 0.296 - 0.051, "minute \(minute)")
            last = now
        }
        #expect(last.soc < 53 && told() == 1)
        #expect(try harness.document("bms/house/state").number("Energy.Installed") == 29.6)
        harness.run(6, two)
        #expect(try figures().soc == 53)
        // Nothing is known of a pack that has been silent since the start.
        var restarted = BankHarness()
        restarted.run(30, silent: [0], two)
        #expect(try restarted.document("bms/house/state").number("Soc") == 50)
    }

    @Test("a bank is calibrated when each of its packs is calibrated", arguments: [0, 1])
    func calibrated(place: Int) throws {
        var harness = BankHarness()
        harness.run(10)
        #expect(try harness.document("bms/house/state").number("SocCalibrated") == 1)
        // The lowest cell belongs to the other pack.
        harness.run(20) { index, frame in
            if index == place { frame.status.insert(.socUncalibrated) } else { frame.setCells(low: 3300, high: 3320) }
        }
        #expect(try harness.document("bms/house/state").number("SocCalibrated") == 0)
        #expect(try harness.document("bms/\(place == 0 ? "b" : "a")/state").number("SocCalibrated") == 1)
    }

    @Test("one wrong frame of a pack moves neither the bank's state of charge nor its energy")
    func oneWrongFrame() throws {
        var harness = BankHarness { $0.stateInterval = 0 }
        harness.run(20)
        let before = harness.on("bms/house/state").count
        harness.run(1) { index, frame in
            if index == 1 { (frame.lifetimeIn, frame.energyInToday) = (WattHours(9_000_000), WattHours(900_000)) }
        }
        harness.run(20)
        for message in harness.on("bms/house/state").dropFirst(before) {
            let state = try Document(message.payload)
            #expect(state.number("Energy.In") == 0 && state.number("Energy.InToday") == 0)
            #expect(state.number("Soc") == 50)
        }
    }

    @Test("alarms are the worst of the packs', and a silent pack does not hide the others")
    func silent() throws {
        var harness = BankHarness(3)
        harness.run(30)
        harness.run(20, silent: [2])
        var state = try harness.document("bms/house/state")
        #expect(state.number("Alarms.BmsCable") == 1)
        #expect(state.number("System.NrOfModulesOnline") == 2)
        #expect(state.number("System.NrOfModulesOffline") == 1)
        #expect(state.number("System.NrOfModulesBlockingCharge") == 1)
        #expect(state.number("Dc.Current") == 20)
        #expect(harness.on("bms/house/status").last?.payload == Array("online".utf8))
        #expect(harness.on("bms/c/status").last?.payload == Array("offline".utf8))
        #expect(harness.notices.contains { $0.text.hasPrefix("bank house: c is silent") })
        harness.run(60, silent: [2])
        state = try harness.document("bms/house/state")
        #expect(state.number("Alarms.BmsCable") == 2)
        #expect((state.number("Info.MaxDischargeCurrent") ?? 0) > 100)
    }

    @Test("with all packs silent the bank goes offline, and DCL 0 is the last document of its feed")
    func allSilent() throws {
        var harness = BankHarness()
        harness.run(30)
        harness.run(100, silent: [0, 1])
        #expect(harness.on("bms/house/status").last?.payload == Array("offline".utf8))
        let count = harness.on("bms/house/gx").count
        #expect(try harness.document("bms/house/gx").number("Info.MaxDischargeCurrent") == 0)
        harness.run(30, silent: [0, 1])
        #expect(harness.on("bms/house/gx").count == count)
    }

    @Test("the bank's feed and documents have the keys of a pack's, without cells")
    func layout() throws {
        var harness = BankHarness()
        harness.run(40)
        let cellsOfAPack = { (path: String) in path.hasPrefix("Voltages.Cell") || path.hasPrefix("Balances.") }
        let pack = try harness.document("bms/a/gx").paths.filter { !cellsOfAPack($0) }
        #expect(try harness.document("bms/house/gx").paths == pack)
        #expect(try harness.document("bms/house/state").paths == harness.document("bms/a/state").paths)
        #expect(harness.on("bms/house/cells").isEmpty)
        #expect(harness.on("bms/house/settings").isEmpty)
    }

    @Test("Home Assistant gets a device for the bank, without cells and controls")
    func device() throws {
        var harness = BankHarness()
        harness.run(40)
        let device = try harness.document("homeassistant/device/bms_house/config")
        #expect(device.text("device.name") == "House battery")
        #expect(device.text("device.model") == "123\\SmartBMS bank")
        let keys = device.object("components").keys
        #expect(keys.contains("soc") && keys.contains("ccl") && keys.contains("energy_in"))
        #expect(!keys.contains { $0.hasPrefix("cell_0") || $0 == "charge_enabled" || $0 == "republish" })
    }

    @Test("the GX tree has the bank as a battery of its own")
    func tree() throws {
        var harness = BankHarness { $0.gxTree = GXTreeOptions(portalID: "0123456789ab", owner: "test") }
        harness.run(20)
        _ = harness.message("R/0123456789ab/keepalive", "")
        let battery = "N/0123456789ab/battery"
        #expect(harness.on("\(battery)/520/Soc").last?.payload == Array(#"{"value":50}"#.utf8))
        #expect(harness.on("\(battery)/520/CustomName").last?.payload == Array(#"{"value":"House battery"}"#.utf8))
        #expect(!harness.on("\(battery)/512/Soc").isEmpty)
        #expect(!harness.sent.contains { $0.topic.hasPrefix("\(battery)/520/Settings") })
    }

    @Test("a refusal of a command for a bank names its packs as the way to go")
    func command() throws {
        var harness = BankHarness()
        harness.run(5)
        let outbox = harness.message("bms/house/set/chargeEnabled", "OFF")
        let answer = try Document(outbox.answers.first?.messages(failure: nil).first?.payload ?? [])
        #expect(answer.flag("accepted") == false)
        #expect(answer.text("reason")?.hasSuffix("command its packs a, b") == true)
    }

    @Test("float waits for every pack of the bank except one that the file disconnects", arguments: [false, true])
    func float(isOff: Bool) {
        var harness = BankHarness(2, disconnected: isOff ? ["b"] : [])
        harness.run(1_500) { index, frame in
            frame.setCells(low: 3400, high: 3405)
            frame.current = Milliamperes(index == 0 ? 1_000 : 60_000)
            frame.soc = 100
        }
        #expect(harness.bridge.limits(of: 0)?.state == (isOff ? .float : .full))
        #expect(harness.bridge.limits(of: 1)?.state == .absorption)
    }

    @Test("an alarm of a pack lowers the bank in the same step")
    func atOnce() throws {
        var harness = BankHarness(3)
        harness.run(60)
        harness.milliseconds += 10
        let bytes = FrameFixture.bytes { $0.status.insert(.cellTooHigh) }
        let outbox = harness.bridge.receive(bytes, pack: 1, at: harness.now)
        let limits = try Document(outbox.messages.last { $0.topic == "bms/house/limits" }?.payload ?? [])
        #expect(limits.number("ccl") == 0)
        #expect(limits.text("reasons.ccl")?.contains("b: ") == true)
    }

    @Test("a frame steps its own bank alone; time steps every bank")
    func ownBank() {
        let packs = ["a", "b", "c", "d"].map { PackOptions(id: $0) }
        let banks = [
            BankOptions(id: "x", name: "X", packs: ["a", "b"]), BankOptions(id: "y", name: "Y", packs: ["c", "d"]),
        ]
        var bridge = Bridge(BridgeOptions(), packs: packs, banks: banks)
        func now(_ seconds: Double) -> Moment {
            Moment(monotonic: .seconds(seconds), wall: 1_795_000_000_000 + Int64(seconds * 1000))
        }
        func topics(_ outbox: Outbox) -> Set<String> {
            Set(outbox.messages.compactMap { $0.topic.split(separator: "/").dropFirst().first.map(String.init) })
        }
        _ = bridge.connected(canExpire: true, at: now(0))
        for second in 1...10 {
            for pack in 0..<4 {
                _ = bridge.receive(FrameFixture.bytes { _ in }, pack: pack, at: now(Double(second)))
            }
        }
        // Every heartbeat is due now.
        let frame = bridge.receive(FrameFixture.bytes { _ in }, pack: 2, at: now(50))
        #expect(topics(frame).isSuperset(of: ["c", "y"]))
        #expect(topics(frame).isDisjoint(with: ["a", "b", "d", "x"]))
        #expect(topics(bridge.tick(at: now(51))).isSuperset(of: ["a", "b", "d", "x"]))
    }

    @Test("the bank counts its packs' gains in energy counters of its own, and goes on from kept ones")
    func totals() throws {
        func counters(_ kilowattHours: Int, _ index: Int) -> (Int, inout Frame) -> Void {
            { place, frame in frame.lifetimeIn = WattHours(5_000_000 + (place == index ? kilowattHours * 1_000 : 0)) }
        }
        var harness = BankHarness()
        harness.run(20, silent: [1], counters(0, 0))
        #expect(try harness.document("bms/house/state").number("Energy.In") == 0)
        harness.run(20, counters(1, 0))
        #expect(try harness.document("bms/house/state").number("Energy.In") == 1)
        #expect(harness.saves.contains("house"))
        // The other pack gets another BMS, whose counters measured another pack before.
        harness.run(80) { index, frame in frame.lifetimeIn = WattHours(index == 1 ? 8_000_000 : 5_001_000) }
        #expect(try harness.document("bms/house/state").number("Energy.In") == 1)
        let kept = harness.bridge.bankStates(isEnding: true)
        #expect(kept["house"]?.energyIn == WattHours(1_000))
        var restarted = BankHarness(disconnected: ["b"], bankStates: kept)
        restarted.run(20) { _, frame in frame.lifetimeIn = WattHours(6_000_000) }
        #expect(try restarted.document("bms/house/state").number("Energy.In") == 1)
        restarted.run(20) { _, frame in frame.lifetimeIn = WattHours(6_001_000) }
        #expect(try restarted.document("bms/house/state").number("Energy.In") == 2, "of the pack on the bus alone")
    }

    @Test(
        "a pack that was never heard raises the cable's alarm of its bank, and the log names it",
        arguments: [(20, 1), (80, 2)])
    func unheard(seconds: Int, level: Double) throws {
        var harness = BankHarness(3)
        harness.run(seconds, silent: [2])
        #expect(try harness.document("bms/house/state").number("Alarms.BmsCable") == level)
        #expect(harness.notices.count { $0.text.hasPrefix("bank house: c was not heard since the start") } == 1)
        harness.run(5)
        #expect(try harness.document("bms/house/state").number("Alarms.BmsCable") == 0)
    }

    @Test("limits and documents of a bank expire by the oldest data behind them")
    func expiry() {
        var harness = BankHarness()
        harness.run(10)
        #expect(harness.on("bms/house/limits").last?.expiry == 28)
        harness.run(8, silent: [1])
        // Limits are sent every 5 s.
        #expect((20...24).contains(harness.on("bms/house/limits").last?.expiry ?? 0))
        #expect(harness.on("bms/house/gx").last?.expiry == 1)
        // The silent pack is stale, so its data no longer counts.
        harness.run(5, silent: [1])
        #expect(harness.on("bms/house/limits").last?.expiry == 28)
    }

    @Test("a clean end says that the bank is offline")
    func farewell() {
        let harness = BankHarness()
        #expect(harness.bridge.farewell.contains { $0.topic == "bms/house/status" })
    }
}

import BMSCore
import MQTT
import SmartBMS
import JSON
import TestSupport
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Times of publishing")
struct PublishingTests {
    @Test("limits appear with the second frame, status online with them")
    func firstLimits() throws {
        var harness = BridgeHarness()
        harness.frame()
        #expect(harness.on("limits").isEmpty)
        harness.pass(1)
        harness.frame()
        #expect(try harness.document("limits").number("cvl") == 54.88)
        #expect(
            harness.on("status").map { String(decoding: $0.payload, as: UTF8.self) } == [
                "offline", "online", "online",
            ],
            "before and after the announcement")
    }

    @Test("after connecting: bridge status, limits, pack status, announcement, the other documents")
    func order() {
        var harness = BridgeHarness(isConnected: false)
        harness.frames(5)
        #expect(harness.sent.isEmpty, "nothing is sent, and nothing kept, while disconnected")
        harness.connect()
        #expect(
            harness.sent.map(\.topic) == [
                "bms/bridge/status", "bms/garage/limits", "bms/garage/status",
                "homeassistant/device/bms_garage/config", "bms/garage/state", "bms/garage/cells", "bms/garage/settings",
            ])
    }

    @Test("limits at least every 5 s, state every 10 s, cells every 30 s, and no more often without a change")
    func heartbeats() {
        var harness = BridgeHarness()
        harness.frames(40)
        harness.forget()
        harness.frames(60)
        #expect((6...7).contains(harness.on("state").count))
        #expect((12...15).contains(harness.on("limits").count))
        #expect((2...3).contains(harness.on("cells").count))
    }

    @Test("an interval of 0 publishes with every frame")
    func everyFrame() {
        var harness = BridgeHarness { options, _ in options.limitsInterval = 0 }
        harness.frames(40)
        harness.forget()
        harness.frames(20)
        #expect(harness.on("limits").count == 20)
    }

    @Test("a lost permission goes out at once, as limits, state, cells and event")
    func atOnce() throws {
        var harness = BridgeHarness()
        harness.frames(32)
        harness.forget()
        harness.pass(0.4)
        harness.frame { $0.status.remove(.chargeAllowed) }
        #expect(try harness.document("limits").number("ccl") == 0)
        #expect(try harness.document("limits").text("reasons.ccl")?.contains("does not permit charging") == true)
        #expect(try harness.document("state").number("Io.AllowToCharge") == 0)
        #expect(harness.on("cells").count == 1)
        #expect(try harness.document("event").text("text") == "charging not permitted")
    }

    @Test("limits and state expire after 30 s, cells after three of their intervals; gx and events are never retained")
    func retention() {
        var harness = BridgeHarness()
        harness.frames(20)
        for name in ["limits", "state"] {
            #expect(harness.on(name).allSatisfy { $0.retain && $0.expiry == 28 })
        }
        #expect(harness.on("cells").allSatisfy { $0.retain && $0.expiry == 88 })
        #expect(harness.on("status").allSatisfy { $0.retain && $0.expiry == nil && $0.qos == 1 })
        #expect((harness.on("gx") + harness.on("event")).allSatisfy { !$0.retain })
        #expect(!harness.on("gx").isEmpty)
    }

    @Test("documents that cannot expire are not retained")
    func oldBroker() {
        var harness = BridgeHarness(isConnected: false)
        harness.connect(canExpire: false)
        harness.frames(12)
        for name in ["limits", "state"] {
            #expect(!harness.on(name).isEmpty)
            #expect(harness.on(name).allSatisfy { !$0.retain && $0.expiry == nil })
        }
    }

    @Test("the last messages call bridge and pack offline, and the will calls the bridge offline")
    func farewell() {
        let harness = BridgeHarness()
        #expect(harness.bridge.farewell.map(\.topic) == ["bms/bridge/status", "bms/garage/status"])
        #expect(harness.bridge.farewell.allSatisfy { $0.retain && $0.payload == Array("offline".utf8) })
        #expect(harness.bridge.will.topic == "bms/bridge/status")
        #expect(harness.bridge.will.payload == Array("offline".utf8))
    }
}

@Suite("Staleness at a subscriber")
struct StalenessTests {
    private func running() -> BridgeHarness {
        var harness = BridgeHarness()
        harness.frames(40)
        harness.forget()
        return harness
    }

    @Test("up to 10 s: online, measurements shown")
    func holding() throws {
        var harness = running()
        harness.silence(10)
        #expect(harness.on("status").isEmpty)
        #expect(try harness.document("state").number("Soc") == 50)
        #expect(try harness.document("state").number("Connected") == 1)
    }

    @Test("above 10 s: offline, no charge, little discharge, lowered voltage, measurements null, cable warning")
    func stale() throws {
        var harness = running()
        harness.silence(11)
        #expect(harness.on("status").last?.payload == Array("offline".utf8))
        let limits = try harness.document("limits")
        #expect(limits.number("ccl") == 0)
        #expect(limits.number("dcl") == 56)  // 0.2 C of 280 Ah
        #expect(limits.number("cvl") == 52.8)  // 16 x 3.300 V
        #expect(limits.text("chargeState") == "stale")
        let state = try harness.document("state")
        for path in ["Soc", "Dc.Voltage", "Dc.Current", "Dc.Power", "System.MaxCellVoltage", "Energy.Stored"] {
            #expect(state.isNull(path), "\(path) is unknown")
        }
        #expect(state.number("Connected") == 0)
        #expect(state.number("Alarms.BmsCable") == 1)
        #expect(try harness.document("gx").number("Alarms.BmsCable") == 1)
        #expect(try harness.document("cells").object("Voltages").values.allSatisfy { $0 == .null })
        #expect(harness.notices.filter { $0.level == .warning }.count == 1, "told once")
    }

    @Test("above 60 s: no discharge, cable alarm, silence on gx")
    func lost() throws {
        var harness = running()
        harness.silence(61)
        harness.forget()
        harness.silence(30)
        #expect(try harness.document("limits").number("dcl") == 0)
        #expect(try harness.document("state").number("Alarms.BmsCable") == 2)
        #expect(harness.on("gx").isEmpty)
    }

    @Test("when frames come again limits rise slowly from where they are")
    func recovery() throws {
        var harness = running()
        harness.silence(70)
        harness.frames(5)
        #expect(
            harness.on("status").last?.payload == Array("offline".utf8), "they may be the last of what was held back")
        harness.frames(1)
        #expect(harness.on("status").last?.payload == Array("online".utf8))
        let first = try #require(try harness.document("limits").number("ccl"))
        #expect(first <= 6, "1 % of 280 Ah a second")
        harness.frames(60)
        #expect(try #require(try harness.document("limits").number("ccl")) > 100)
    }

    @Test("a source that never gave a frame is reported once, with the cause")
    func neverConnected() throws {
        var harness = BridgeHarness()
        harness.silence(30)
        let told = harness.notices.filter { $0.level == .warning }.map(\.text)
        #expect(told.count == 1)
        #expect(told.first?.contains("no bytes come") == true)
        #expect(harness.on("limits").isEmpty)
        var noisy = BridgeHarness()
        for _ in 0..<30 {
            noisy.pass(1)
            _ = noisy.bridge.receive([UInt8](repeating: 0x55, count: 100), pack: 0, at: noisy.now)
            noisy.tick()
        }
        #expect(noisy.notices.contains { $0.text.contains("are no frame") })
    }
}

@Suite("Cell boards that were never heard")
struct UnheardBoardsTests {
    @Test("a battery without limits is offline, whatever its BMS says; it is online with its first limits")
    func status() {
        var harness = BridgeHarness()
        harness.frames(30) { $0.status = [.noCellCommunication] }
        #expect(harness.on("limits").isEmpty)
        #expect(harness.on("status").allSatisfy { $0.payload == Array("offline".utf8) })
        harness.frames(3)
        #expect(harness.on("status").last?.payload == Array("online".utf8))
        #expect(!harness.on("limits").isEmpty)
    }
}

@Suite("GX feed")
struct GXFeedTests {
    @Test("power, voltage and SoC are numbers in every document, and every document has the same keys")
    func complete() throws {
        var harness = BridgeHarness()
        harness.frames(40)
        harness.silence(40)
        harness.frames(10) { $0.status.insert(.noCellCommunication) }
        harness.frames(10)
        let documents = try harness.on("gx").map { try Document($0.payload) }
        #expect(documents.count > 50)
        let keys = try #require(documents.first).paths
        for document in documents {
            #expect(document.paths == keys)
            for path in ["Dc.Power", "Dc.Voltage", "Soc"] { #expect(document.number(path) != nil) }
        }
    }

    @Test("the feed has one document for each second of the wall clock, in any phase", arguments: [0, 250, 500, 999])
    func cadence(phase: Int64) {
        var harness = BridgeHarness()
        harness.wall += phase
        harness.frames(3)
        harness.forget()
        var seconds: [Int64] = []
        for index in 0..<60 {
            // Frames jitter by a tenth of a second.
            harness.pass(index.isMultiple(of: 2) ? 0.4 : 0.6)
            harness.tick()
            harness.pass(index.isMultiple(of: 2) ? 0.5 : 0.5)
            let before = harness.on("gx").count
            harness.frame()
            if harness.on("gx").count > before { seconds.append(harness.wall / 1000) }
        }
        #expect(Set(seconds).count == seconds.count)
        #expect((55...61).contains(harness.on("gx").count))
    }

    @Test("without a current sensor the feed is empty, because the driver would freeze on a null")
    func noSensor() {
        var harness = BridgeHarness()
        harness.frames(20) {
            $0.current = nil
            $0.current1 = nil
        }
        #expect(harness.on("gx").isEmpty)
        #expect(!harness.on("limits").isEmpty)
    }

    @Test("the feed has whole amperes and at most 24 cells, and no document when it is off")
    func shape() throws {
        var harness = BridgeHarness()
        harness.frames(30) {
            $0.cellCount = 30
            $0.packVoltage = Millivolts(30 * 3312)
        }
        let document = try harness.document("gx")
        #expect(document.number("Voltages.Cell24") != nil || document.isNull("Voltages.Cell24"))
        #expect(document["Voltages.Cell25"] == nil)
        for path in ["Info.MaxChargeCurrent", "Info.MaxDischargeCurrent"] {
            let value = try #require(document.number(path))
            #expect(value == value.rounded())
        }
        var off = BridgeHarness { options, _ in options.gxFeed = false }
        off.frames(10)
        #expect(off.on("gx").isEmpty)
    }

    @Test("dbus-mqtt-battery 1.0.12 knows every key of the feed")
    func knownKeys() throws {
        var harness = BridgeHarness()
        harness.frames(3)
        let known: Set<String> = [
            "Dc.Power", "Dc.Voltage", "Dc.Current", "Dc.Temperature", "Soc", "Soh", "Capacity", "InstalledCapacity",
            "ConsumedAmphours", "TimeToGo", "State", "Alarms.LowCellVoltage", "Alarms.HighCellVoltage",
            "Alarms.LowTemperature", "Alarms.HighTemperature", "Alarms.LowChargeTemperature", "Alarms.CellImbalance",
            "Alarms.LowSoc", "Alarms.BmsCable", "Alarms.InternalFailure", "Info.MaxChargeVoltage",
            "Info.MaxChargeCurrent",
            "Info.MaxDischargeCurrent", "Info.BatteryLowVoltage", "Info.MaxChargeCellVoltage", "Info.ChargeRequest",
            "Info.ChargeMode", "Info.ChargeLimitation", "Info.DischargeLimitation", "Io.AllowToCharge",
            "Io.AllowToDischarge", "System.MinVoltageCellId", "System.MaxVoltageCellId", "System.MinCellVoltage",
            "System.MaxCellVoltage", "System.MinTemperatureCellId", "System.MaxTemperatureCellId",
            "System.MinCellTemperature", "System.MaxCellTemperature", "System.NrOfCellsPerBattery",
            "System.NrOfModulesOnline", "System.NrOfModulesOffline", "System.NrOfModulesBlockingCharge",
            "System.NrOfModulesBlockingDischarge", "Voltages.Sum", "Voltages.Diff", "History.ChargeCycles",
            "History.ChargedEnergy", "History.DischargedEnergy", "History.MinimumCellVoltage",
            "History.MaximumCellVoltage", "History.TimeSinceLastFullCharge",
        ]
        let cells = Set((1...24).flatMap { ["Voltages.Cell\($0)", "Balances.Cell\($0)"] })
        #expect(try harness.document("gx").paths.subtracting(known).subtracting(cells).isEmpty)
    }
}

import BMSCore
import MQTT
import SmartBMS
import JSON
import TestSupport
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Documents")
struct DocumentTests {
    @Test("paths are unique, and rows of one object follow each other")
    func catalogue() {
        let paths = MetricCatalogue.state.map(\.path)
        #expect(Set(paths).count == paths.count)
        // An object that was left is not opened again, because its name would be in the JSON twice.
        var closed: Set<[String]> = []
        var open: [String] = []
        for metric in MetricCatalogue.state {
            let parents = Array(metric.keys.dropLast())
            #expect(!closed.contains(parents), "\(metric.path) opens an object again")
            if parents != open, !open.isEmpty, !parents.starts(with: open) { closed.insert(open) }
            open = parents
        }
        for (first, second) in zip(paths, paths.dropFirst()) { #expect(first != second) }
    }

    @Test(
        "the paths of the contract exist",
        arguments: [
            "Dc.Voltage", "Dc.Current", "Dc.Power", "Dc.Temperature", "Dc.In.Current", "Dc.In.Power", "Dc.Out.Current",
            "Dc.Out.Power", "Soc", "SocCalibrated", "Soh", "ChargeEfficiency", "Capacity", "InstalledCapacity",
            "ConsumedAmphours", "Energy.Stored", "Energy.Installed", "Energy.InToday", "Energy.OutToday", "Energy.In",
            "Energy.Out", "TimeToGo", "State", "Connected", "ErrorCode", "System.MinCellVoltage",
            "System.MaxVoltageCellId",
            "System.NrOfCellsPerBattery", "System.NrOfModulesBlockingDischarge", "System.MinVoltageThreshold",
            "System.FullVoltageThreshold", "Voltages.Sum", "Voltages.Diff", "Io.AllowToCharge", "Io.ChargeRelay",
            "Io.LoadRelay", "Alarms.LowCellVoltage", "Alarms.HighCellVoltage", "Alarms.LowTemperature",
            "Alarms.HighTemperature", "Alarms.LowChargeTemperature", "Alarms.CellImbalance", "Alarms.LowSoc",
            "Alarms.BmsCable", "Alarms.InternalFailure", "Alarms.Alarm", "Info.MaxChargeVoltage",
            "Info.MaxChargeCurrent",
            "Info.MaxDischargeCurrent", "Info.BatteryLowVoltage", "Info.MaxChargeCellVoltage", "Info.ChargeMode",
            "Info.VoltageLimitation", "Info.ChargeLimitation", "Info.DischargeLimitation", "Info.ChargeRequest",
            "History.ChargeCycles", "History.ChargedEnergy", "History.DischargedEnergy", "History.MinimumCellVoltage",
            "History.TimeSinceLastFullCharge", "FirmwareVersion", "ProductName", "CustomName", "Serial", "Manufacturer",
            "Link.Age", "Link.FramesAccepted", "Link.FramesRejected", "Link.BytesDropped", "Link.Resyncs",
        ])
    func contract(path: String) throws {
        var harness = BridgeHarness()
        harness.frames(2)
        #expect(try harness.document("state").paths.contains(path))
    }

    @Test("a worked frame gives the expected values, with the resolution of the wire")
    func worked() throws {
        var harness = BridgeHarness()
        harness.frames(2)
        let text = String(decoding: try #require(harness.on("state").last).payload, as: UTF8.self)
        #expect(text.contains(#""Current":10.000"#))
        #expect(text.contains(#""MinCellVoltage":3.305,"MaxCellVoltage":3.320,"MinVoltageCellId":"C3""#))
        let state = try harness.document("state")
        #expect(state.number("Soc") == 50)
        #expect(state.text("CustomName") == "Garage battery")
        #expect(state.number("InstalledCapacity") == 280)
        #expect(state.number("ConsumedAmphours") == -140.2)
        #expect(state.number("Dc.In.Current") == 10)
    }

    @Test("an unknown value is null, never 0")
    func unknown() throws {
        var harness = BridgeHarness()
        harness.frames(2)
        let state = try harness.document("state")
        for path in ["Dc.Out.Current", "Dc.Out.Power", "Soh", "Io.ChargeRelay", "FirmwareVersion", "TimeToGo"] {
            #expect(state.isNull(path), "\(path)")
        }
        let cells = try harness.document("cells")
        #expect(cells.number("Voltages.Cell1") == 3.31)
        #expect(cells.isNull("Voltages.Cell2"))
        #expect(cells["Voltages.Cell17"] == nil)
    }

    @Test("without cell communication measurements are null and the alarm is on")
    func cellCommunication() throws {
        var harness = BridgeHarness()
        harness.frames(5)
        harness.frames(2) { $0.status = [.noCellCommunication] }
        let state = try harness.document("state")
        #expect(state.isNull("Dc.Voltage"))
        #expect(state.number("Alarms.InternalFailure") == 2)
        #expect(state.number("Alarms.Alarm") == 2)
        #expect(state.number("Connected") == 1)
        let limits = try harness.document("limits")
        #expect(limits.number("ccl") == 0)
        #expect(limits.number("dcl") == 0)
    }

    @Test("hostile names come out as valid JSON", arguments: ["\"", "\\", "a\nb\u{7}", "é\u{1F50B}", "</script>"])
    func escaping(name: String) throws {
        var harness = BridgeHarness { _, pack in pack.name = name }
        harness.frames(2)
        #expect(try harness.document("state").text("CustomName") == name)
        let discovery = try #require(harness.sent.first { $0.topic.hasSuffix("/config") })
        #expect(try Document(discovery.payload).text("device.name") == name)
    }

    @Test(
        "decimals are fixed, rounded half away from zero, and never -0",
        arguments: [
            (3301, 3, "3.301"), (3301, 2, "3.30"), (-125_125, 3, "-125.125"), (-4, 2, "0.00"), (5, 2, "0.01"),
            (-5, 2, "-0.01"), (999_999, 0, "1000"), (0, 1, "0.0"), (Int.max, 0, "9223372036854776"),
            (Int.min, 3, "-9223372036854775.808"),
        ])
    func decimals(thousandths: Int, decimals: Int, text: String) {
        var writer = JSONWriter()
        writer.value(.decimal(thousandths: thousandths, decimals: decimals))
        #expect(String(decoding: writer.bytes, as: UTF8.self) == text)
    }

    @Test(
        "characters that command a terminal or turn text around are escaped in every document, and read back unchanged")
    func hostileText() {
        for mark in [
            "\u{0}", "\u{1B}", "\u{7F}", "\u{80}", "\u{9B}", "\u{61C}", "\u{200F}", "\u{202E}", "\u{2028}", "\u{2069}",
        ] {
            let text = "20 °C – \(mark)\"\\ 地"
            var writer = JSONWriter()
            writer.value(.text(text))
            let bytes = writer.bytes
            #expect(String(decoding: bytes, as: UTF8.self).isPlain)
            #expect(JSONValue(parsing: bytes) == .text(text))
        }
    }

    @Test("a filter answers every step, with null before the first limits")
    func filter() throws {
        var filter = LimitFilter(PackOptions(id: "p"))
        let none = try Document(filter.step(frame: nil, atMilliseconds: 0))
        #expect(none.isNull("cvl") && none.isNull("ccl") && none.isNull("dcl"))
        #expect(none.text("reasons.ccl")?.isEmpty == false)
        _ = filter.step(frame: FrameFixture.bytes(), atMilliseconds: 1000)
        let answer = try Document(filter.step(frame: FrameFixture.bytes(), atMilliseconds: 2000))
        #expect(answer.number("t") == 2)
        #expect(answer.number("cvl") == 54.88)
        let bad = try Document(filter.step(frame: [1, 2, 3], atMilliseconds: 13_000))
        #expect(bad.number("ccl") == 0)
    }

    @Test("a check that refuses too many frames is reported once, with the refused value and the key")
    func refusals() {
        var harness = BridgeHarness()
        harness.frames(5)
        for _ in 0..<150 {
            harness.frames(1) { $0.packVoltage = Millivolts(40_000) }
            harness.tick()
        }
        let told = harness.notices.map(\.text).filter { $0.contains("refused within a minute") }
        #expect(told.count == 1)
        #expect(told.first?.contains("checks.packVoltageTolerance") == true)
        #expect(told.first?.contains("40.000 V") == true)
    }
}

import Testing

@testable import bms_mqtt

@Suite("Live view")
struct MonitorTests {
    private static let documents = [
        ("bms/bridge/status", "online"),
        ("bms/shed/status", "online"),
        (
            "bms/shed/state",
            """
            {"CustomName":"Shed","Soc":57,"Dc":{"Voltage":53.0,"Current":-4.25,"Power":-225},
            "System":{"MinCellVoltage":3.305,"MaxCellVoltage":3.4,"MinVoltageThreshold":2.9,"MaxVoltageThreshold":3.7,
            "MinCellTemperature":20.1},"Io":{"AllowToCharge":1,"AllowToDischarge":0},"Alarms":{"LowSoc":1,"Alarm":1},
            "Info":{"ChargeMode":"bulk"}}
            """
        ),
        ("bms/shed/limits", #"{"cvl":54.88,"ccl":12.5,"dcl":0,"reasons":{"ccl":"coldest cell 3 at 4.0 °C"}}"#),
        ("bms/shed/cells", #"{"Voltages":{"Cell1":3.3,"Cell2":3.45},"Balances":{"Cell1":0,"Cell2":1}}"#),
        ("bms/shed/event", #"{"text":"good frames come"}"#),
    ]

    private func model(_ documents: [(String, String)] = Self.documents) -> MonitorModel {
        var model = MonitorModel(base: "bms")
        for (topic, text) in documents { model.take(topic: topic, payload: Array(text.utf8)) }
        return model
    }

    private func screen(_ columns: Int = 120, _ rows: Int = 40) -> MonitorScreen {
        MonitorScreen(columns: columns, rows: rows, isUnicode: false, hasColour: false)
    }

    @Test("pack, limits with reasons, permissions, alarms, cells and the last event are on the screen")
    func everything() {
        let text = screen().lines(model(), footer: ["press Ctrl-C"]).joined(separator: "\n")
        for part in [
            "Shed   online, bridge online   bulk", "53.00 V   -4.3 A   -225 W   SoC 57 %", "CVL   54.88 V",
            "CCL    12.5 A  coldest cell 3 at 4.0 °C", "charging permitted, discharging NOT permitted",
            "alarms: LowSoc", "1 3.300  ######......", "2 3.450* ########....", "last event: good frames come",
            "press Ctrl-C", "- °C",
        ] { #expect(text.contains(part), "\(part) in \(text)") }
    }

    @Test("a small window is never overrun", arguments: [(20, 5), (1, 1), (80, 3)])
    func small(_ columns: Int, _ rows: Int) {
        let lines = screen(columns, rows).lines(model(), footer: ["foot"])
        #expect(lines.count <= max(2, rows))
        #expect(lines.allSatisfy { $0.count <= columns })
    }

    @Test("what a document contains cannot move the cursor", arguments: [true, false])
    func escape(_ hasColour: Bool) {
        let evil = [
            ("bms/shed/status", "online"),
            ("bms/shed/state", "{\"CustomName\":\"\\u001b[2JShed\\u009b1A\",\"Info\":{\"ChargeMode\":\"x\\r\\ny\"}}"),
        ]
        var view = screen()
        view.hasColour = hasColour
        let text = view.lines(model(evil), footer: []).joined()
        #expect(text.contains("[2JShed1A"))
        #expect(!text.contains("\u{1B}[2J") && !text.contains("\u{9B}") && !text.contains("\r"))
        let pack = model(evil).packs["shed"]
        #expect(pack.map { MonitorScreen.summary("shed", $0).contains("xy") } == true)
    }

    @Test("numbers beyond reason, other layouts and other packs do no harm")
    func hostile() {
        let absurd = #"{"Soc":1e300,"Dc":{"Voltage":"x","Current":-1e99},"Info":[],"Alarms":3}"#
        let seen = model([
            ("bms/shed/state", absurd), ("bms/shed/limits", "not JSON"), ("bms/a/b/c", "1"), ("other/shed/state", "{}"),
        ])
        #expect(seen.packs.count == 1)
        #expect(screen().lines(seen, footer: []).joined().contains("- V"))
        var many = MonitorModel(base: "bms")
        for number in 0..<2000 { many.take(topic: "bms/p\(number)/status", payload: []) }
        #expect(many.packs.count == 1000)
    }

    @Test("without a pack the screen says where it looks")
    func empty() {
        #expect(screen().lines(model([]), footer: []).first == "bridge unknown, no pack seen yet under bms/")
    }
}

import JSON
import MQTT
import TestThreads
import Testing

@testable import MQTTBridge

@Suite("Metrics for Prometheus", .calculates)
struct MetricsTextTests {
    private func battery(_ id: String = "garage", isLive: Bool = true) throws -> MetricsText.Battery {
        var harness = BridgeHarness { bridge, _ in (bridge.stateInterval, bridge.cellsInterval) = (0, 0) }
        harness.frames(60)
        let documents = try ["state", "cells", "limits"].map {
            try #require(JSONValue(parsing: harness.on($0).last?.payload ?? []))
        }
        return MetricsText.Battery(
            id: id, isLive: isLive, documents: [.state: documents[0], .cells: documents[1], .limits: documents[2]])
    }

    @Test("numbers have base units, cells their numbers, limits their rule")
    func values() throws {
        let text = MetricsText.text([try battery()], isConnected: true, isBridgeOnline: true)
        let lines = text.split(separator: "\n").map(String.init)
        for line in [
            "bms_broker_connected 1", "bms_bridge_online 1", "bms_battery_live{pack=\"garage\"} 1",
            "bms_soc_ratio{pack=\"garage\"} 0.5",
            "bms_dc_current_amperes{pack=\"garage\"} 10", "bms_cell_voltage_volts{pack=\"garage\",cell=\"1\"} 3.31",
            "bms_limits_dcl_amperes{pack=\"garage\"} 280", "# TYPE bms_link_frames_accepted_total counter",
            "# TYPE bms_dc_current_amperes gauge", "# TYPE bms_energy_in_today_joules gauge",
        ] {
            #expect(lines.contains(line), "\(line)")
        }
        #expect(text.contains("bms_limits_reason_info{pack=\"garage\",limit=\"ccl\",name="))
        #expect(text.contains("bms_info_charge_mode_info{pack=\"garage\",value=\"bulk\"} 1"))
    }

    @Test("every number of the catalogue that is known is there, once, with help and type")
    func whole() throws {
        let battery = try battery()
        let text = MetricsText.text([battery], isConnected: true, isBridgeOnline: true)
        let names = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map {
            $0.prefix { $0 != "{" && $0 != " " }
        }
        for name in Set(names) {
            #expect(text.contains("# HELP \(name) ") && text.contains("# TYPE \(name) "), "\(name)")
        }
        let known = MetricCatalogue.state.filter { row in
            battery.documents[.state]?[row.keys.joined(separator: ".")]?.number != nil
        }
        #expect(known.count > 60)
        for row in known { #expect(text.contains("(\(row.path)).\n"), "\(row.path)") }
    }

    @Test("what only grows is a counter with the ending of one, and nothing else is")
    func counters() throws {
        let counters: Set<String> = [
            "/Energy/In", "/Energy/Out", "/History/ChargeCycles", "/History/ChargedEnergy",
            "/History/DischargedEnergy", "/Link/FramesAccepted", "/Link/FramesRejected", "/Link/FramesDamaged",
            "/Link/BytesDropped", "/Link/Resyncs", "/Link/SourceReopenings", "/Link/BrokerReconnects",
            "/Link/CommandsRefused", "/Can/Sets", "/Can/Faults", "/Can/KeepAlives", "/Can/OtherFrames",
        ]
        #expect(Set(MetricCatalogue.state.filter(\.isCounter).map(\.path)) == counters)
        let state = JSONValue.object([
            "Energy": .object(["In": .number(2)]), "Can": .object(["OtherFrames": .number(7)]),
        ])
        let text = MetricsText.text(
            [MetricsText.Battery(id: "x", isLive: true, documents: [.state: state])], isConnected: true,
            isBridgeOnline: true)
        for line in [
            "# TYPE bms_energy_in_joules_total counter\nbms_energy_in_joules_total{pack=\"x\"} 7200000\n",
            "# TYPE bms_can_other_frames_total counter\nbms_can_other_frames_total{pack=\"x\"} 7\n",
        ] {
            #expect(text.contains(line), "\(text)")
        }
    }

    @Test("broker and bridge are told of when nothing is known of either, and before the first battery")
    func nothing() {
        let text = MetricsText.text([], isConnected: false, isBridgeOnline: false)
        #expect(
            text.split(separator: "\n").filter { !$0.hasPrefix("#") } == [
                "bms_broker_connected 0", "bms_bridge_online 0",
            ])
    }

    @Test("a text of a broker is cut")
    func long() {
        let state = JSONValue.object(["CustomName": .text(String(repeating: "x", count: 60_000))])
        let text = MetricsText.text(
            [.init(id: "a", isLive: true, documents: [.state: state])], isConnected: true, isBridgeOnline: true)
        #expect(text.contains("name=\"\(String(repeating: "x", count: 128))\"") && text.utf8.count < 2_000)
    }

    @Test("what is not valid is absent, and a hostile name stays inside its quotes")
    func absent() throws {
        let name = "a\"b\\c\nd"
        let silent = MetricsText.Battery(
            id: "cellar", isLive: false,
            documents: [.limits: .object(["ccl": .number(0), "dcl": .null, "names": .object(["ccl": .text(name)])])])
        let text = MetricsText.text([silent], isConnected: true, isBridgeOnline: false)
        #expect(
            text.split(separator: "\n").filter { !$0.hasPrefix("#") } == [
                "bms_broker_connected 1", "bms_bridge_online 0",
                "bms_battery_live{pack=\"cellar\"} 0", "bms_limits_ccl_amperes{pack=\"cellar\"} 0",
                "bms_limits_reason_info{pack=\"cellar\",limit=\"ccl\",name=\"a\\\"b\\\\c\\nd\"} 1",
            ])
    }

    @Test(
        "no name leaves its quotes: not with an accent behind a quotation mark, not with a line end of two scalars",
        arguments: [
            "x\"\u{301}} 1 y", "x\\\u{301}", "q\r\nbms_battery_live{pack=\"garage\"} 0\r\nz 1 ", "a\nb", "a\rb",
        ])
    func names(name: String) throws {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("CustomName", name)
        writer.endObject()
        let state = try #require(JSONValue(parsing: writer.bytes))
        let text = MetricsText.text(
            [MetricsText.Battery(id: "x", isLive: true, documents: [.state: state])], isConnected: true,
            isBridgeOnline: true)
        let line = try #require(
            text.unicodeScalars.split { $0 == "\n" || $0 == "\r" }.map { String($0) }.first {
                $0.hasPrefix("bms_battery_info")
            })
        #expect(line.unicodeScalars.suffix(3).elementsEqual("} 1".unicodeScalars), "\(line)")
        var (isQuoted, isEscaped, quotes) = (false, false, 0)
        for scalar in line.unicodeScalars {
            if isEscaped {
                isEscaped = false
            } else if isQuoted, scalar == "\\" {
                isEscaped = true
            } else if scalar == "\"" {
                isQuoted.toggle()
                quotes += 1
            }
        }
        #expect(!isQuoted && quotes % 2 == 0 && quotes >= 4, "\(line)")
    }
}

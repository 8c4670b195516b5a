import BMSCore
import SmartBMS
import ChargeLimits
import BatteryEngine
import MQTTBridge
import TestSupport
import Testing

@testable import bms_mqtt

/// Status line and summaries of a real bridge with a manual clock.
@Suite("Status line and hourly summary")
struct SummaryTests {
    /// A bridge with packs b1, b2 ... that all get the same frames.
    private struct Fleet {
        var bridge: Bridge
        let count: Int
        var milliseconds: Int64 = 1_000_000

        init(_ count: Int) {
            self.count = count
            bridge = Bridge(BridgeOptions(), packs: (1...count).map { PackOptions(id: "b\($0)") })
        }

        var now: Moment {
            Moment(monotonic: Timestamp(milliseconds: milliseconds), wall: 1_795_000_000_000 + milliseconds)
        }

        /// Delivers a frame each second, to the first packs only.
        mutating func frames(_ seconds: Int, packs: Int? = nil, _ change: (inout Frame) -> Void = { _ in }) {
            for _ in 0..<seconds {
                milliseconds += 1000
                for index in 0..<(packs ?? count) {
                    _ = bridge.receive(FrameFixture.bytes(change), pack: index, at: now)
                }
                _ = bridge.tick(at: now)
            }
        }

        var summaries: [PackSummary] { bridge.summaries(at: now.monotonic) }

        func status(isConnected: Bool = true) -> String { StatusLine.text(summaries, isConnected: isConnected) }
    }

    @Test("the status of one pack names cells, volts, both limits, and the reason of the charge limit")
    func onePack() throws {
        var fleet = Fleet(1)
        #expect(fleet.status() == "no good frame from the BMS yet")
        #expect(fleet.status(isConnected: false) == "no broker; no good frame from the BMS yet")
        fleet.frames(120)
        let limits = try #require(fleet.summaries.first?.limits)
        #expect(
            fleet.status()
                == "16 cells, 53.00 V, DCL \(StatusLine.amperes(limits.dcl)), CCL \(StatusLine.amperes(limits.ccl)): "
                + limits.reason(.ccl))
    }

    @Test("the status of one pack without discharge ends with DCL and its reason")
    func noDischarge() throws {
        var fleet = Fleet(1)
        fleet.frames(120) { $0.status = [.chargeAllowed] }
        let limits = try #require(fleet.summaries.first?.limits)
        #expect(fleet.status().hasSuffix(", DCL 0 A: " + limits.reason(.dcl)))
    }

    @Test("the status of one silent pack shows no old measurement")
    func silent() {
        var fleet = Fleet(1)
        fleet.frames(60)
        fleet.frames(20, packs: 0)
        #expect(fleet.status().hasPrefix("16 cells, no fresh measurement, DCL "))
        #expect(fleet.status().contains("CCL 0 A: "))
    }

    @Test("the status of many packs counts them and names the first silent ones, in a bounded line")
    func manyPacks() {
        var fleet = Fleet(20)
        // The first frame of each pack waits for an equal one.
        fleet.frames(2, packs: 12)
        // The expectation does not contain the fleet, because a failure would print all of it.
        let status = fleet.status()
        #expect(status.hasPrefix("20 packs, 12 with fresh data"))
        #expect(status.hasSuffix("; none from b13, b14, b15 and 5 more"))
        let offline = fleet.status(isConnected: false)
        #expect(offline == "no broker; " + status)
    }

    @Test("the summary of a pack's hour names frames, limits, energy and the present state")
    func hour() throws {
        var fleet = Fleet(1)
        _ = fleet.bridge.sourceChanged(pack: 0, .opened, at: fleet.now)
        fleet.frames(10) { $0.energyInToday = WattHours(1_000) }
        var summary = HourlySummary(fleet.summaries, at: 0)
        #expect(!summary.isDue(at: HourlySummary.period - 1))
        #expect(summary.isDue(at: HourlySummary.period))
        _ = fleet.bridge.sourceChanged(pack: 0, .closed, at: fleet.now)
        _ = fleet.bridge.sourceChanged(pack: 0, .opened, at: fleet.now)
        fleet.frames(50) { $0.energyInToday = WattHours(1_500) }
        // Charging is forbidden for a while, and then allowed again.
        fleet.frames(10) { ($0.energyInToday, $0.status) = (WattHours(1_500), [.dischargeAllowed]) }
        fleet.frames(100) { $0.energyInToday = WattHours(1_500) }
        let packs = fleet.bridge.takeSummaries(at: fleet.now.monotonic)
        let range = try #require(packs.first?.range)
        #expect(range[.ccl].lowerBound == 0)
        let lines = summary.lines(packs, at: HourlySummary.period)
        let line = try #require(lines.first)
        #expect(line.hasPrefix("pack b1: in the last hour 160 frames, 0 refused, link 100 %; CVL "), "\(line)")
        #expect(line.contains("; 0.50 kWh in, 0.00 kWh out; now 50 %, 53.00 V; source opened 1 x"), "\(line)")
        #expect(line.contains("CCL 0.0 to \(FixedPoint.text(thousandths: range[.ccl].upperBound, decimals: 1)) A"))
        // The next hour's range begins with its own values.
        fleet.frames(10)
        #expect((fleet.summaries.first?.range?[.ccl].lowerBound ?? 0) > 0)
        #expect(!summary.isDue(at: HourlySummary.period + 1))
        #expect(summary.isDue(at: 2 * HourlySummary.period))
    }

    @Test("the energy of an hour over midnight counts from the zero of the new day")
    func midnight() throws {
        var fleet = Fleet(1)
        fleet.frames(10) { $0.energyOutToday = WattHours(9_000) }
        var summary = HourlySummary(fleet.summaries, at: 0)
        fleet.frames(10) { $0.energyOutToday = WattHours(250) }
        let lines = summary.lines(fleet.summaries, at: 1)
        let line = try #require(lines.first)
        #expect(line.contains("0.25 kWh out"), "\(line)")
    }

    @Test("up to eight packs have a line each, and more packs share one", arguments: [(8, 8), (9, 1), (20, 1)])
    func bounded(packs: Int, lines: Int) throws {
        var fleet = Fleet(packs)
        var summary = HourlySummary(fleet.summaries, at: 0)
        fleet.frames(2)
        let said = summary.lines(fleet.summaries, at: 1)
        #expect(said.count == lines)
        if lines == 1 {
            let line = try #require(said.first)
            #expect(line.hasPrefix("\(packs) packs: in the last hour \(packs) frames, \(packs) refused; 0.00 kWh in"))
            #expect(line.hasSuffix("; \(packs) with fresh data now"))
        }
    }
}

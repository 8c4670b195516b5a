import BMSCore
import SmartBMS
import Testing

@testable import PackSimulator

@Suite("Relays follow the manuals' tables")
struct RelayLogicTests {
    /// Ordinary values of a 16-cell LFP pack: 2900, 3400, 3700 mV; 0, -20, 55 degC.
    struct Moment: Sendable, CustomTestStringConvertible {
        var name: String
        var lowest = 3300
        var highest = 3310
        var coldest = 20.0
        var hottest = 22.0
        var isFull = false
        var soc = 50
        var hasCells = true
        var testDescription: String { name }

        var conditions: RelayLogic.Conditions {
            RelayLogic.Conditions(
                lowest: Millivolts(lowest), highest: Millivolts(highest), coldest: BMSSettings.raw(coldest),
                hottest: BMSSettings.raw(hottest), isFull: isFull, soc: soc, hasCellCommunication: hasCells)
        }
    }

    private func settings(_ mode: RelayMode, _ revision: ManualRevision) -> BMSSettings {
        BMSSettings(
            cells: 16, model: CellModel.of(.lfp), capacity: WattHours(5300), mode: mode, revision: revision,
            sensors: .two, sendsSlotsAboveCount: true)
    }

    private func apply(_ moments: [(Moment, Int)], _ settings: BMSSettings) -> RelayLogic {
        var logic = RelayLogic()
        for (moment, seconds) in moments {
            for _ in 0..<seconds { logic.update(moment.conditions, settings) }
        }
        return logic
    }

    @Test(
        "Each cause opens its relays at once, in both modes, and sets its bit",
        arguments: [
            (Moment(name: "at Vmax", highest: 3700), false, true, StatusFlags.cellTooHigh),
            (Moment(name: "below Vmax", highest: 3695), true, true, StatusFlags()),
            (Moment(name: "at Vmin", lowest: 2900), true, false, .cellTooLow),
            (Moment(name: "above Vmin", lowest: 2905), true, true, StatusFlags()),
            (Moment(name: "hot", hottest: 57), false, false, .tooWarm),
            (Moment(name: "at Tmax", hottest: 55), true, true, StatusFlags()),
            (Moment(name: "cold", coldest: -3), false, true, .tooCold),
            (Moment(name: "very cold", coldest: -23), false, false, .tooCold),
            (Moment(name: "no cells", hasCells: false), false, false, .noCellCommunication),
        ], RelayMode.allCases)
    func causes(row: (Moment, charge: Bool, load: Bool, StatusFlags), mode: RelayMode) {
        let logic = apply([(row.0, 1)], settings(mode, .generation3Rev13))
        #expect(logic.charge.isClosed == row.charge)
        #expect(logic.load.isClosed == row.load)
        #expect(logic.alarms == row.3)
        #expect(logic.status.contains(.chargeAllowed) == row.charge)
        #expect(logic.second.contains(.loadRelayClosed) == row.load)
    }

    @Test("Before rev 13 a single T-min opens both relays", arguments: ManualRevision.allCases)
    func temperatureSplit(revision: ManualRevision) {
        let logic = apply([(Moment(name: "cold", coldest: -3), 1)], settings(.normal, revision))
        #expect(!logic.charge.isClosed)
        #expect(logic.load.isClosed == (revision == .generation3Rev13))
        #expect(logic.second.contains(.tooColdToCharge))
        #expect(logic.second.contains(.tooColdToDischarge) == (revision != .generation3Rev13))
    }

    @Test("Full ends charging in normal mode alone")
    func full() {
        let full = Moment(name: "full", lowest: 3405, highest: 3430, isFull: true, soc: 100)
        #expect(!apply([(full, 1)], settings(.normal, .generation3Rev13)).charge.isClosed)
        #expect(apply([(full, 1)], settings(.critical, .generation3Rev13)).charge.isClosed)
    }

    @Test(
        "In normal mode charging restarts below the restart SoC with all cells under Vbalance, not before 30 s",
        arguments: [
            (Moment(name: "95 %", soc: 95), 60, false), (Moment(name: "94 %", soc: 94), 60, true),
            (Moment(name: "a cell at Vbalance", highest: 3400, soc: 94), 60, false),
            (Moment(name: "29 s", soc: 50), 29, false), (Moment(name: "30 s", soc: 50), 30, true),
        ])
    func chargeRestart(row: (Moment, seconds: Int, closes: Bool)) {
        let full = Moment(name: "full", lowest: 3405, highest: 3430, isFull: true, soc: 100)
        let logic = apply([(full, 1), (row.0, row.seconds)], settings(.normal, .generation3Rev13))
        #expect(logic.charge.isClosed == row.closes)
    }

    @Test(
        "The load relay restarts from 5 % in normal mode, by voltage alone in critical mode",
        arguments: [(4, RelayMode.normal, false), (5, .normal, true), (0, .critical, true)])
    func loadRestart(soc: Int, mode: RelayMode, closes: Bool) {
        let logic = apply(
            [(Moment(name: "at Vmin", lowest: 2900), 1), (Moment(name: "rested", lowest: 2950, soc: soc), 40)],
            settings(mode, .generation3Rev13))
        #expect(logic.load.isClosed == closes)
    }

    @Test("Early warning comes before the relays act")
    func earlyWarning() {
        let settings = settings(.normal, .generation3Rev13)
        #expect(!apply([(Moment(name: "calm"), 1)], settings).second.contains(.earlyWarning))
        for moment in [
            Moment(name: "Vlow", lowest: 3000), Moment(name: "near Vmax", highest: 3650),
            Moment(name: "warm", hottest: 53), Moment(name: "cool", coldest: 2),
        ] {
            let logic = apply([(moment, 1)], settings)
            #expect(logic.second.contains(.earlyWarning))
            #expect(logic.alarms.isEmpty)
        }
    }
}

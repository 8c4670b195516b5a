import BMSCore
import SmartBMS
import ChargeLimits
import GoldenSupport
import TestSupport
import TestThreads
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

/// Golden files of everything that a bridge sends: topics, payloads, flags, and the order within a step. The days of a pack and of a bank
/// are in Benchmarks/GoldenDays.swift. After an intended change, write them again and read the difference:
///
///     GOLDEN=write swift test --filter GoldenTests && git diff Tests/Golden
///
/// Where a file holds digests, the whole recordings of two commits show the difference:
///
///     GOLDEN=text swift test --filter GoldenTests && mv .build/golden /tmp/before    # at the commit before
///     GOLDEN=text swift test --filter GoldenTests && diff -r /tmp/before .build/golden
@Suite("Golden messages", .calculates)
struct GoldenTests {
    private static let birth = "homeassistant/status"

    private static func pack(_ id: String = "garage", relays: [RelayOptions] = []) -> PackOptions {
        var pack = PackOptions(id: id, name: "Garage battery")
        pack.relays = relays
        return pack
    }

    // MARK: GX

    @Test("all messages of each GX situation, the tree included, are the golden ones", arguments: GXFeedSituation.all)
    func situation(_ situation: GXFeedSituation) {
        #expect(situation.difference("gx-\(situation.name)") == nil)
    }

    // MARK: Home Assistant

    @Test("announcements are the golden ones", arguments: [4, 16, 255])
    func announcements(cells: Int) {
        for mode in [DiscoveryMode.device, .entities] {
            var options = BridgeOptions()
            options.discovery = mode
            // These are thousands of messages.
            let isLong = cells == 255 && mode == .entities
            var play = GoldenPlay(
                "announcement-\(cells)-\(mode)", isLong ? .stretches(seconds: 1) : .messages, options: options,
                packs: [Self.pack(relays: [GoldenPlay.relay("charger", .chargeAllowed)])])
            play.connect()
            play.frames(60) { Self.shape(&$0, cells: cells) }
            play.message(Self.birth, "online")
            play.silence(10)
            play.message("bms/garage/set/purgeDiscovery", "PRESS")
            play.silence(2)
            #expect(play.difference() == nil)
        }
    }

    @Test("announcements in each language are the golden ones", arguments: Language.allCases)
    func languages(language: Language) {
        var options = BridgeOptions()
        options.language = language
        var play = GoldenPlay("announcement-\(language)", options: options, packs: [Self.pack()])
        play.connect()
        play.frames(20) { Self.shape(&$0, cells: 4) }
        #expect(play.difference() == nil)
    }

    private static func shape(_ frame: inout Frame, cells: Int) {
        frame.cellCount = cells
        frame.highestVoltageCell = cells
        frame.lowestVoltageCell = 1
        frame.lowestTemperatureCell = 1
        frame.highestTemperatureCell = cells
        frame.setCells(low: 3305, high: 3320)
    }

    // MARK: Commands and relays

    @Test("commands and refusals give the golden messages")
    func commands() {
        let packs = [Self.pack(relays: [GoldenPlay.relay("pump", .manual)]), Self.pack("shed")]
        let bank = BankOptions(id: "house", packs: ["garage", "shed"])
        var play = GoldenPlay("commands", options: GoldenPlay.everything, packs: packs, banks: [bank])
        play.connect()
        play.frames(50)
        play.keepTreeAlive()
        let settings = SettingsTable.rows(packs[0]).map(\.name)
        let payloads = [
            "", "40", "1.5", "-1", "1e9", "NaN", "ON", "off", "auto", "full", "PRESS", "true", #"{"value":60}"#,
            #""text""#, "\u{1B}[31m", String(repeating: "9", count: 400),
        ]
        for setting in settings + ["unknown", "relay/none", ""] {
            for payload in payloads {
                play.frames(1)
                play.message("bms/garage/set/\(setting)", payload)
            }
        }
        play.frames(2)
        play.message("bms/garage/set/maxChargeCurrent", "30", isRetained: true)
        play.message("bms/garage/set/maxChargeCurrent", "30", response: "reply/here", correlation: [1, 2, 255])
        play.message("bms/garage/set/maxChargeCurrent", "31", response: "bms/garage/limits", correlation: [1])
        play.message("bms/nobody/set/maxChargeCurrent", "30", response: "reply/here")
        play.message("bms/house/set/maxChargeCurrent", "30", response: "reply/here")
        play.message("W/\(GoldenPlay.portal)/battery/512/Settings/MaxChargeCurrent", #"{"value":25}"#)
        play.message("W/\(GoldenPlay.portal)/battery/512/Soc", #"{"value":25}"#)
        play.frames(10)
        for number in 0..<100 { play.message("bms/garage/set/maxChargeCurrent", "\(number)") }
        play.frames(10)
        #expect(play.difference() == nil)
    }

    @Test("relays give the golden messages")
    func relays() {
        let functions = RelayOptions.Function.allCases
        let relays = functions.map { GoldenPlay.relay("\($0)", $0) }
        var play = GoldenPlay("relays", packs: [Self.pack(relays: relays)])
        play.connect()
        play.frames(3)
        play.guards(isUp: true)
        play.frames(5)
        for function in functions { play.message("stat/\(function)/POWER", "ON") }
        play.frames(70) { $0.status.remove(.chargeAllowed) }
        play.message("stat/chargeAllowed/POWER", "OFF")
        play.message("cmnd/chargeAllowed/POWER", "ON")
        play.frames(20) { $0.status.remove(.chargeAllowed) }
        play.message("bms/garage/set/relay/manual", "ON")
        play.message("bms/garage/set/relay/full", "OFF")
        play.frames(70)
        play.message("bms/garage/set/relay/full", "AUTO")
        play.guards(isUp: false)
        play.frames(5)
        play.guards(isUp: true)
        play.silence(75)
        play.frames(90)
        play.disconnect()
        play.frames(5)
        play.connect(canExpire: false)
        play.frames(10) { $0.status = [.noCellCommunication] }
        play.frames(70)
        #expect(play.difference() == nil)
    }
}

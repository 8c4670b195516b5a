import BMSCore
import MQTT
import SmartBMS
import ChargeLimits
import TestSupport
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

/// Every row of the table is set, and a value that a consumer can see must change.
@Suite("Every setting takes effect")
struct SettingEffectTests {
    private static let pack: PackOptions = {
        var pack = PackOptions(id: "garage", name: "Garage battery")
        var relay = RelayOptions(name: "charger")
        relay.commandTopic = "cmnd/charger/POWER"
        relay.dwell = 0
        pack.relays = [relay]
        pack.limits.maximumChargeCurrent = Milliamperes(100_000)
        return pack
    }()

    private static var context: SettingContext {
        var receiver = PackDecoder()
        for second in 0..<10 {
            _ = receiver.receive(FrameFixture.bytes(), at: Timestamp(milliseconds: Int64(second) * 1000))
        }
        return SettingContext(pack: Shared(pack), snapshot: receiver.snapshot, latches: [.deepDischarge])
    }

    /// A value inside the bounds that is not the row's own.
    private static func other(_ row: SettingRow, _ context: SettingContext) -> String? {
        let standard = row.standard(context)
        switch row.kind {
        case .number(_, _, let bounds):
            guard let range = bounds(context) else { return nil }
            return [range.lowerBound, range.upperBound].map { SettingValue.number($0) }.first { $0 != standard }?.shown
        case .flag: return standard == .flag(true) ? "OFF" : "ON"
        case .word(let words): return words.first { .word($0) != standard }
        case .text: return "Shed"
        case .button: return "PRESS"
        }
    }

    /// Limits of the pack after some steady seconds under commands.
    private static func limits(_ commands: LimitCommands) -> Limits? {
        var calculator = LimitCalculator(pack.limits)
        calculator.commands = commands
        var limits: Limits?
        for second in 0..<10 { limits = calculator.step(context.snapshot, at: .seconds(Double(10 + second))) }
        return limits
    }

    @Test("Each row changes the limits, the name or a relay, or presses its button", arguments: rows.map(\.name))
    func takesEffect(name: String) throws {
        let context = Self.context
        let row = try #require(SettingsTable.row(name, Self.pack))
        let payload = try #require(Self.other(row, context))
        let now = Moment(monotonic: Timestamp(milliseconds: 20_000), wall: 1_795_000_000_000)
        var handler = CommandHandler(CommandedSettings(), at: now.monotonic)
        let command = CommandPayload.command(name, Array(payload.utf8), isRetained: false)
        guard case .answered(let outcome) = handler.handle(command, context, at: now) else {
            Issue.record("the command got no answer")
            return
        }
        switch row.effect {
        case .limit:
            let commands = handler.settings.commands(context)
            #expect(commands != LimitCommands())
            // The interval of full charges has its effect in days.
            if commands.fullChargeInterval == nil {
                #expect(Self.limits(LimitCommands()) != Self.limits(commands), "the command bounds nothing")
            }
        case .name: #expect(handler.settings.customName == "Shed")
        case .relay:
            let report = BatteryReport(
                Shared(Self.pack.identity), PackFigures(context.pack, context.snapshot), at: now.monotonic)
            let relay = try #require(Self.pack.relays.first { $0.setting == name })
            let demands = [nil, handler.settings.stored[name]].map {
                RelayPolicy.demand(relay, $0, isGuarded: true, report)
            }
            #expect(demands[0] != demands[1])
        case .button(let action):
            #expect(outcome.action == action)
            #expect(!outcome.isChanged)
        }
    }

    @Test("A kept value outside the present bounds takes effect inside them")
    func clamped() {
        let stored = ["maxChargeCurrent": StoredSetting(.number(400_000), setAt: 0)]
        let commands = CommandedSettings(stored, Self.pack).commands(Self.context)
        #expect(commands.maximumChargeCurrent == Milliamperes(100_000))
    }

    @Test("Allowing a deep charge is refused with a reason if nothing is locked")
    func nothingLocked() throws {
        var harness = BridgeHarness()
        harness.frames(3)
        let answer = try Document(harness.command("allowDeepCharge", "PRESS").first?.payload ?? [])
        #expect(answer.flag("accepted") == false)
        #expect(answer.text("reason")?.contains("nothing to allow") == true)
        #expect(harness.saves.isEmpty)
    }

    @Test("The ceiling of the state of charge lies between 50 % and the file's")
    func maximumSoc() throws {
        var harness = BridgeHarness { _, pack in pack.limits.maximumSoc = 80 }
        harness.frames(3)
        for (payload, isAccepted) in [("80", true), ("50", true), ("81", false), ("49", false), ("100", false)] {
            let answer = try Document(harness.command("maxSoc", payload).first?.payload ?? [])
            #expect(answer.flag("accepted") == isAccepted, "\(payload)")
        }
        #expect(try harness.document("settings").number("maxSoc.value") == 50)
        #expect(try harness.document("settings").number("maxSoc.max") == 80)
    }

    private static var rows: [SettingRow] { SettingsTable.rows(pack) }
}

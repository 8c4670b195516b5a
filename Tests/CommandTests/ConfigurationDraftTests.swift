import BMSCore
import ChargeLimits
import Mosquitto
import SerialLink
import Testing

@testable import bms_mqtt

@Suite("Suggestions of setup")
struct ConfigurationDraftTests: ConfigurationReading {
    @Test("a password with a quotation mark, with an accent on it, too, is read back as it was typed")
    func quotes() throws {
        var draft = ConfigurationDraft(source: .serialAuto)
        (draft.host, draft.username, draft.password) = ("broker", "o'hara", "a'\u{301}b\"''")
        let mqtt = try load(draft.text).plan.link
        #expect(mqtt.username == draft.username && mqtt.password == draft.password)
    }

    @Test("what a draft names for a pack is what the limits use where nothing is set", arguments: Chemistry.allCases)
    func suggestions(chemistry: Chemistry) {
        var draft = ConfigurationDraft(source: .serialAuto)
        draft.probe.snapshot.chemistry = chemistry
        draft.probe.snapshot.settings = PackSettings(
            cellCount: 10, minimumVoltage: Millivolts(2000), maximumVoltage: Millivolts(4000),
            balanceVoltage: Millivolts(3000), capacity: WattHours(10 * chemistry.nominalVoltage.rawValue / 10))
        let defaults = ChemistryDefaults(chemistry, LimitConfiguration())
        #expect(draft.suggestion("limits.maxChargeCurrent") == "\(100 * defaults.chargeRate / 1000)")
        #expect(draft.suggestion("limits.maxDischargeCurrent") == "\(100 * defaults.dischargeRate / 1000)")
        #expect(draft.suggestion("limits.minChargeTemperature") == "\(defaults.lowestChargeTemperature ?? 0)")
        #expect(draft.suggestion("limits.maxTemperature") == "55")
        #expect(
            draft.text.contains("# maxChargeCurrent: \(100 * defaults.chargeRate / 1000)   # A, used until you set it"))
    }
}

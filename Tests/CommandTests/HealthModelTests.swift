import Testing

@testable import bms_mqtt

@Suite("Health")
struct HealthModelTests {
    private static let now: Int64 = 1_795_000_000_000

    private func document(age: Int64 = 1_000, state: String = "bulk", ccl: String = "80.0") -> String {
        #"{"cvl":55.20,"ccl":\#(ccl),"dcl":150.0,"chargeState":"\#(state)","#
            + #""reasons":{"ccl":"no good frame for 14 s"},"time":\#(Double(Self.now - age) / 1000)}"#
    }

    /// A model of a bridge with the pack garage; the arguments differ from a healthy one.
    private func model(
        bridge: String? = "online", status: String? = "online", limits: String? = nil, state: String? = "{}",
        isRetained: Bool = true,
        ids: [String] = ["garage"]
    ) -> HealthModel {
        var model = HealthModel(base: "bms", ids: ids, interval: 5_000)
        func take(_ topic: String, _ text: String?) {
            guard let text else { return }
            model.take(topic: topic, payload: Array(text.utf8), isRetained: isRetained, wall: Self.now)
        }
        take("bms/bridge/status", bridge)
        take("bms/garage/status", status)
        take("bms/garage/limits", limits)
        take("bms/garage/state", state)
        return model
    }

    private func fault(_ model: HealthModel) -> String? {
        let verdict = model.verdicts(wall: Self.now).first
        #expect(model.isHealthy(wall: Self.now) == verdict?.isHealthy)
        return verdict?.isHealthy == true ? nil : verdict?.text
    }

    @Test(
        "a CAN bus on which limits do not reach an inverter is no health; one that rightly says nothing is no fault",
        arguments: [
            ("sending", true), ("silent", true), ("unacknowledged", false), ("bus-off", false), ("closed", false),
        ])
    func bus(status: String, isHealthy: Bool) {
        let state = #"{"Can":{"Interface":"can:can0","Status":"\#(status)"}}"#
        let fault = fault(model(limits: document(), state: state))
        #expect((fault == nil) == isHealthy)
        if let fault {
            #expect(fault == "its limits do not reach an inverter: can:can0 is \(status); see the bridge's log")
        }
    }

    @Test("a bridge online, a pack online and fresh limits are healthy, and the verdict names the limits")
    func healthy() {
        let model = model(limits: document())
        #expect(fault(model) == nil)
        #expect(model.verdicts(wall: Self.now).first?.text == "CCL 80.0 A, DCL 150.0 A")
    }

    @Test(
        "limits that are retained without a state are not healthy; without retained limits nothing follows")
    func refusedState() {
        let sentence = fault(model(limits: document(), state: nil))
        #expect(sentence?.hasPrefix("limits but no 'state' of the pack") == true)
        #expect(fault(model(limits: document(), state: nil, isRetained: false)) == nil)
    }

    @Test("each fault is named")
    func faults() {
        #expect(fault(model(bridge: nil, limits: document()))?.hasPrefix("no bridge on 'bms/bridge/status'") == true)
        #expect(fault(model(bridge: "offline", limits: document())) == "the bridge is offline")
        #expect(fault(model(status: nil, limits: document())) == "the bridge does not know this pack")
        #expect(
            fault(model(status: "offline"))?.hasPrefix("no data from the BMS, or the broker refuses its limits") == true
        )
        #expect(
            fault(model(status: "offline", limits: document())) == "no data from the BMS: no good frame for 14 s")
        #expect(fault(model()) == "no limits")
        #expect(fault(model(limits: "rubbish")) == "no limits")
        #expect(fault(model(limits: document(state: "stale"))) == "the limits are those for missing data")
        #expect(fault(model(limits: document(ccl: "null"))) == "the limits are not numbers")
        #expect(fault(model(limits: document(age: 11_000))) == "the limits are 11 s old")
        // A clock that is behind is as bad as a clock that is ahead.
        #expect(fault(model(limits: document(age: -11_000))) == "the limits are 11 s old")
        var model = model(limits: document())
        model.failure = "broker is down"
        #expect(fault(model) == "broker is down")
    }

    @Test("live limits are fresh whatever the clocks say, until they age")
    func live() {
        let model = model(limits: document(age: 3_600_000), isRetained: false)
        #expect(fault(model) == nil)
        #expect(model.verdicts(wall: Self.now + 10_001).first?.isHealthy == false)
    }

    @Test("one unhealthy pack makes the whole unhealthy, and it alone is named")
    func severalPacks() {
        var model = model(limits: document(), ids: ["garage", "shed"])
        #expect(model.verdicts(wall: Self.now).map(\.isHealthy) == [true, false])
        let before = model.isHealthy(wall: Self.now)
        #expect(!before)
        for (topic, text) in [("bms/shed/status", "online"), ("bms/shed/limits", document()), ("bms/shed/state", "{}")]
        {
            model.take(topic: topic, payload: Array(text.utf8), isRetained: true, wall: Self.now)
        }
        let together = model.isHealthy(wall: Self.now)
        #expect(together)
        model.take(topic: "bms/garage/status", payload: Array("offline".utf8), isRetained: false, wall: Self.now)
        let after = model.isHealthy(wall: Self.now)
        #expect(!after)
    }

    @Test(
        "messages on other topics change nothing",
        arguments: [
            "bms/other/status", "bms", "bms/", "bms/garage", "bms/garage/limits/x", "other/garage/status", "bms//",
        ])
    func foreign(topic: String) {
        var model = model(limits: document())
        model.take(topic: topic, payload: [0xFF, 0x00], isRetained: false, wall: Self.now)
        #expect(fault(model) == nil)
    }

    @Test("a shown status cannot move the cursor")
    func printable() {
        #expect(fault(model(bridge: "off\u{1B}[2J", limits: document())) == "the bridge is off[2J")
    }

    @Test("huge numbers do not end the program", arguments: ["1e300", "-1e300", "1e18"])
    func hugeNumbers(number: String) {
        let text = #"{"cvl":\#(number),"ccl":\#(number),"dcl":1,"time":\#(number)}"#
        #expect(fault(model(limits: text)) != nil)
    }
}

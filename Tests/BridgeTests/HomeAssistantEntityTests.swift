import BMSCore
import ChargeLimits
import JSON
import MQTT
import PackSimulator
import SmartBMS
import TestSupport
import TestThreads
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Entities of Home Assistant as their users see them", .calculates)
struct HomeAssistantEntityTests {
    private func components(
        _ change: (inout BridgeOptions, inout PackOptions) -> Void = { _, _ in }
    ) throws -> [String: JSONValue] {
        var harness = BridgeHarness(change)
        harness.frames(140)
        let sent = harness.sent.last { $0.topic == "homeassistant/device/bms_garage/config" }
        return try Document(try #require(sent).payload).object("components")
    }

    private func text(_ component: JSONValue?, _ member: String) -> String? { component?[member]?.text }

    private func words(_ component: JSONValue?) -> [String] {
        guard case .array(let options)? = component?["options"] else { return [] }
        return options.compactMap(\.text)
    }

    private func availability(_ component: JSONValue?) -> [String] {
        guard case .array(let topics)? = component?["availability"] else { return [] }
        return topics.compactMap { $0["topic"]?.text }
    }

    private static let ofLimits = ["cvl", "ccl", "dcl", "cvl_reason", "ccl_reason", "dcl_reason", "charge_mode"]

    @Test("limits, their reasons and the charge mode come from the limits document and hang on the bridge alone")
    func limitsInSilence() throws {
        let all = try components()
        for key in Self.ofLimits {
            #expect(text(all[key], "state_topic") == "bms/garage/limits", "\(key)")
            #expect(availability(all[key]) == ["bms/bridge/status"], "\(key)")
            #expect(text(all[key], "unique_id") == "bms_garage_\(key)", "history stays")
        }
        #expect(availability(all["soc"]) == ["bms/bridge/status", "bms/garage/status"])
    }

    @Test("in silence the limits document says stale, 0 A and since when no frame came, with that reason first")
    func silence() throws {
        var harness = BridgeHarness()
        // A cell near Vmax: CCL is 0 before the silence, for another reason.
        harness.frames(20) { frame in
            frame.highestVoltage = Millivolts(3_690)
            frame.packVoltage = Millivolts(16 * 3_600)
        }
        #expect(try harness.document("limits").number("ccl") == 0)
        harness.silence(16)
        let limits = try harness.document("limits")
        #expect(limits.text("chargeState") == "stale")
        #expect(limits.number("ccl") == 0)
        #expect(limits.text("names.ccl") == "link")
        #expect(limits.text("reasons.ccl")?.hasPrefix("no good frame from the BMS for 1") == true)
        guard case .array(let constraints)? = limits["constraints"] else {
            Issue.record("no constraints")
            return
        }
        let first = constraints.first { $0["limit"]?.text == "ccl" }
        #expect(first?["name"]?.text == "link")
    }

    @Test(
        "a reason is one of some words, each rule has one, and the sentence is an attribute",
        arguments: Language.allCases)
    func reasons(language: Language) throws {
        let all = try components { options, _ in options.language = language }
        for key in ["cvl_reason", "ccl_reason", "dcl_reason"] {
            let component = all[key]
            #expect(text(component, "device_class") == "enum")
            let words = words(component)
            #expect(Set(words).count == words.count && words.count > 30)
            #expect(words.allSatisfy { $0.count <= 40 }, "\(words.filter { $0.count > 40 })")
            let template = text(component, "value_template") ?? ""
            for rule in RuleName.allCases { #expect(template.contains("'\(rule.rawValue)': "), "\(rule)") }
            #expect(text(component, "json_attributes_topic") == "bms/garage/limits")
            #expect(text(component, "json_attributes_template")?.contains("'sentence': value_json['reasons']") == true)
        }
    }

    @Test("a control in another language shows its words and commands the bridge's", arguments: Language.allCases)
    func controls(language: Language) throws {
        let all = try components { options, pack in
            options.language = language
            var relay = RelayOptions(name: "pump")
            relay.commandTopic = "cmnd/pump/POWER"
            pack.relays = [relay]
        }
        for key in ["charge_mode_setting", "relay_pump"] {
            let component = all[key]
            let command = text(component, "command_template")
            #expect((command == nil) == (language == .en))
            for word in words(component) where language != .en {
                #expect(command?.contains("'\(word)': ") == true)
                #expect(text(component, "value_template")?.contains(": '\(word)'") == true)
            }
        }
        #expect(words(all["charge_mode_setting"]).count == 3)
        if language == .de { #expect(words(all["charge_mode_setting"]).first == "automatisch") }
    }

    @Test("names fit a phone, and no icon hides that of the class", arguments: Language.allCases)
    func names(language: Language) throws {
        for (key, component) in try components({ options, _ in options.language = language }) {
            let name = text(component, "name") ?? ""
            #expect((1...34).contains(name.count), "\(name)")
            if language == .en { #expect(name.count <= 26, "\(name)") }
            #expect(!name.contains("(") && !name.contains("Garage"), "\(name)")
            if let kind = text(component, "device_class"), ["voltage", "current", "power", "energy"].contains(kind) {
                #expect(text(component, "icon") == nil, "\(key)")
            }
        }
    }

    @Test("time to go is shown in hours")
    func timeToGo() throws {
        var harness = BridgeHarness()
        harness.frames(150) {
            $0.current1 = Milliamperes(-10_000)
            $0.current = Milliamperes(-10_000)
        }
        let sent = harness.sent.last { $0.topic == "homeassistant/device/bms_garage/config" }
        let component = try Document(try #require(sent).payload).object("components")["time_to_go"]
        #expect(text(component, "unit_of_measurement") == "h")
        #expect(text(component, "value_template")?.contains("/ 3600) | round(1)") == true)
    }

    @Test(
        "without a cap in the file a slider ends where fuse, sensor and cells end it; with one at the cap or the fuse")
    func sliders() throws {
        func most(_ change: @escaping (inout PackOptions) -> Void) throws -> Double? {
            try components { change(&$1) }["max_charge_current"]?["max"]?.number
        }
        let rating = try most { _ in }
        #expect(rating.map { $0 > 0 && $0 <= 200 } == true, "\(rating ?? -1)")
        #expect(try most { $0.limits.fuse = Milliamperes(30_000) } == 30)
        #expect(try most { $0.limits.maximumChargeCurrent = Milliamperes(60_000) } == 60)
        #expect(
            try most {
                $0.limits.maximumChargeCurrent = Milliamperes(60_000)
                $0.limits.fuse = Milliamperes(40_000)
            } == 40)
        var harness = BridgeHarness()
        harness.frames(20)
        let settings = try harness.document("settings")
        #expect(settings.number("maxChargeCurrent.value") == rating)
        #expect(
            try harness.document("limits").number("ccl") == rating, "the slider ends at the limit that is published")
    }

    @Test("what the owner should do is a quiet problem with sentences, and goes when it is done")
    func toDo() throws {
        var harness = BridgeHarness { _, pack in pack.advice = [Advice(.unsetLimits, "set the caps")] }
        harness.frames(20)
        #expect(try harness.document("state").number("ToDo.Count") == 1)
        #expect(try harness.document("state").text("ToDo.Text") == "set the caps")
        let document = #"{"cvl":50,"ccl":1,"dcl":1,"reasons":{}}"#
        harness.message("bms/garage/limits", document)
        harness.frames(6)
        #expect(try harness.document("state").number("ToDo.Count") == 2)
        #expect(try harness.document("state").text("ToDo.Text")?.contains("a second bridge") == true)
        harness.pass(3_700)
        harness.frames(12)
        #expect(try harness.document("state").number("ToDo.Count") == 1, "an hour without a word of it")
        let component = try components()["to_do"]
        #expect(text(component, "device_class") == "problem" && text(component, "entity_category") == "diagnostic")
        #expect(availability(component) == ["bms/bridge/status"])
        #expect(text(component, "json_attributes_template")?.contains("value_json.ToDo.Text") == true)
    }

    @Test("thresholds that contradict the chemistry are something to do")
    func chemistry() throws {
        var harness = BridgeHarness { _, pack in pack.decoding.chemistry = .lto }
        harness.frames(20)
        #expect(try harness.document("state").number("ToDo.Count") == 1)
        #expect(try harness.document("state").text("ToDo.Text")?.isEmpty == false)
    }

    @Test("nothing of a healthy pack writes more than six lines an hour into Activity", arguments: [10, 17])
    func activity(hour: Int) throws {
        var options = BridgeOptions()
        (options.discovery, options.gxFeed) = (.off, false)
        var bridge = Bridge(options, packs: [PackOptions(id: "garage")])
        var simulator = Simulator(scenario: .day, seed: 3)
        while simulator.secondOfDay / 3600 != hour { _ = simulator.step() }
        var changes: [String: Int] = [:]
        var last: [String: MetricValue] = [:]
        let seconds = 2 * 3600
        for second in 0..<seconds {
            let now = Moment(
                monotonic: Timestamp(milliseconds: Int64(second) * 1000), wall: 1_795_000_000_000 + Int64(second) * 1000
            )
            let limits = bridge.limits(of: 0)
            let given = GivenLimits(cvl: limits?.cvl, ccl: limits?.ccl, dcl: limits?.dcl)
            guard let frame = simulator.step(limits: given) else { continue }
            guard let report = bridge.receive(frame, pack: 0, at: now).updates.last?.report else { continue }
            for row in MetricCatalogue.state {
                guard let entity = row.entity, entity.stateClass == nil else { continue }
                let isReason = entity.key.hasSuffix("_reason")
                let kind = LimitKind.allCases.first { entity.key.hasPrefix($0.rawValue) } ?? .ccl
                let value = isReason ? .string(report.limits?.boundName(kind)) : row.value(report)
                // The first minute of a start is no hour of a healthy pack.
                if second > 60, let before = last[entity.key], before != value { changes[entity.key, default: 0] += 1 }
                last[entity.key] = value
            }
        }
        let loud = changes.filter { $0.value > 6 * seconds / 3600 }
        #expect(loud.isEmpty, "\(loud), of \(changes)")
        #expect(!last.isEmpty)
    }
}

@Suite("Cells and directions that do not flicker")
struct SteadyValuesTests {
    /// A bridge whose highest cell is another one with every frame.
    private func ids(_ seconds: Int, _ change: (inout Frame, Int) -> Void) throws -> [String] {
        var harness = BridgeHarness { options, _ in options.stateInterval = 0 }
        var seen: [String] = []
        for second in 0..<seconds {
            harness.pass(1)
            harness.frame { change(&$0, second) }
            guard harness.on("state").last != nil else { continue }
            let id = try harness.document("state").text("System.MaxVoltageCellId")
            if let id, seen.last != id { seen.append(id) }
        }
        return seen
    }

    @Test("cells that take turns within one count do not take turns in the document")
    func turns() throws {
        let seen = try ids(900) { frame, second in frame.highestVoltageCell = second % 2 == 0 ? 3 : 7 }
        #expect(seen.count <= 2, "\(seen)")
    }

    @Test("another cell that stays the highest is named, after ten minutes at most")
    func taken() throws {
        let seen = try ids(900) { frame, second in
            frame.highestVoltageCell = second < 30 ? 3 : 7
            frame.highestVoltage = Millivolts(3_390)
        }
        #expect(seen == ["C3", "C7"])
    }

    @Test("while the BMS reports a cell out of range, the cell is the true one at once")
    func alarm() throws {
        let seen = try ids(60) { frame, second in
            frame.highestVoltageCell = second < 30 ? 3 : 7
            if second >= 30 {
                frame.highestVoltage = Millivolts(3_790)
                frame.status.insert(.cellTooHigh)
            }
        }
        #expect(seen == ["C3", "C7"])
    }

    @Test("the direction of the current follows after a minute, and flicker around zero does not count")
    func direction() {
        var follower = DirectionFollower()
        func step(_ amperes: Double, _ second: Int) -> CurrentDirection? {
            follower.step(Milliamperes(Int(amperes * 1000)), at: .seconds(Double(second)))
            return follower.direction
        }
        #expect(follower.direction == nil)
        #expect(step(5, 0) == .charging, "the first is known at once")
        for second in 1..<120 { #expect(step(second % 2 == 0 ? 5 : -5, second) == .charging) }
        for second in 120..<179 { #expect(step(-5, second) == .charging) }
        #expect(step(-5, 181) == .discharging)
        for second in 182..<400 { #expect(step(-0.35, second) == .discharging, "above the blind spot") }
        for second in 400..<470 { _ = step(0, second) }
        #expect(follower.direction == .idle)
        follower.step(nil, at: .seconds(480))
        #expect(follower.direction == .idle)
    }

    @Test("a direction that is over is left, even if it is not clear for which")
    func flicker() {
        var follower = DirectionFollower()
        follower.step(Milliamperes(5_000), at: .seconds(0))
        for second in 1..<70 {
            follower.step(Milliamperes(second % 2 == 0 ? 0 : -600), at: .seconds(Double(second)))
        }
        #expect(follower.direction != .charging)
    }

    @Test("a reading under another load does not make the shown cell give way")
    func oldReadings() throws {
        // Cells 3 and 7 take turns at the top while a load lowers all cells by 200 mV every eight frames.
        let seen = try ids(300) { frame, second in
            let sag = second / 8 % 2 == 0 ? 0 : 200
            frame.highestVoltageCell = second % 2 == 0 ? 3 : 7
            frame.highestVoltage = Millivolts(3_320 - sag)
            (frame.slotCell, frame.slotVoltage) = (second % 16 + 1, Millivolts(3_315 - sag))
            frame.packVoltage = Millivolts(16 * (3_315 - sag))
            frame.lowestVoltage = Millivolts(3_300 - sag)
        }
        #expect(seen.count <= 2, "\(seen)")
    }
}

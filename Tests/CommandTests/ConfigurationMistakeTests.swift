import Mosquitto
import Testing

@testable import bms_mqtt

/// Mistakes that people make in a configuration, each with the sentence that ends the search.
@Suite("Mistakes in a configuration")
struct ConfigurationMistakeTests: ConfigurationReading {
    @Test(
        "A text from a web page, a tab and a text that needs quotes are called by their names",
        arguments: [
            ("mqtt:\n\thost: x\n", "c.yaml:2:1: this line is indented with a tab"),
            ("\u{A0}mqtt:\n  host: x\n", "it holds a no-break space"),
            ("mqtt:\n  host:\u{A0}x\n", "it holds a no-break space"),
            ("mqtt:\n\u{A0} host: x\n", "it holds a no-break space"),
            ("mqtt: { port: 18\u{A0}83 }\n", "it holds a no-break space"),
            ("mqtt:\n  host: \u{201C}x\u{201D}\n", "it holds typographic quotes"),
            ("mqtt: { port: \u{2212}1 }\n", "it holds a typographic dash"),
            ("mqtt:\n  po\u{200B}rt: 1883\n", "it holds an invisible character"),
            ("mqtt:\n  password: @secret\n", "a text that begins with @ needs quotes"),
            ("mqtt:\n  password: %secret\n", "a text that begins with % needs quotes"),
            ("mqtt:\n  password: !secret\n", "a text that begins with & * or ! needs quotes"),
            ("mqtt:\n  password: a: b\n", "a text with ': ' in it needs quotes"),
            ("mqtt:\n  host: 'x\n", "c.yaml:2:9: the quote that opens here is not closed"),
            ("mqtt:\n  host:x\n", "put a space behind the colon"),
        ])
    func typed(_ text: String, _ hint: String) {
        let lines = faults(text + Self.pack)
        #expect(lines.contains { $0.contains(hint) }, "\(lines)")
    }

    @Test(
        "A number with a comma or a unit is answered with the way to write it",
        arguments: [
            ("maxChargeVoltage: 54,5", "found '54,5': write the decimals behind a point"),
            ("fuse: 160 A", "found '160 A': write the number alone, 160"),
            ("fuse: 160A", "write the number alone, 160"), ("maxTemperature: 55°C", "write the number alone, 55"),
            ("fuse: '160'", "leave out the quotes"),
        ])
    func nearlyNumbers(_ line: String, _ hint: String) {
        let lines = faults(Self.pack + "    limits:\n      \(line)\n")
        #expect(lines.count == 1 && lines[0].contains(hint), "\(lines)")
    }

    @Test(
        "A key in the wrong place is told its place",
        arguments: [
            (pack + "    maxChargeCurrent: 100\n", "'maxChargeCurrent': it belongs under 'limits:' of a pack"),
            (pack + "limits:\n  fuse: 100\n", "'limits': it belongs to a pack, beside its 'id:', or to a bank"),
            ("host: x\n" + pack, "'host': it belongs under 'mqtt:'"),
            ("mqtt:\n  caFile: x\n" + pack, "'mqtt.caFile': it belongs under 'tls:' in 'mqtt:'"),
            (pack + "    mqtt: { host: x }\n", "'mqtt': it belongs to the top level"),
            (pack + "    commandTopic: x\n", "'commandTopic': it belongs to a relay"),
            (pack + "    limits: { name: x }\n", "'limits.name': it belongs to a pack, beside its 'id:'"),
            ("Host: x\n" + pack, "'Host': it belongs under 'mqtt:'"),
        ])
    func misplaced(_ text: String, _ hint: String) {
        let lines = faults(text)
        #expect(lines.contains { $0.contains("unknown key \(hint)") }, "\(lines)")
    }

    @Test("A short word that means something else is not taken for a typing error")
    func noTypingError() {
        #expect(faults("foo: 1\n" + Self.pack).joined().contains("unknown key 'foo'; known here: "))
    }

    @Test("A # behind an unquoted password is warned of, and nothing else is")
    func comment() throws {
        func notices(_ password: String) throws -> [String] {
            try load("mqtt:\n  username: x\n  password: \(password)\n\(Self.pack)").notices
        }
        #expect(try notices("abc #123").contains { $0.hasPrefix("mqtt.password ends before ' #'") })
        for password in ["abc#123", "'abc #123'", "'abc' # a comment", "abc"] {
            #expect(try notices(password).allSatisfy { !$0.contains(" #") }, "\(password)")
        }
        let elsewhere = try load("mqtt:\n  host: x # the broker\n\(Self.pack)")
        #expect(elsewhere.notices.isEmpty && elsewhere.plan.link.host == "x")
    }

    @Test("A password behind a forgotten space is not shown")
    func secret() {
        let text = faults("mqtt:\n  password:s3cret\n\(Self.pack)").joined()
        #expect(text.contains("found 'password:...': put a space behind the colon") && !text.contains("s3cret"))
    }

    @Test(
        "A valid name in the line before an error is not blamed, and an open list is no text",
        arguments: [
            "packs:\n  - id: a\n    name: Haus \u{2013} Garage\n   source: serial:auto\n",
            "packs:\n  - id: a   # Haus \u{2013} Garage\n   source: serial:auto\n",
            "packs:\n  - id: a\n    charging: { curve: [[0, 0], [5, 0.1]\n    source: serial:auto\n",
        ])
    func notBlamed(_ text: String) {
        let lines = faults(text)
        #expect(lines.count == 1 && lines[0].contains("not valid YAML: "), "\(lines)")
        #expect(!lines[0].contains("dash") && !lines[0].contains("needs quotes"), "\(lines)")
    }

    @Test("Tens of thousands of values in one line are read as fast as in many", .timeLimit(.minutes(1)))
    func longLine() {
        let items = [String](repeating: "a", count: 90_000).joined(separator: ",")
        #expect(faults("packs: [\(items)] # comment\n").count == 1)
    }

    @Test("A missing file is told how to come by one, without a line of it")
    func missing() throws {
        do throws(ConfigurationFaults) {
            _ = try ConfigurationFile.load("/nonexistent/c.yaml")
        } catch {
            #expect(
                error.lines == [
                    "/nonexistent/c.yaml: cannot be read: No such file or directory: 'bms-mqtt setup' writes a configuration, "
                        + "'bms-mqtt print-default-config' prints one with every key"
                ])
        }
    }

    @Test(
        "A source that is nearly right is answered with the right one",
        arguments: [
            ("tcp://192.0.2.9:4001", "tcp:192.0.2.9:4001"), ("/dev/ttyUSB0", "serial:/dev/ttyUSB0"),
            ("auto", "serial:auto"),
            ("ttyUSB0", "serial:/dev/ttyUSB0"), ("serial:ttyUSB0", "serial:/dev/ttyUSB0"),
            ("192.0.2.9:4001", "tcp:192.0.2.9:4001"),
            ("/home/me/garage.rec", "replay:/home/me/garage.rec"),
        ])
    func nearlySources(_ text: String, _ source: String) {
        #expect(faults("packs: [{ id: garage, source: '\(text)' }]\n").joined().contains("did you mean \(source)?"))
    }

    @Test("A port of Windows is told what a cable is called here", arguments: ["COM3", "com12"])
    func windows(_ text: String) {
        #expect(
            faults("packs: [{ id: garage, source: \(text) }]\n").joined().contains("a cable on Linux is serial:auto"))
    }
}

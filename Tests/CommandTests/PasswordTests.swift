import FoundationEssentials
import Glibc
import Mosquitto
import TestSupport
import Testing

@testable import bms_mqtt

@Suite("Password")
struct PasswordTests {
    private static let pack = "packs:\n  - id: garage\n    source: serial:auto\n"

    private func load(_ mqtt: String, _ variables: [String: String] = [:]) throws(ConfigurationFaults) -> Configuration
    {
        try ConfigurationFile.parse(
            Array("mqtt: { username: bms\(mqtt) }\n\(Self.pack)".utf8), file: "c.yaml",
            environment: { variables[$0] })
    }

    private func faults(_ mqtt: String, _ variables: [String: String] = [:]) -> [String] {
        do throws(ConfigurationFaults) {
            _ = try load(mqtt, variables)
            return []
        } catch {
            return error.lines
        }
    }

    @Test("each of the four places gives the password")
    func places() throws {
        let folder = TemporaryFolder()
        let file = folder.write("by file\r\n", "file")
        folder.write("by credential", "mqtt-password")
        let marked = folder.write("\u{FEFF}by marked file\n", "marked")
        #expect(try load(", password: by key").plan.link.password == "by key")
        #expect(try load(", passwordFile: \(file)").plan.link.password == "by file")
        #expect(try load(", passwordFile: \(marked)").plan.link.password == "by marked file")
        #expect(try load("", ["BMS_MQTT_PASSWORD": "by variable"]).plan.link.password == "by variable")
        let found = try load("", ["CREDENTIALS_DIRECTORY": folder.path])
        #expect(found.plan.link.password == "by credential")
        #expect(found.notices == [])
        #expect(try load("", ["CREDENTIALS_DIRECTORY": "/nonexistent"]).plan.link.password == nil)
    }

    @Test("a password in two places is an error that names both, but not the password")
    func ambiguity() throws {
        let folder = TemporaryFolder()
        let file = folder.write("hunter2", "mqtt-password")
        let variables = ["BMS_MQTT_PASSWORD": "hunter2", "CREDENTIALS_DIRECTORY": folder.path]
        for (mqtt, names) in [
            (", password: hunter2", ["BMS_MQTT_PASSWORD"]), (", passwordFile: \(file)", ["BMS_MQTT_PASSWORD"]),
            ("", ["CREDENTIALS_DIRECTORY", "BMS_MQTT_PASSWORD"]),
            (", passwordFile: \(file)", ["CREDENTIALS_DIRECTORY"]),
            (", password: hunter2, passwordFile: \(file)", []),
        ] {
            let text = faults(mqtt, variables.filter { names.contains($0.key) }).joined()
            #expect(text.contains("the password is given twice, by "), "\(mqtt) \(names)")
            #expect(!text.contains("hunter2"))
        }
    }

    @Test(
        "a file that is not a password is refused without a character of it",
        arguments: [
            ("", "is empty"), ("\n", "is empty"), ("hunter2\nmore\n", "more than one line"),
            ("hunter2\u{0}", "without NUL"), (String(repeating: "hunter2", count: 600), "larger than 4096 bytes"),
        ])
    func content(text: String, expected: String) {
        let folder = TemporaryFolder()
        let file = folder.write(text, "password")
        let found = faults(", passwordFile: \(file)").joined()
        #expect(found.contains("mqtt.passwordFile: "))
        #expect(found.contains(expected), "\(found)")
        #expect(!found.contains("hunter2"))
    }

    @Test("bytes that are not UTF-8 are refused")
    func notText() {
        let folder = TemporaryFolder()
        let file = folder.write("", "password")
        let descriptor = open(file, O_WRONLY)
        let bytes: [UInt8] = [0x68, 0xFF, 0xFE]
        #expect(write(descriptor, bytes, bytes.count) == bytes.count)
        close(descriptor)
        #expect(faults(", passwordFile: \(file)").joined().contains("it must be UTF-8"))
    }

    @Test(
        "only a file, or a link to a file, is read: a pipe, a directory, a device and a dangling link are refused at once"
    )
    func kinds() throws {
        let folder = TemporaryFolder()
        let path = "\(folder.path)/password"
        #expect(mkfifo(path, 0o600) == 0)
        #expect(faults(", passwordFile: \(path)").joined().contains("it is a pipe, a regular file is needed"))
        #expect(faults(", passwordFile: \(folder.path)").joined().contains("it is a directory"))
        #expect(faults(", passwordFile: /dev/zero").joined().contains("it is a device"))
        #expect(symlink("\(folder.path)/nothing", "\(folder.path)/dangling") == 0)
        #expect(
            faults(", passwordFile: \(folder.path)/dangling").joined().contains(
                "a link to something that does not exist"))
        folder.write("good", "real")
        #expect(symlink("\(folder.path)/real", "\(folder.path)/link") == 0)
        #expect(try load(", passwordFile: \(folder.path)/link").plan.link.password == "good")
    }

    @Test(
        "a password or key that others can read or change causes a warning with the remedy",
        arguments: [(0o600, false), (0o400, false), (0o640, true), (0o644, true), (0o602, true), (0o604, true)])
    func modes(mode: Int, isTold: Bool) throws {
        let folder = TemporaryFolder()
        let file = folder.write("secret", "password")
        #expect(chmod(file, mode_t(mode)) == 0)
        let told = try load(", passwordFile: \(file)").notices
        #expect(told.contains { $0.contains("chmod 600 \(file)") } == isTold, "\(told)")
        let key = try load(", tls: { certFile: \(file), keyFile: \(file) }").notices
        #expect(key.contains { $0.contains("chmod 600 \(file)") } == isTold, "\(key)")
        let yaml = folder.write("mqtt: { username: bms, password: secret }\n\(Self.pack)", "c.yaml")
        #expect(chmod(yaml, mode_t(mode)) == 0)
        guard mode & 0o002 == 0 else { return }
        let notices = try ConfigurationFile.load(yaml).notices
        #expect(notices.contains { $0.contains("mqtt.password is in \(yaml)") } == isTold, "\(notices)")
    }

    @Test("a configuration that everybody can write or replace is refused")
    func openConfiguration() throws {
        let folder = TemporaryFolder()
        let file = folder.write(Self.pack, "c.yaml")
        func complaint() -> String {
            do throws(ConfigurationFaults) {
                _ = try ConfigurationFile.load(file)
                return ""
            } catch {
                return error.lines.joined()
            }
        }
        #expect(complaint() == "")
        #expect(chmod(file, 0o666) == 0)
        #expect(complaint().contains("everybody on this machine can write this file"))
        #expect(chmod(file, 0o644) == 0)
        #expect(chmod(folder.path, 0o777) == 0)
        #expect(complaint().contains("everybody on this machine can replace this file"))
        #expect(chmod(folder.path, 0o1777) == 0)
        #expect(complaint() == "", "with the sticky bit nobody replaces what is not his")
    }

    @Test("a password without user is an error, and one that goes over a network in plain text causes a warning")
    func plain() throws {
        let text = Array("mqtt: { password: secret }\n\(Self.pack)".utf8)
        #expect(throws: ConfigurationFaults.self) {
            try ConfigurationFile.parse(text, file: "c.yaml", environment: { _ in nil })
        }
        #expect(try load(", password: x").notices == [])
        #expect(try load(", password: x, host: 127.0.0.1").notices == [])
        #expect(try load(", password: x, host: mqtt.lan").notices.contains { $0.contains("in plain text") })
        #expect(try load(", password: x, host: mqtt.lan, tls: true").notices == [])
    }
}

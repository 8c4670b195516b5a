import Glibc
import LinuxIO

/// The password at the broker.
struct Password: Sendable {
    /// Name of the environment variable.
    static let variable = "BMS_MQTT_PASSWORD"
    /// Name of the systemd credential.
    static let credential = "mqtt-password"
    /// Largest length of a password, bytes.
    private static let longest = 4096

    var text: String
    /// Warning about the file that holds the password.
    var notice: String?

    /// Finds the password. Two places are an error, because nobody could know which of them counts.
    ///
    /// - Parameters:
    ///   - inline: `mqtt.password`.
    ///   - file: `mqtt.passwordFile`.
    ///   - environment: the variables of this process.
    static func find(
        inline: String?, file: String?, environment: (String) -> String?
    ) -> Result<Password?, ReadFailure> {
        let variable = environment(Self.variable)
        let path = environment("CREDENTIALS_DIRECTORY").map { "\($0)/\(Self.credential)" }
        let credential = path.flatMap { access($0, F_OK) == 0 ? $0 : nil }
        let places =
            (inline == nil ? [] : ["mqtt.password"]) + (file == nil ? [] : ["mqtt.passwordFile"])
            + (variable == nil ? [] : ["the environment's \(Self.variable)"])
            + (credential == nil ? [] : ["the systemd credential \(Self.credential)"])
        guard places.count < 2 else {
            return .failure(
                ReadFailure(text: "the password is given twice, by \(places.joined(separator: " and by ")): keep one"))
        }
        if let inline { return .success(Password(text: inline)) }
        if let variable {
            return parse(Array(variable.utf8), "the environment's \(Self.variable)").map { Password(text: $0) }
        }
        guard let path = file ?? credential else { return .success(nil) }
        return read(path).map { $0 }
    }

    /// The password in a file.
    static func read(_ path: String) -> Result<Password, ReadFailure> {
        RegularFile.read(path, upTo: longest).flatMap { content in
            // An editor's byte order mark is not part of a password.
            let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
            let bytes = content.bytes.starts(with: mark) ? Array(content.bytes.dropFirst(mark.count)) : content.bytes
            return parse(bytes, path).map { Password(text: $0, notice: content.status.remedy(path)) }
        }
    }

    /// The password of one line, with or without a line end. A failure contains no character of the password.
    private static func parse(_ bytes: [UInt8], _ place: String) -> Result<String, ReadFailure> {
        func failure(_ text: String) -> Result<String, ReadFailure> { .failure(ReadFailure(text: "\(place) \(text)")) }
        var line = bytes[...]
        if line.last == UInt8(ascii: "\n") { line.removeLast() }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        guard !line.isEmpty else { return failure("is empty: it must hold the password in one line") }
        guard line.count <= longest else { return failure("is longer than \(longest) bytes") }
        guard !line.contains(where: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) else {
            return failure("has more than one line: it must hold the password alone")
        }
        guard !line.contains(0), let text = String(validating: line, as: UTF8.self) else {
            return failure("is not text: it must be UTF-8 without NUL")
        }
        return .success(text)
    }
}

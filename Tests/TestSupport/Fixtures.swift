/// Files of Tests/Fixtures.
public enum Fixtures {
    /// A fixture that does not exist.
    public struct Missing: Error {
        /// Name of the fixture.
        public let name: String
    }

    /// The lines of a fixture, without empty ones.
    public static func lines(of name: String) throws -> [String] {
        let lines = Repository.text("Tests/Fixtures/\(name)").split(separator: "\n").map(String.init)
        guard !lines.isEmpty else { throw Missing(name: name) }
        return lines
    }

    /// Bytes of a hexadecimal text; `nil`: the text is not hexadecimal.
    public static func bytes(hex: String) -> [UInt8]? {
        let digits = hex.compactMap(\.hexDigitValue)
        guard digits.count == hex.count, digits.count % 2 == 0 else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}

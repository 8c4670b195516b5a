// What every text for a terminal needs.
extension Character {
    /// No control character: what comes from a broker cannot move the cursor.
    var isPrintable: Bool { unicodeScalars.allSatisfy { $0.value >= 32 && !(127..<160).contains($0.value) } }
}

extension String {
    /// Without control characters.
    var printable: String { filter(\.isPrintable) }

    /// With spaces before it, up to a width.
    func leftPadded(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }

    /// With spaces after it, up to a width.
    func rightPadded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

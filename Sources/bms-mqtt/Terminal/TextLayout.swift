// What every text for a terminal needs.
extension String {
    /// With spaces before it, up to a width.
    func leftPadded(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }

    /// With spaces after it, up to a width.
    func rightPadded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

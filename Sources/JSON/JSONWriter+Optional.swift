/// Members whose value may be unknown.
extension JSONWriter {
    /// A member with a time in milliseconds, written in seconds.
    package mutating func member(_ name: String, seconds milliseconds: Int64?) {
        key(name)
        if let milliseconds { value(thousandths: Int(milliseconds), decimals: 3) } else { null() }
    }

    /// A member with a number, or null.
    package mutating func member(_ name: String, optional number: Double?) {
        key(name)
        if let number { value(number) } else { null() }
    }

    /// A member with a text, or null.
    package mutating func member(_ name: String, optional text: String?) {
        key(name)
        if let text { value(text) } else { null() }
    }
}

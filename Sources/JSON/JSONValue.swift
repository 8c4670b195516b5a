/// A JSON value of any kind: relays' states, the filter's lines, the state file, and the data that the monitor shows.
package enum JSONValue: Hashable, Sendable {
    case null
    case flag(Bool)
    case number(Double)
    case text(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// The value of a document; `nil` where the document is not JSON, see ``JSONParser``.
    ///
    /// - Parameter takesDuplicates: true lets the last of two members with one name count; false refuses such a document.
    package init?(parsing bytes: [UInt8], takesDuplicates: Bool = true) {
        guard let value = JSONParser.parse(bytes, takesDuplicates: takesDuplicates) else { return nil }
        self = value
    }

    /// A member by path, "Info.MaxChargeVoltage".
    package subscript(path: String) -> JSONValue? {
        var value = self
        for name in path.split(separator: ".") {
            guard case .object(let members) = value, let next = members[String(name)] else { return nil }
            value = next
        }
        return value
    }

    package var number: Double? {
        if case .number(let number) = self { number } else { nil }
    }

    package var text: String? {
        if case .text(let text) = self { text } else { nil }
    }

    package var array: [JSONValue]? {
        if case .array(let array) = self { array } else { nil }
    }

    package var flag: Bool? {
        if case .flag(let flag) = self { flag } else { nil }
    }

    package var isNull: Bool {
        if case .null = self { true } else { false }
    }
}

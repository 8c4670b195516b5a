import JSON

/// A piece of a JSON Schema (2020-12), with members in the order in which they are written.
indirect enum Schema: Sendable {
    /// A value by the names of its types.
    case type([String], String?)
    /// One of some numbers, and null.
    case numbers([Int], String?)
    /// One of some words, and null where `isKnown` is false.
    case words([String], isKnown: Bool, String?)
    /// An object with members; those whose names are in the list may be missing.
    case object([(name: String, schema: Schema)], optional: Set<String> = [], rest: Schema? = nil)
    case array(Schema)

    /// A number or null.
    static func number(_ meaning: String? = nil) -> Schema { .type(["number", "null"], meaning) }
    /// A number, always.
    static func knownNumber(_ meaning: String? = nil) -> Schema { .type(["number"], meaning) }
    /// A text, always.
    static func text(_ meaning: String? = nil) -> Schema { .type(["string"], meaning) }
    /// True or false, always.
    static func flag(_ meaning: String? = nil) -> Schema { .type(["boolean"], meaning) }
    /// Seconds since 1970.
    static let time = Schema.knownNumber("Seconds since 1970 (UTC) at which the document was made.")

    /// The schema of a value of this shape, or of null.
    init(_ shape: ValueShape, _ meaning: String?) {
        self =
            switch shape {
            case .number: .number(meaning)
            case .whole: .type(["integer", "null"], meaning)
            case .oneOf(let numbers): .numbers(numbers, meaning)
            case .text: .type(["string", "null"], meaning)
            case .word(let words): .words(words, isKnown: false, meaning)
            }
    }

    /// A nested object of rows whose names have common beginnings.
    static func nested(_ rows: [(keys: [String], schema: Schema)]) -> Schema {
        var names: [String] = []
        for row in rows where !names.contains(row.keys[0]) { names.append(row.keys[0]) }
        return .object(
            names.map { name in
                let below = rows.filter { $0.keys[0] == name }
                if below.count == 1, below[0].keys.count == 1 { return (name, below[0].schema) }
                return (name, nested(below.map { (Array($0.keys.dropFirst()), $0.schema) }))
            })
    }

    /// Writes the members of the schema's object.
    func write(_ writer: inout JSONWriter) {
        switch self {
        case .type(let types, let meaning):
            if types.count == 1 { writer.member("type", types[0]) } else { writer.member("type", types) }
            if let meaning { writer.member("description", meaning) }
        case .numbers(let numbers, let meaning):
            writer.key("enum")
            writer.beginArray()
            for number in numbers { writer.value(number) }
            writer.null()
            writer.endArray()
            if let meaning { writer.member("description", meaning) }
        case .words(let words, let isKnown, let meaning):
            writer.key("enum")
            writer.beginArray()
            for word in words { writer.value(word) }
            if !isKnown { writer.null() }
            writer.endArray()
            if let meaning { writer.member("description", meaning) }
        case .object(let members, let optional, let rest):
            writer.member("type", "object")
            if !members.isEmpty {
                writer.key("properties")
                writer.beginObject()
                for member in members {
                    writer.key(member.name)
                    writer.beginObject()
                    member.schema.write(&writer)
                    writer.endObject()
                }
                writer.endObject()
                let required = members.map(\.name).filter { !optional.contains($0) }
                if !required.isEmpty { writer.member("required", required) }
            }
            if let rest {
                writer.key("additionalProperties")
                writer.beginObject()
                rest.write(&writer)
                writer.endObject()
            }
        case .array(let element):
            writer.member("type", "array")
            writer.key("items")
            writer.beginObject()
            element.write(&writer)
            writer.endObject()
        }
    }
}

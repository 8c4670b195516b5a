import JSON

/// The text that all documents of one kind have in common: the names and brackets before each value, and those after the last.
///
/// The text is made once, because the names of eighty rows never change.
struct DocumentShape: Sendable {
    private var text: [UInt8] = []
    /// Ends of the parts of ``text`` before each value; then the end of all.
    private var ends: [Int] = []

    /// - Parameter rows: names of the nested objects and of the value; rows whose common beginnings are the same stand together.
    init(_ rows: [[String]]) {
        var writer = JSONWriter(reserving: 4096)
        var open: [String] = []
        var copied = 0
        writer.beginObject()
        for row in rows {
            let parents = row.dropLast()
            let common = zip(open, parents).prefix { $0 == $1 }.count
            while open.count > common {
                writer.endObject()
                open.removeLast()
            }
            for name in parents.dropFirst(common) {
                writer.key(name)
                writer.beginObject()
                open.append(name)
            }
            writer.key(row.last ?? "")
            text += writer.bytes[copied...]
            ends.append(text.count)
            writer.value(.null)
            copied = writer.bytes.count
        }
        for _ in open { writer.endObject() }
        writer.endObject()
        text += writer.bytes[copied...]
        ends.append(text.count)
    }

    /// The document of these values, one for each row; `nil`: the row is left out, which the first of an object must not be.
    func document(_ values: [MetricValue?]) -> [UInt8] {
        var writer = JSONWriter(reserving: text.count + 12 * values.count)
        var start = 0
        for (end, value) in zip(ends, values) {
            if let value {
                writer.verbatim(text[start..<end])
                writer.value(value)
            }
            start = end
        }
        if let end = ends.last { writer.verbatim(text[start..<end]) }
        return writer.bytes
    }
}

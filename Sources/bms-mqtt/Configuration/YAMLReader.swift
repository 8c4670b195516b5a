import CYaml

/// Turns libyaml's events into a ``YAMLNode``. Features that no configuration needs and that an attacker could use are refused:
/// aliases, tags, several documents, deep nesting, large files.
struct YAMLReader {
    static let longestFile = 1 << 20
    private static let deepest = 16
    private static let mostNodes = 100_000

    private var nodes = 0
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let lines: YAMLLines

    /// The root of a document; `nil` for an empty one.
    static func read(_ bytes: [UInt8]) throws(ConfigurationFault) -> YAMLNode? {
        let top = YAMLNode.Place(line: 1, column: 1)
        guard bytes.count <= longestFile else { throw ConfigurationFault(place: top, text: "the file exceeds 1 MiB") }
        // A byte order mark, as some editors write it, is not part of the text.
        let bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        if bytes.contains(0) { throw ConfigurationFault(place: top, text: "the file holds NUL bytes: it is not text") }
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        defer { parser.deallocate() }
        guard yaml_parser_initialize(parser) == 1 else {
            throw ConfigurationFault(place: top, text: "out of memory")
        }
        defer { yaml_parser_delete(parser) }
        let result = bytes.withUnsafeBufferPointer { buffer -> Result<YAMLNode?, ConfigurationFault> in
            yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(parser, buffer.baseAddress, buffer.count)
            var reader = YAMLReader(parser: parser, lines: YAMLLines(bytes))
            do throws(ConfigurationFault) {
                return .success(try reader.document())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private init(parser: UnsafeMutablePointer<yaml_parser_t>, lines: YAMLLines) {
        self.parser = parser
        self.lines = lines
    }

    private mutating func document() throws(ConfigurationFault) -> YAMLNode? {
        var root: YAMLNode?
        while true {
            let event = try next()
            switch event.type {
            case YAML_STREAM_END_EVENT: return root
            case YAML_DOCUMENT_START_EVENT:
                guard root == nil else { throw event.fault("a second document ('---'): one file is one configuration") }
                let first = try next()
                root = try node(first, depth: 0)
            default: break
            }
        }
    }

    private mutating func node(_ event: Event, depth: Int) throws(ConfigurationFault) -> YAMLNode {
        nodes += 1
        guard nodes <= Self.mostNodes else { throw event.fault("more than \(Self.mostNodes) values") }
        guard depth <= Self.deepest else { throw event.fault("nested deeper than \(Self.deepest) levels") }
        if event.hasAnchorOrTag {
            throw event.fault(
                "a text that begins with & * or ! needs quotes (YAML's anchors, aliases and tags are not used here)")
        }
        switch event.type {
        case YAML_SCALAR_EVENT:
            var node = YAMLNode(place: event.place, content: .scalar(event.text, isPlain: event.isPlain))
            node.end = event.isPlain ? event.end : nil
            return node
        case YAML_SEQUENCE_START_EVENT:
            var items: [YAMLNode] = []
            while true {
                let next = try next()
                if next.type == YAML_SEQUENCE_END_EVENT { break }
                items.append(try node(next, depth: depth + 1))
            }
            return YAMLNode(place: event.place, content: .sequence(items))
        case YAML_MAPPING_START_EVENT:
            return YAMLNode(place: event.place, content: .mapping(try entries(depth)))
        default: throw event.fault("unexpected end")
        }
    }

    private mutating func entries(_ depth: Int) throws(ConfigurationFault) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var names: Set<String> = []
        while true {
            let key = try next()
            if key.type == YAML_MAPPING_END_EVENT { return entries }
            guard key.type == YAML_SCALAR_EVENT, !key.hasAnchorOrTag else {
                throw key.fault("a key must be plain text")
            }
            guard names.insert(key.text).inserted else { throw key.fault("the key '\(key.text)' is given twice") }
            let first = try next()
            entries.append(
                YAMLNode.Entry(key: key.text, place: key.place, value: try node(first, depth: depth + 1)))
        }
    }

    /// An event, copied out of C.
    private struct Event {
        var type: yaml_event_type_t
        var place: YAMLNode.Place
        var end: YAMLNode.Place
        var text = ""
        var isPlain = false
        var hasAnchorOrTag = false

        func fault(_ text: String) -> ConfigurationFault { ConfigurationFault(place: place, text: text) }
    }

    private func next() throws(ConfigurationFault) -> Event {
        var raw = yaml_event_t()
        guard yaml_parser_parse(parser, &raw) == 1 else { throw problem() }
        defer { yaml_event_delete(&raw) }
        var event = Event(type: raw.type, place: .init(raw.start_mark), end: .init(raw.end_mark))
        switch raw.type {
        case YAML_SCALAR_EVENT:
            let scalar = raw.data.scalar
            if let value = scalar.value {
                event.text = String(decoding: UnsafeBufferPointer(start: value, count: scalar.length), as: UTF8.self)
            }
            event.isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
            event.hasAnchorOrTag = scalar.anchor != nil || scalar.tag != nil
        case YAML_SEQUENCE_START_EVENT:
            event.hasAnchorOrTag = raw.data.sequence_start.anchor != nil || raw.data.sequence_start.tag != nil
        case YAML_MAPPING_START_EVENT:
            event.hasAnchorOrTag = raw.data.mapping_start.anchor != nil || raw.data.mapping_start.tag != nil
        case YAML_ALIAS_EVENT: event.hasAnchorOrTag = true
        default: break
        }
        return event
    }

    private func problem() -> ConfigurationFault {
        let place = YAMLNode.Place(parser.pointee.problem_mark)
        let text = parser.pointee.problem.map { String(cString: $0) } ?? "not readable"
        if parser.pointee.error == YAML_READER_ERROR {
            return ConfigurationFault(
                place: place,
                text: "not valid UTF-8 at byte \(parser.pointee.problem_offset + 1): \(text); save the file as UTF-8")
        }
        let context = parser.pointee.context.map { String(cString: $0) } ?? ""
        if context.contains("quoted scalar") {
            return ConfigurationFault(
                place: .init(parser.pointee.context_mark), text: "the quote that opens here is not closed")
        }
        for line in [place.line, place.line - 1] {
            if let hint = lines.hint(line, isBefore: line < place.line) {
                return ConfigurationFault(place: YAMLNode.Place(line: line, column: 1), text: hint)
            }
        }
        return ConfigurationFault(
            place: place,
            text:
                "not valid YAML: \(text)\(context.isEmpty ? "" : " (\(context))"); check indentation, colons and quotes"
        )
    }
}

extension YAMLNode.Place {
    /// The place of a mark of libyaml, which counts from 0.
    fileprivate init(_ mark: yaml_mark_t) { self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1) }
}

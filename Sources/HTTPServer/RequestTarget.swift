/// Path and query of a request line, decoded and checked. Pure.
struct RequestTarget: Hashable {
    var path: String
    var query: [String: String]

    /// Reads what stands between method and version.
    ///
    /// - Throws: the answer to a target that is no clean path and query: what is ambiguous to anybody on the way is refused.
    init(_ bytes: [UInt8], _ options: HTTPOptions) throws(Refusal) {
        guard bytes.count <= options.targetLength else {
            throw Refusal(414, "the address is longer than \(options.targetLength) bytes")
        }
        guard bytes.first == UInt8(ascii: "/") else { throw Refusal(400, "the address does not begin with a slash") }
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
            throw Refusal(400, "the address has characters that must be encoded")
        }
        let mark = bytes.firstIndex(of: UInt8(ascii: "?"))
        path = try Self.path(bytes[1..<(mark ?? bytes.count)])
        query = try mark.map { mark throws(Refusal) in try Self.query(bytes[(mark + 1)...], options) } ?? [:]
    }

    private static func path(_ bytes: ArraySlice<UInt8>) throws(Refusal) -> String {
        let segments = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        var texts: [String] = []
        for (index, segment) in segments.enumerated() {
            guard let text = decoded(segment) else { throw Refusal(400, "the path is not encoded as it should be") }
            // An encoded slash would be one to this server, and none to a proxy before it.
            guard !text.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }) else {
                throw Refusal(400, "the path has an encoded slash or a backslash")
            }
            guard text != ".", text != "..", !text.isEmpty || index == segments.count - 1 else {
                throw Refusal(400, "the path has an empty part, '.' or '..'")
            }
            texts.append(text)
        }
        return texts.joined(separator: "/")
    }

    private static func query(_ bytes: ArraySlice<UInt8>, _ options: HTTPOptions) throws(Refusal) -> [String: String] {
        var query: [String: String] = [:]
        for pair in bytes.split(separator: UInt8(ascii: "&")) {
            let sign = pair.firstIndex(of: UInt8(ascii: "="))
            guard let name = decoded(pair[..<(sign ?? pair.endIndex)], plusIsSpace: true),
                let value = decoded(sign.map { pair[($0 + 1)...] } ?? [], plusIsSpace: true), !name.isEmpty
            else { throw Refusal(400, "the query is not encoded as it should be") }
            guard query.updateValue(value, forKey: name) == nil else {
                throw Refusal(400, "the query has a parameter twice")
            }
            guard query.count <= options.parameters else {
                throw Refusal(400, "the query has more than \(options.parameters) parameters")
            }
        }
        return query
    }

    /// Percent-decoded text; `nil` for a wrong escape, for what is not UTF-8, and for control characters.
    private static func decoded(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool = false) -> String? {
        var result: [UInt8] = []
        var index = bytes.startIndex
        while index < bytes.endIndex {
            var byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                guard index + 2 < bytes.endIndex, let high = digit(bytes[index + 1]), let low = digit(bytes[index + 2])
                else { return nil }
                byte = high << 4 | low
                index += 2
            } else if byte == UInt8(ascii: "+"), plusIsSpace {
                byte = 0x20
            }
            guard byte >= 0x20, byte != 0x7F else { return nil }
            result.append(byte)
            index += 1
        }
        return String(validating: result, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

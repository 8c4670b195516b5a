/// The refusal of a request before any handler sees it. The connection is closed after it: what follows may be meant otherwise.
struct Refusal: Error, Hashable {
    var status: Int
    /// A sentence without its full stop.
    var text: String

    init(_ status: Int, _ text: String) { (self.status, self.text) = (status, text) }
}

/// Everything of a request but its body, checked. Pure.
struct RequestHead: Hashable {
    /// A header as it came.
    struct Field: Hashable {
        var name: String
        var value: [UInt8]
    }

    var request: HTTPRequest
    /// The client wants the head of the answer alone.
    var isHead: Bool

    /// Methods that are answered, for the header `Allow`.
    static let methods = "GET, HEAD, POST"

    /// Checks a head.
    ///
    /// - Throws: the answer to a head that is refused.
    init(
        method: String, target: [UInt8], fields: [Field], peer: String, _ options: HTTPOptions
    ) throws(Refusal) {
        var headers: [String: String] = [:]
        for field in fields {
            let name = field.name.lowercased()
            guard let value = Self.text(field.value) else {
                throw Refusal(400, "a header has characters that no header may have")
            }
            let earlier = headers[name]
            guard earlier == nil || !Self.single.contains(name) else {
                throw Refusal(400, "a header that may come once comes twice")
            }
            let joint = name == "cookie" ? "; " : ", "
            headers[name] = earlier.map { $0 + joint + value } ?? value
        }
        try Self.checkLength(headers, options)
        let host = try HostCheck(headers["host"], options)
        isHead = method == "HEAD"
        guard let method = isHead ? .get : HTTPRequest.Method(rawValue: method) else {
            throw Refusal(405, "this server knows \(Self.methods) alone")
        }
        if method == .post { try host.checkOrigin(headers, options) }
        let target = try RequestTarget(target, options)
        request = HTTPRequest(method: method, path: target.path, query: target.query, headers: headers, peer: peer)
    }

    /// Headers of which two would leave open which one counts.
    private static let single: Set<String> = ["host", "content-length", "transfer-encoding", "origin", "content-type"]

    /// Checks what says how long the body is. Two parties that differ about it would see different requests on one connection.
    private static func checkLength(_ headers: [String: String], _ options: HTTPOptions) throws(Refusal) {
        if let coding = headers["transfer-encoding"] {
            guard coding.lowercased() == "chunked", headers["content-length"] == nil else {
                throw Refusal(400, "the length of the body is not clear")
            }
        }
        guard let length = headers["content-length"] else { return }
        guard !length.isEmpty, length.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw Refusal(400, "the length of the body is no number")
        }
        guard let count = Int(length), count <= options.bodyLength else { throw .tooLong(options) }
    }

    private static func text(_ bytes: [UInt8]) -> String? {
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension Refusal {
    static func tooLong(_ options: HTTPOptions) -> Refusal {
        Refusal(413, "the body is longer than \(options.bodyLength) bytes")
    }
}

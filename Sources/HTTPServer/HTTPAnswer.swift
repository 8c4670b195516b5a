import JSON

/// The answer to a request.
public struct HTTPAnswer: Sendable {
    /// What follows the head of an answer.
    public enum Content: Sendable {
        /// Bytes, which are kept until they are sent.
        case bytes([UInt8])
        /// A regular file, read while it is sent.
        case file(path: String)
        /// A stream of events. `first` is called once, on the server's thread, when the stream gets events already: nothing is missed
        /// between what it returns (see ``ServerEvent/text(_:_:)``) and the first event that is sent. `mayGoOn` is called each second, on
        /// the server's thread, and ends the stream with `false`.
        case events(tag: String, mayGoOn: (@Sendable () -> Bool)?, first: @Sendable () -> [UInt8])
        /// An answer that somebody gives later.
        case later(LaterAnswer)
    }

    /// The status, 200...599.
    public var status = 200
    /// The media type; empty: none.
    public var type: String
    /// The header `Cache-Control`.
    public var cache = "no-store"
    /// Further headers, by name.
    public var headers: [String: String] = [:]
    /// What follows the head.
    public var content: Content

    /// An answer with status 200.
    public init(type: String, _ content: Content) { (self.type, self.content) = (type, content) }

    /// A JSON document.
    public static func json(_ bytes: [UInt8], status: Int = 200) -> HTTPAnswer {
        var answer = HTTPAnswer(type: "application/json", .bytes(bytes))
        answer.status = status
        return answer
    }

    /// An error.
    ///
    /// - Parameter text: a sentence for people, without its full stop.
    public static func error(_ status: Int, _ text: String) -> HTTPAnswer {
        var writer = JSONWriter(reserving: 128)
        writer.beginObject()
        writer.member("error", text)
        writer.endObject()
        return .json(writer.bytes, status: status)
    }

    /// Nothing but a status, such as 204.
    public static func empty(_ status: Int) -> HTTPAnswer {
        var answer = HTTPAnswer(type: "", .bytes([]))
        answer.status = status
        return answer
    }

    /// A file.
    public static func file(_ path: String, type: String, cache: String = "no-cache") -> HTTPAnswer {
        var answer = HTTPAnswer(type: type, .file(path: path))
        answer.cache = cache
        return answer
    }

    /// A stream of events for all that is sent to its tag.
    public static func events(
        tag: String, mayGoOn: (@Sendable () -> Bool)? = nil, first: @escaping @Sendable () -> [UInt8]
    ) -> HTTPAnswer {
        HTTPAnswer(type: "text/event-stream", .events(tag: tag, mayGoOn: mayGoOn, first: first))
    }

    /// An answer that somebody gives later.
    public static func later(_ answer: LaterAnswer) -> HTTPAnswer { HTTPAnswer(type: "", .later(answer)) }
}

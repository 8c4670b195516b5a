/// Events as they are written on a stream. Pure.
public enum ServerEvent {
    /// An event with its data, which may have several lines.
    ///
    /// - Parameter name: the kind of event; of a name with a line feed the first line counts.
    public static func text(_ name: String, _ data: [UInt8]) -> [UInt8] {
        var text = Array("event: ".utf8)
        text.reserveCapacity(data.count + name.utf8.count + 24)
        text += name.utf8.prefix { !isLineEnd($0) }
        var isAfterReturn = false
        text += Array("\ndata: ".utf8)
        for byte in data {
            // A carriage return ends a line, alone or with a line feed.
            if !(isAfterReturn && byte == 0x0A) {
                if isLineEnd(byte) { text += Array("\ndata: ".utf8) } else { text.append(byte) }
            }
            isAfterReturn = byte == 0x0D
        }
        return text + [0x0A, 0x0A]
    }

    /// A line that readers skip.
    static let comment: [UInt8] = Array(":\n\n".utf8)
    /// The beginning of each stream: a reader whose stream ends comes back after 3 s.
    static let opening: [UInt8] = Array("retry: 3000\n\n".utf8)

    private static func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }
}

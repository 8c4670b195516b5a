/// What waits for the reader of an event stream. Pure.
struct EventQueue: Sendable {
    /// Bytes of a text that a slow link has time for: a longer one has to go on, and may take its time.
    static let longText = 32_768

    /// Texts with the time of their arrival. Streams share the memory of a text.
    private var texts: [(bytes: [UInt8], at: Double)] = []
    /// Texts that were taken as a whole, and bytes of the next one that were.
    private var taken = 0
    private var offset = 0
    /// Bytes that wait.
    private(set) var count = 0
    /// The last time at which bytes of a long text were taken.
    private var movedAt = -Double.infinity

    /// The time since which the reader owes a move: the arrival of the oldest of the bytes, or the last move within a long text.
    var oldest: Double? { taken < texts.count ? max(texts[taken].at, movedAt) : nil }

    /// Appends a text.
    ///
    /// - Returns: `false` when more than `limit` bytes would wait.
    mutating func append(_ text: [UInt8], at now: Double, limit: Int) -> Bool {
        guard count + text.count <= limit else { return false }
        count += text.count
        texts.append((text, now))
        return true
    }

    /// Puts a text before all that waits.
    mutating func prepend(_ text: [UInt8], at now: Double) {
        texts.removeFirst(taken)
        taken = 0
        count += text.count
        texts.insert((text, now), at: 0)
    }

    /// Takes some bytes, `most` (1 or more) at most.
    mutating func take(_ most: Int, at now: Double) -> ArraySlice<UInt8> {
        guard taken < texts.count else { return [] }
        let text = texts[taken].bytes
        if text.count > Self.longText { movedAt = now }
        let end = min(offset + most, text.count)
        let part = text[offset..<end]
        count -= part.count
        offset = end
        if end == text.count {
            (offset, taken) = (0, taken + 1)
            if taken == texts.count || taken >= 64 {
                texts.removeFirst(taken)
                taken = 0
            }
        }
        return part
    }
}

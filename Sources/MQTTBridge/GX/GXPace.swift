import BMSCore

/// When a document for a GX goes out: at most one a second of the wall's clock, at once with news, again a second after news,
/// and at a heartbeat.
///
/// Again after news: of two documents in one second of its own clock the driver keeps the second unapplied until another comes.
struct GXPace: Sendable {
    private var second: Int64?
    private var sentAt: Timestamp?
    /// Those of the last document.
    private(set) var sent = ValueList()
    /// The last document brought news.
    private var wasNews = false
    /// While frames come each second, a tick between two of them leaves the second to the next: its data is newer.
    private static let frameEvery: Int64 = 1_200
    private static let patience: Int64 = 1_500

    /// Whether this second of the wall's clock had no document yet, and this step may use it.
    ///
    /// - Parameters:
    ///   - isPressing: there is a new frame, or a limit, an alarm or a permission changed.
    ///   - age: of the newest frame, ms.
    func maySend(isPressing: Bool, age: Int64, at now: Moment) -> Bool {
        guard second != now.wallSecond else { return false }
        return isPressing || age > Self.frameEvery || sentAt.map { now.monotonic - $0 >= Self.patience } ?? true
    }

    /// Whether these values are to be sent now; they are in ``sent`` where the answer is yes, and the list may be written over.
    mutating func isDue(_ list: inout ValueList, _ economy: Economy, at now: Moment) -> Bool {
        let isNews = GXDocument.isNews(list.values, after: sent.values, factor: economy.factor)
        // Frames come once a second: half a second early is better than half a second late.
        let isBeat = sentAt.map { now.monotonic - $0 >= economy.gxHeartbeat - 500 } ?? true
        guard isNews || wasNews || isBeat else { return false }
        wasNews = isNews
        second = now.wallSecond
        sentAt = now.monotonic
        swap(&sent, &list)
        return true
    }
}

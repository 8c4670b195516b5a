import BMSCore

/// When a document for a GX goes out: at most one a second of the wall's clock, at once with news, again a second after news,
/// and at a heartbeat.
///
/// Again after news: of two documents in one second of its own clock the driver keeps the second unapplied until another comes.
struct GXPace: Sendable {
    private var second: Int64?
    private var sentAt: Timestamp?
    private var values: [MetricValue] = []
    /// The last document brought news.
    private var wasNews = false

    /// Whether this second of the wall's clock had no document yet.
    func maySend(at now: Moment) -> Bool { second != now.wallSecond }

    /// Whether these rows are to be sent now; they count as sent where the answer is yes.
    mutating func isDue(_ rows: [GXDocument.Row], _ economy: Economy, at now: Moment) -> Bool {
        let isNews =
            rows.count != values.count
            || zip(rows, values).contains { row, value in
                row.deadband.isNews(row.value, after: value, factor: economy.factor)
            }
        // Frames come once a second: half a second early is better than half a second late.
        let isBeat = sentAt.map { now.monotonic - $0 >= economy.gxHeartbeat - 500 } ?? true
        guard isNews || wasNews || isBeat else { return false }
        wasNews = isNews
        second = now.wallSecond
        sentAt = now.monotonic
        values = rows.map(\.value)
        return true
    }
}

import BMSCore
import BatteryEngine

/// The last news of a CAN bus. Without news its thread hangs, and then nothing is sent, whatever was said before.
struct BusWatch: Sendable {
    /// Age of news that are none any more, milliseconds.
    private static let longestAge: Int64 = 20_000

    private let last: BusFigures
    private let at: Timestamp

    init(_ figures: BusFigures, at now: Timestamp) { (last, at) = (figures, now) }

    /// The news are about the bus of other figures.
    func isAbout(_ other: BusFigures) -> Bool { last.address == other.address }

    /// The figures as of now.
    func figures(at now: Timestamp) -> BusFigures {
        guard now - at >= Self.longestAge else { return last }
        var figures = last
        figures.state = .closed
        figures.complaint =
            "nothing was heard of it for \((now - at) / 1000) s: restart the bridge, and unplug the adapter before"
        return figures
    }
}

import BMSCore
import ChargeLimits
import BatteryEngine
import MQTTBridge

/// The summary of an hour for the log: one line for each pack, or one line for all of them where there are many.
struct HourlySummary: Sendable {
    /// Milliseconds of an hour.
    static let period: Int64 = 3_600_000
    /// More packs than this share one line.
    static let mostLines = 8

    private var before: [PackSummary]
    private var next: Int64

    /// Begins the first hour.
    ///
    /// - Parameter now: milliseconds of a monotonic clock.
    init(_ packs: [PackSummary], at now: Int64) {
        before = packs
        next = now + Self.period
    }

    /// Returns `true` when the hour is over.
    func isDue(at now: Int64) -> Bool { now >= next }

    /// Returns the lines about the hour that ends now, and begins the next hour.
    mutating func lines(_ packs: [PackSummary], at now: Int64) -> [String] {
        // After a suspend the hour was longer; hours that were missed get no lines.
        next = now + Self.period
        defer { before = packs }
        guard packs.count > Self.mostLines else { return zip(before, packs).map(Self.line) }
        return [Self.line(before, packs)]
    }

    private static func line(_ before: PackSummary, _ now: PackSummary) -> String {
        let frames = now.framesAccepted - before.framesAccepted
        let refused = now.framesRejected - before.framesRejected
        var words = ["\(frames) frames, \(refused) refused" + (now.linkQuality.map { ", link \($0) %" } ?? "")]
        if let range = now.range {
            words.append(
                LimitKind.allCases.map { "\($0.rawValue.uppercased()) \(text(range[$0], $0))" }.joined(separator: ", "))
        } else {
            words.append("no limits")
        }
        let energy = [
            (now.energyInToday, before.energyInToday, "in"), (now.energyOutToday, before.energyOutToday, "out"),
        ].compactMap { now, before, name in now.map { "\(kilowattHours(grown($0, before))) kWh \(name)" } }
        if !energy.isEmpty { words.append(energy.joined(separator: ", ")) }
        if let soc = now.soc, let voltage = now.voltage { words.append("now \(soc) %, \(StatusLine.volts(voltage))") }
        for (count, name) in [
            (now.counts.sourceOpenings - before.counts.sourceOpenings, "source opened"),
            (now.counts.brokerConnections - before.counts.brokerConnections, "broker connected"),
        ] where count > 0 { words.append("\(name) \(count) x") }
        return "pack \(now.id): in the last hour \(words.joined(separator: "; "))"
    }

    private static func line(_ before: [PackSummary], _ now: [PackSummary]) -> String {
        func sum(_ packs: [PackSummary], _ value: (PackSummary) -> Int) -> Int { packs.reduce(0) { $0 + value($1) } }
        let frames = sum(now) { $0.framesAccepted } - sum(before) { $0.framesAccepted }
        let refused = sum(now) { $0.framesRejected } - sum(before) { $0.framesRejected }
        let energy = [(\PackSummary.energyInToday, "in"), (\.energyOutToday, "out")].map { path, name in
            let total = zip(now, before).reduce(0) { $0 + grown($1.0[keyPath: path] ?? .zero, $1.1[keyPath: path]) }
            return "\(kilowattHours(total)) kWh \(name)"
        }
        let live = now.count { $0.isLive }
        let worst = now.min { ($0.linkQuality ?? 101) < ($1.linkQuality ?? 101) }
        let weakest = worst.flatMap { pack in pack.linkQuality.map { "; weakest link \($0) %, pack \(pack.id)" } } ?? ""
        return
            "\(now.count) packs: in the last hour \(frames) frames, \(refused) refused; \(energy.joined(separator: ", "))"
            + "; \(live) with fresh data now\(weakest)"
    }

    /// Energy since an earlier count, Wh; a count of the day begins at 0 at midnight.
    private static func grown(_ now: WattHours, _ before: WattHours?) -> Int {
        let old = before?.rawValue ?? now.rawValue
        return now.rawValue >= old ? now.rawValue - old : now.rawValue
    }

    private static func kilowattHours(_ wattHours: Int) -> String {
        FixedPoint.text(thousandths: wattHours, decimals: 2)
    }

    private static func text(_ range: ClosedRange<Int>, _ kind: LimitKind) -> String {
        func number(_ value: Int) -> String { FixedPoint.text(thousandths: value, decimals: kind == .cvl ? 2 : 1) }
        let unit = kind == .cvl ? "V" : "A"
        return range.lowerBound == range.upperBound
            ? "\(number(range.lowerBound)) \(unit)"
            : "\(number(range.lowerBound)) to \(number(range.upperBound)) \(unit)"
    }
}

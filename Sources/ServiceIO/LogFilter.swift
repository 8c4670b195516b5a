import BMSCore

/// Decides which lines are logged: the same line rarely, and all lines together in a bounded number. The filter is pure: time is a
/// parameter.
///
/// - The same line, whatever its numbers, is logged again after a minute, then two, then four, an hour at most; the next one counts
///   those that were left out. The same line about another pack is another line.
/// - Each level has two budgets, for lines about packs and for the rest, of ``LineBudget/burst`` lines at once and
///   ``LineBudget/hourly`` an hour each. So neither a thousand packs nor messages of other clients fill the disk, and a flood of
///   one kind does not hide the other.
package struct LogFilter: Sendable {
    private struct Repetition: Sendable {
        var saidAt: Int64
        /// Milliseconds for which the line is not logged again.
        var quiet = LogFilter.shortestQuiet
        var count = 0
    }

    private static let shortestQuiet: Int64 = 60_000
    private static let longestQuiet: Int64 = 3_600_000
    /// Largest number of different lines that are remembered; lines that differ only in numbers are the same.
    private static let remembered = 256
    /// Largest length of a line, bytes; one write of it does not mix with another's, and fits the journal.
    package static let longestLine = 2_000

    private var repetitions: [String: Repetition] = [:]
    private var budgets: [Kind: LineBudget] = [:]

    /// A filter that has seen no line.
    package init() {}

    private struct Kind: Hashable {
        var level: Log.Level
        var isAboutPack: Bool
    }

    /// The text to write for a line; `nil`: none.
    ///
    /// - Parameter now: milliseconds of a monotonic clock.
    package mutating func admit(_ level: Log.Level, _ text: String, at now: Int64) -> String? {
        guard let line = repeated(text, at: now) else { return nil }
        let kind = Kind(level: level, isAboutPack: Self.isAboutPack(text))
        switch budgets[kind, default: LineBudget()].take(at: now) {
        case .leftOut: return nil
        case .said(let leftOut):
            let note = leftOut > 0 ? " (\(leftOut) lines before it were left out: there were too many)" : ""
            return Self.clean(line) + note
        }
    }

    /// The text as one line without control characters, cut to ``longestLine``.
    private static func clean(_ text: String) -> String {
        let plain = String(text.map { $0.isPlain ? $0 : " " })
        guard plain.utf8.count > longestLine else { return plain }
        return String(decoding: plain.utf8.prefix(longestLine), as: UTF8.self) + " ..."
    }

    /// The line, with the number of same lines that were left out; `nil` if the same line was logged a short time ago.
    private mutating func repeated(_ text: String, at now: Int64) -> String? {
        let shape = Self.shape(text)
        guard var repetition = repetitions[shape] else {
            if repetitions.count >= Self.remembered,
                let oldest = repetitions.min(by: { $0.value.saidAt < $1.value.saidAt })
            {
                repetitions[oldest.key] = nil
            }
            repetitions[shape] = Repetition(saidAt: now)
            return text
        }
        defer { repetitions[shape] = repetition }
        let silence = now - repetition.saidAt
        guard silence >= repetition.quiet else {
            repetition.count += 1
            return nil
        }
        let suppressed = repetition.count
        let isNews = suppressed == 0 && silence >= 2 * repetition.quiet
        let quiet = isNews ? Self.shortestQuiet : min(Self.longestQuiet, 2 * repetition.quiet)
        repetition = Repetition(saidAt: now, quiet: quiet)
        return suppressed == 0 ? text : "\(text) (and \(suppressed) times more since it was last logged)"
    }

    /// The line without its numbers, as of ages, ports and counts. Names keep theirs: "pack b2: ..." differs from "pack b1: ...", and
    /// "bank house: b2 ..." from "bank house: b1 ...".
    private static func shape(_ text: String) -> String {
        let end = subjectEnd(text)
        return text[..<end] + String(text[end...].prefix(longestLine).filter { !$0.isNumber })
    }

    /// End of the names of bank and pack with which a line begins.
    private static func subjectEnd(_ text: String) -> String.Index {
        guard isAboutPack(text), let colon = text.firstIndex(of: ":") else { return text.startIndex }
        guard text.hasPrefix("bank ") else { return colon }
        return text[colon...].dropFirst(2).firstIndex(of: " ") ?? colon
    }

    private static func isAboutPack(_ text: String) -> Bool { text.hasPrefix("pack ") || text.hasPrefix("bank ") }
}

/// A budget of lines: a number of lines at once, and a number of lines an hour.
package struct LineBudget: Sendable {
    package static let burst = 100
    package static let hourly = 120

    package enum Verdict: Hashable {
        /// The line is logged; a number of lines before it were left out.
        case said(leftOut: Int)
        /// The line is not logged.
        case leftOut
    }

    private static let interval: Int64 = 3_600_000 / Int64(hourly)
    private var left = burst
    private var refilledAt: Int64?
    private var leftOut = 0

    /// A full budget.
    package init() {}

    package mutating func take(at now: Int64) -> Verdict {
        let since = refilledAt ?? now
        let earned = max(0, now - since) / Self.interval
        left = min(Self.burst, left + Int(min(earned, Int64(Self.burst))))
        refilledAt = since + earned * Self.interval
        guard left > 0 else {
            leftOut += 1
            return .leftOut
        }
        left -= 1
        defer { leftOut = 0 }
        return .said(leftOut: leftOut)
    }
}

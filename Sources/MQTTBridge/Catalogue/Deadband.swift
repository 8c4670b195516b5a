/// Distance from the value that was sent last up to which a new value is not worth a message. A slow drift is worth one, too, because the
/// comparison is never with a value in between.
enum Deadband: Hashable, Sendable {
    /// Any other value is news at once.
    case none
    /// More than so many thousandths of the unit.
    case within(Int)
    /// More than so many thousandths of the unit, or than a share of the value that was sent, whichever is larger.
    case share(Int, permille: Int)
    /// Never news by itself: counters of the link, ages, and sentences that repeat other values.
    case heartbeat

    /// Returns `true` where `new` is worth a message after `sent`.
    ///
    /// - Parameter factor: times the width; 0: each change is news.
    func isNews(_ new: MetricValue, after sent: MetricValue, factor: Int) -> Bool {
        guard new != sent else { return false }
        guard factor > 0 else { return true }
        let width: Int
        switch self {
        case .none: return true
        case .heartbeat: return false
        case .within(let thousandths): width = thousandths
        case .share(let thousandths, let permille):
            let magnitude = sent.thousandths.map { Int(clamping: $0.magnitude) } ?? 0
            width = max(thousandths, magnitude / 1000 &* permille)
        }
        // Known and unknown are never near each other.
        guard let old = sent.thousandths, let now = new.thousandths else { return true }
        let (distance, distanceOverflow) = now.subtractingReportingOverflow(old)
        let (limit, limitOverflow) = width.multipliedReportingOverflow(by: factor)
        return distanceOverflow || limitOverflow || distance.magnitude > limit.magnitude
    }
}

extension MetricValue {
    /// A number in thousandths; `nil` for what is none, or too large.
    var thousandths: Int? {
        switch self {
        case .decimal(let thousandths, _): return thousandths
        case .integer(let number):
            let (product, overflow) = number.multipliedReportingOverflow(by: 1000)
            return overflow ? nil : product
        case .null, .text: return nil
        }
    }
}

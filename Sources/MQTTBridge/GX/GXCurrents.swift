import BMSCore
import ChargeLimits

/// CCL and DCL as a GX works with them: whole amperes, calm, and never a crawl below two (facts of dvcc.py: it rounds 0.5 A to
/// 0 and 1.5 A to 2, and chargers follow neither).
///
/// A fall is taken at once and rounded down. A rise is taken when half an ampere is left above it, or when the limit has been there for
/// ten seconds; from 0 it starts at 3 A, or at 2 A after these ten seconds.
struct GXCurrents: Hashable, Sendable {
    /// Whole amperes; `nil`: no limits yet.
    var ccl: Int? { charge.whole }
    var dcl: Int? { discharge.whole }

    private var charge = Current()
    private var discharge = Current()

    private struct Current: Hashable {
        private static let least = 2
        private static let restart = 3
        private static let clear = 500
        private static let patience: Int64 = 10_000

        private(set) var whole: Int?
        /// Time since which the limit would allow more.
        private var waitsSince: Timestamp?

        mutating func step(_ limit: Milliamperes, at now: Timestamp) {
            let old = whole ?? 0
            let floor = limit.rawValue / 1000
            let new = floor < Self.least ? 0 : floor
            guard new > old else {
                whole = new
                waitsSince = nil
                return
            }
            let since = waitsSince ?? now
            waitsSince = since
            let isClear = old == 0 ? new >= Self.restart : limit.rawValue - new * 1000 >= Self.clear
            if isClear || now - since >= Self.patience {
                whole = new
                waitsSince = nil
            } else if old > 0 {
                whole = max(old, new - 1)
            } else {
                whole = 0
            }
        }
    }

    /// Follows the limits; without limits nothing is known.
    mutating func step(_ limits: Limits?, at now: Timestamp) {
        guard let limits else {
            self = GXCurrents()
            return
        }
        charge.step(limits.ccl, at: now)
        discharge.step(limits.dcl, at: now)
    }

    /// CCL or DCL for the row of one of them; `nil` for any other row.
    func value(_ row: Metric) -> MetricValue? {
        switch row.gx {
        case .chargeLimit: .whole(ccl)
        case .dischargeLimit: .whole(dcl)
        case .value, .voltage, .current, .power, .soc, .cable, .voltageSum, nil: nil
        }
    }
}

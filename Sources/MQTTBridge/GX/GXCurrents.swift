import BMSCore
import ChargeLimits

/// CCL and DCL as a GX works with them: whole amperes, calm, and never a crawl below two (facts of dvcc.py: it rounds 0.5 A to
/// 0 and 1.5 A to 2, and chargers follow neither).
///
/// A fall is taken at once and rounded down. A rise waits until half an ampere is left above it; from 0 it waits for 3 A.
struct GXCurrents: Hashable, Sendable {
    private static let least = 2
    private static let restart = 3
    private static let clear = 500

    /// Whole amperes; `nil`: no limits yet.
    private(set) var ccl: Int?
    private(set) var dcl: Int?

    mutating func step(_ limits: Limits?) {
        ccl = limits.map { Self.settle($0.ccl, ccl ?? 0) }
        dcl = limits.map { Self.settle($0.dcl, dcl ?? 0) }
    }

    private static func settle(_ limit: Milliamperes, _ old: Int) -> Int {
        let whole = limit.rawValue / 1000
        guard whole >= least else { return 0 }
        if whole <= old { return whole }
        if old == 0 { return whole >= restart ? whole : 0 }
        return limit.rawValue - whole * 1000 >= clear ? whole : max(old, whole - 1)
    }
}

import BMSCore

/// The sentences of three reasons, worded anew only where one of them changed: they stay the same for seconds at least, and are looked at
/// with each frame.
package struct ReasonTexts: Sendable {
    private var why: Shared<PerLimit<Limits.Reason>>?
    private var words: PerLimit<BankCause?>?
    /// By limit; `nil` where there are no limits yet.
    package private(set) var texts: PerLimit<String>?

    /// None.
    package init() {}

    /// Takes the limits of a step.
    package mutating func note(_ limits: Limits?) {
        let new = limits?.bank?.value.why
        if let old = why, let limits, old == limits.why, words == new { return }
        why = limits?.why
        words = new
        texts = limits.map { PerLimit(cvl: $0.reason(.cvl), ccl: $0.reason(.ccl), dcl: $0.reason(.dcl)) }
    }
}

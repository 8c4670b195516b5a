/// The three limits that rule a charger and an inverter.
public enum LimitKind: String, Sendable, CaseIterable {
    /// Charge voltage limit, mV for the pack.
    case cvl
    /// Charge current limit, mA, 0 or more.
    case ccl
    /// Discharge current limit, mA, 0 or more.
    case dcl

    /// Place in ``allCases``.
    var rank: Int {
        switch self {
        case .cvl: 0
        case .ccl: 1
        case .dcl: 2
        }
    }
}

/// A value for each limit.
package struct PerLimit<Content> {
    package var cvl: Content
    package var ccl: Content
    package var dcl: Content

    package init(cvl: Content, ccl: Content, dcl: Content) {
        self.cvl = cvl
        self.ccl = ccl
        self.dcl = dcl
    }

    package subscript(_ kind: LimitKind) -> Content {
        get {
            switch kind {
            case .cvl: cvl
            case .ccl: ccl
            case .dcl: dcl
            }
        }
        set {
            switch kind {
            case .cvl: cvl = newValue
            case .ccl: ccl = newValue
            case .dcl: dcl = newValue
            }
        }
    }

    /// Transforms the value of each limit.
    package func map<Other>(_ transform: (Content) -> Other) -> PerLimit<Other> {
        PerLimit<Other>(cvl: transform(cvl), ccl: transform(ccl), dcl: transform(dcl))
    }
}

extension PerLimit: Equatable where Content: Equatable {}
extension PerLimit: Hashable where Content: Hashable {}
extension PerLimit: Sendable where Content: Sendable {}

/// Purpose for which the pack is being charged.
public enum ChargeState: String, Sendable, CaseIterable {
    /// The cells are below the knee.
    case bulk
    /// The highest cell has reached the balancing voltage.
    case absorption
    /// Some cells bypass while others are still behind.
    case balancing
    /// All cells have been at the balancing voltage with little current for long enough: the pack eases down to float.
    case full
    /// The pack is held below the balancing voltage after full.
    case float
    /// No fresh data: nothing is known.
    case stale
}

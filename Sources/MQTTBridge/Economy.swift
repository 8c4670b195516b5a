/// Economy of the bridge with messages. Limits, alarms, permissions, contacts and relays go out at once in any of them.
public enum Economy: String, Sendable, CaseIterable {
    /// Every change of a measurement is news.
    case off
    /// A measurement is news outside the deadband of its row in the catalogue.
    case normal
    /// Four times the deadbands: for links that cost money by the byte.
    case low

    /// Times the deadbands; 0: each change is news.
    var factor: Int {
        switch self {
        case .off: 0
        case .normal: 1
        case .low: 4
        }
    }

    /// Longest time between two documents for a GX without news, ms; 0: one each second, so that one lost on the way costs no
    /// more than that. Its driver drops the battery after 20 s.
    var gxHeartbeat: Int64 { self == .low ? 5_000 : 0 }

    /// Shortest time between two `state` documents with measurements alone, unless configured, ms.
    public var statePace: Int64 { self == .low ? 10_000 : 5_000 }

    /// Longest time between two `limits` documents, unless configured, ms.
    public var limitsHeartbeat: Int64 { self == .low ? 14_000 : 5_000 }

    /// Longest time between two `state` documents, unless configured, ms: well within the expiry of retained documents.
    public var stateHeartbeat: Int64 {
        switch self {
        case .off: 5_000
        case .normal: 10_000
        case .low: 14_000
        }
    }
}

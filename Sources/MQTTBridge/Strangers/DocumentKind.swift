import MQTT

/// A kind of document that this bridge alone publishes for a pack or bank, by the last level of its topic.
///
/// Statuses and announcements have rules of their own.
enum DocumentKind: String, CaseIterable, Comparable, Sendable {
    case limits, state, cells, settings, relays, gx, result, event

    static func < (left: DocumentKind, right: DocumentKind) -> Bool { left.rawValue < right.rawValue }

    /// The broker keeps it for later subscribers, by this bridge's wish.
    var isKept: Bool {
        switch self {
        case .limits, .state, .cells, .settings, .relays: true
        case .gx, .result, .event: false
        }
    }
}

extension Topics {
    /// More packs than that are listened to by wildcards: each filter costs a message at each connection.
    private static let mostNamed = 16

    func word(_ word: DocumentKind, of pack: String) -> String { "\(base)/\(pack)/\(word.rawValue)" }

    /// Pack and kind of a topic below the base; `nil` where it is none of them.
    func word(_ topic: String) -> (pack: String, word: DocumentKind)? {
        guard topic.hasPrefix(base + "/") else { return nil }
        let levels = topic.dropFirst(base.count + 1).split(separator: "/", omittingEmptySubsequences: false)
        guard levels.count == 2, let word = DocumentKind(rawValue: String(levels[1])) else { return nil }
        return (String(levels[0]), word)
    }

    /// Filters of what somebody else says where only this bridge should. Where the broker cannot keep this bridge's own words away
    /// (MQTT 3.1.1), they are left out.
    func words(of packs: [String]) -> [Subscription] {
        let places = packs.count > Self.mostNamed ? ["+"] : packs
        return places.flatMap { pack in
            DocumentKind.allCases.map {
                Subscription(word($0, of: pack), qos: 1, noLocal: true, retainAsPublished: !$0.isKept)
            }
        }
    }
}

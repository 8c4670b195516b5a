/// Names of the tree that a GX device and its clients speak (Venus OS, dbus-flashmq).
struct GXTopics: Hashable, Sendable {
    /// A request, by its path below the portal's id.
    enum Request: Hashable {
        case keepalive
        /// Read or write of a service's path; "" reads the whole service.
        case read(service: String, instance: Int?, path: String)
        case write(instance: Int, path: String)
        /// Somebody published where only this bridge should.
        case foreign(path: String)
        /// Another portal's serial number.
        case otherPortal(String)
    }

    let portal: String
    /// What stands before N, R and W, with its slash; often empty.
    let prefix: String

    init(portal: String, prefix: String) {
        self.portal = portal
        self.prefix = prefix.isEmpty ? "" : prefix + "/"
    }

    /// "N/<portal>/<path>"
    func notify(_ path: String) -> String { "\(prefix)N/\(portal)/\(path)" }
    /// "R/<portal>/<path>"
    func request(_ path: String) -> String { "\(prefix)R/\(portal)/\(path)" }
    /// "W/<portal>/<path>"
    func write(_ path: String) -> String { "\(prefix)W/\(portal)/\(path)" }
    /// Filter of every portal's serial number.
    var serials: String { "\(prefix)N/+/system/0/Serial" }

    /// Requests, and what others publish where only this bridge should: narrow, nothing below another portal but its serial.
    var filters: [TopicFilter] {
        [
            TopicFilter(request("#")), TopicFilter(write("#")),
            TopicFilter(notify("#"), excludesOwn: true),
            TopicFilter(serials, excludesOwn: true, toleratesOwn: true, showsRetention: true),
        ]
    }

    func parse(_ topic: String) -> Request? {
        guard topic.hasPrefix(prefix) else { return nil }
        let levels = topic.dropFirst(prefix.count).split(
            separator: "/", maxSplits: 4, omittingEmptySubsequences: false
        ).map(String.init)
        guard levels.count >= 3 else { return nil }
        let path = levels.dropFirst(2).joined(separator: "/")
        guard levels[1] == portal else {
            return levels[0] == "N" && path == "system/0/Serial" ? .otherPortal(levels[1]) : nil
        }
        let instance = levels.count > 3 ? Int(levels[3]) : nil
        switch levels[0] {
        case "R" where path == "keepalive" || path == "system/0/Serial": return .keepalive
        case "R" where levels.count > 3 && instance == nil: return nil
        case "R": return .read(service: levels[2], instance: instance, path: levels.count > 4 ? levels[4] : "")
        case "W":
            guard levels[2] == "battery", let instance, levels.count > 4 else { return nil }
            return .write(instance: instance, path: levels[4])
        case "N": return .foreign(path: path)
        default: return nil
        }
    }
}

/// A filter to subscribe to.
public struct TopicFilter: Hashable, Sendable {
    /// Filter, with wildcards.
    public let filter: String
    /// What this bridge publishes must not come back; where the broker cannot promise that, the filter is left out.
    public let excludesOwn: Bool
    /// Where the broker cannot keep it away, it may come back all the same.
    public let toleratesOwn: Bool
    /// A message that its sender wants retained must be known as such even where it comes live, as through a bridge of brokers.
    public let showsRetention: Bool
    /// What comes for it at once is large: a narrow line is better spared.
    public let isLarge: Bool

    init(
        _ filter: String, excludesOwn: Bool = false, toleratesOwn: Bool = false, showsRetention: Bool = false,
        isLarge: Bool = false
    ) {
        self.filter = filter
        self.toleratesOwn = toleratesOwn
        self.excludesOwn = excludesOwn
        self.showsRetention = showsRetention
        self.isLarge = isLarge
    }
}

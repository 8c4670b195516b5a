import MQTT

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
    /// Levels before N, R and W, with a slash; often empty.
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
    var filters: [Subscription] {
        [
            Subscription(request("#"), qos: 1), Subscription(write("#"), qos: 1),
            Subscription(notify("#"), qos: 1, noLocal: true),
            Subscription(serials, qos: 1, noLocal: true, toleratesOwn: true, retainAsPublished: true),
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

import LinuxIO
import Mosquitto

/// Finds the broker at which a running bridge is, where a configuration names several.
enum BridgeFinder {
    /// The configuration of the broker with the best evidence of the bridge; the given one where there is none, or no choice.
    ///
    /// - Parameter pack: the pack whose limits are evidence, too; `nil`: those of each.
    static func locate(_ link: LinkConfiguration, base: String, pack: String? = nil) async -> LinkConfiguration {
        guard link.brokers.count > 1 else { return link }
        let search = BrokerSearch(status: "\(base)/bridge/status", limits: "\(base)/\(pack ?? "+")/limits")
        let place = await withCheckedContinuation { continuation in
            // The search waits, and the threads of tasks must not.
            let isBegun = OwnThread.start("bridge-search") {
                continuation.resume(returning: search.place(among: link))
            }
            if !isBegun { continuation.resume(returning: nil) }
        }
        return place.map { link.only(link.brokers[$0]) } ?? link
    }
}

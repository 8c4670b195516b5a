import Mosquitto

/// Finds the broker at which a running bridge is, where a configuration names several.
enum BridgeFinder {
    /// The configuration of the first broker at which the bridge says `online`; the given one where there is none, or no choice.
    static func locate(_ link: LinkConfiguration, base: String) async -> LinkConfiguration {
        let brokers = link.brokers
        guard brokers.count > 1 else { return link }
        let topic = "\(base)/bridge/status"
        let found = await withTaskGroup(of: Int?.self) { group in
            for (index, broker) in brokers.enumerated() {
                var one = link.only(broker)
                one.clientID += "-at-\(index)"
                one.onRefusal = nil
                group.addTask { [one] in
                    let probe = await BrokerProbe.look(one, [topic], seconds: 3, listening: 0.7)
                    return probe.messages[topic] == "online" ? index : nil
                }
            }
            var places: [Int] = []
            for await place in group { places += place.map { [$0] } ?? [] }
            return places.min()
        }
        return found.map { link.only(brokers[$0]) } ?? link
    }
}

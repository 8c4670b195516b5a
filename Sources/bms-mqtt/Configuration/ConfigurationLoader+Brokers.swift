import Mosquitto

extension ConfigurationLoader {
    /// Checks that the file names its brokers in one place, and each of them once.
    mutating func checkBrokers(_ configuration: Configuration) {
        guard !configuration.hosts.isEmpty else { return }
        if configuration.hasHost {
            fault(
                place("mqtt.host"),
                "mqtt.host and mqtt.hosts are both given: write the broker of mqtt.host into the list of mqtt.hosts, and take mqtt.host "
                    + "out")
        }
        var known: Set<BrokerAddress> = []
        for broker in configuration.plan.link.brokers where !known.insert(broker).inserted {
            fault(place("mqtt.hosts"), "mqtt.hosts: \(broker) is there twice: name each broker once")
        }
    }
}

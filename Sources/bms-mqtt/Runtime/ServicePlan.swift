import BMSCore
import CANBus
import CANFrames
import SmartBMS
import BatteryEngine
import MQTTBridge
import PackSimulator
import Mosquitto
import SerialLink
import ServiceIO

/// The plan of a service: the configuration as options of the modules.
struct ServicePlan: Sendable {
    struct Pack: Sendable {
        var options: PackOptions
        var source: SourceAddress
        /// Number in the GX tree, where the file has one.
        var gxInstance: Int?
        /// The file has a Tmax.
        var hasMaximumTemperature = false
        /// Options of a simulated source.
        var simulation = Simulation()

        /// Options for the bridge. The arrival of frames is judged only where a BMS sends them.
        var bridged: PackOptions {
            var options = options
            options.decoding.judgesArrival =
                switch source {
                case .serial, .serialAuto, .tcp: true
                case .replay, .simulator: false
                }
            options.advice = UnsetLimits.advice(self) + SourceRemarks.advice(self)
            return options
        }
    }

    /// Ids of the packs, then of the banks.
    var ids: [String] { packs.map(\.options.id) + banks.map(\.options.id) }

    /// Options of reading. Bytes that waited for longer than the shortest `hold`, after which limits no longer rise, are thrown away.
    var reading: ByteSource.Options {
        var reading = ByteSource.Options()
        if let hold = packs.map(\.options.decoding.freshness.hold).min() { reading.longestDelay = Double(hold) / 1000 }
        return reading
    }

    struct Bank {
        var options: BankOptions
        /// Number in the GX tree, where the file has one.
        var gxInstance: Int?
        /// The file asks for packs in series, which are refused.
        var isSeries = false
    }

    /// A CAN bus on which the limits of a battery are told.
    struct Bus: Hashable, Sendable {
        var address: CANAddress
        var kind = CANProtocol.victron
        /// Id of the pack or bank.
        var battery = ""
    }

    struct Simulation: Sendable {
        var cells = 16
        var seed: UInt64 = 1
        /// A simulation that has begun; `nil`: it begins with the scenario.
        var begun: Simulator?
        /// Hears what is simulated after each step, and returns the speed of time from then on; `nil`: as before.
        var watch: (@Sendable (Simulator) -> Double?)?
    }

    var link: LinkConfiguration
    var bridge = BridgeOptions()
    var packs: [Pack]
    /// Packs in parallel.
    var banks: [Bank] = []
    /// CAN buses, each with one battery.
    var buses: [Bus] = []
    /// Directory of settings and learned values; `nil`: they are not kept.
    var stateDirectory: String?
    /// Speed of time for simulated packs; 1 is real time.
    var speed = 1.0

    /// Packs with their sources, and banks with their packs, for the log.
    var summary: String {
        let packs = Self.listed(packs) { "\($0.options.id) from \($0.source)" }
        let banks = Self.listed(banks) { "bank \($0.options.id) of \(Self.listed($0.options.packs) { $0 })" }
        let buses = Self.listed(buses) { "\($0.battery) on \($0.address) (\($0.kind.rawValue))" }
        return [packs, banks, buses].filter { !$0.isEmpty }.joined(separator: "; ")
    }

    /// The first twenty items, and the number of the others.
    private static func listed<Item>(_ items: [Item], _ text: (Item) -> String) -> String {
        let shown = items.prefix(20).map(text).joined(separator: ", ")
        return items.count > 20 ? "\(shown) and \(items.count - 20) more" : shown
    }

    /// Services of the GX tree, each by broker, portal and number.
    var tree: Set<String> {
        guard let tree = bridge.gxTree else { return [] }
        let instances = packs.map(\.options.gxInstance) + banks.map(\.options.gxInstance)
        return Set(instances.map { "\(link) \(tree.prefix)/\(tree.portalID)/\($0)" })
    }

    /// Raises the limit on open files for all sources and connections; prints the remedy and returns `false` if that fails.
    func mayOpenFiles() -> Bool {
        let relays = packs.reduce(0) { $0 + $1.options.relays.count }
        // A source may be open while its successor is being opened; a connection has a socket and its events.
        return OpenFiles.allow(
            2 * packs.count + 4 * buses.count + 10 * (1 + relays),
            OpenFiles.count(packs.count, "pack") + (relays == 0 ? "" : " and \(OpenFiles.count(relays, "relay"))"))
    }
}

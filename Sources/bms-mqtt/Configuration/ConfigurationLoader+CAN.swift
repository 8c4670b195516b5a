import BMSCore
import BatteryEngine
import CANBus
import SerialLink

/// CAN buses, and what they share with packs and banks.
extension ConfigurationLoader {
    /// Largest number of buses.
    private static let mostBuses = 16

    /// Reads the list of buses.
    mutating func buses(_ node: YAMLNode, _ plan: ServicePlan) -> [ServicePlan.Bus] {
        guard case .sequence(let items) = node.content, (1...Self.mostBuses).contains(items.count) else {
            fault(
                node.place,
                "can: expected a list of 1 to \(Self.mostBuses) buses ('- interface: ...'), found \(node.kind)")
            return []
        }
        let batteries = plan.banks.map(\.options.id) + plan.packs.map(\.options.id)
        var owners: [String: String] = [:]
        for pack in plan.packs { owners[pack.source.identity] = "pack '\(pack.options.id)' reads it as \(pack.source)" }
        var buses: [ServicePlan.Bus] = []
        for item in items {
            guard case .mapping(let entries) = item.content else {
                fault(
                    item.place,
                    "can: expected keys like 'interface: can:can0', found \(item.kindWithoutValue)\(item.colonHint)")
                continue
            }
            var bus = ServicePlan.Bus(address: .interface(""))
            let before = faults.count
            walk(entries, "", CANTable.keys, .bus, &bus)
            if !entries.contains(where: { $0.key == "interface" }) {
                fault(item.place, "a CAN bus without 'interface': it is required")
            }
            guard faults.count == before else { continue }
            if bus.battery.isEmpty {
                guard batteries.count == 1 else {
                    // A file without packs has a fault that says so.
                    if !batteries.isEmpty {
                        fault(
                            item.place,
                            "\(bus.address): no 'battery': name the pack or bank whose limits are told here: "
                                + "\(batteries.prefix(20).joined(separator: ", "))")
                    }
                    continue
                }
                bus.battery = batteries[0]
            } else if !batteries.contains(bus.battery), batteries.allSatisfy({ !$0.isEmpty }) {
                fault(
                    entries.first { $0.key == "battery" }?.value.place ?? item.place,
                    "\(bus.address): no pack or bank '\(bus.battery.prefix(64))'\(Suggestion.text(bus.battery, batteries))"
                )
            }
            if let owner = owners.updateValue("'\(bus.battery)' is told there", forKey: bus.address.identity) {
                fault(item.place, "\(bus.address) is taken: \(owner); a CAN bus has one battery, and a port one reader")
            }
            buses.append(bus)
        }
        return buses
    }
}

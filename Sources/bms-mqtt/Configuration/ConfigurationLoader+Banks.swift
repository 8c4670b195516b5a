import BMSCore
import SmartBMS
import ChargeLimits
import BatteryEngine
import MQTTBridge

/// Banks: packs in parallel, and the properties that they must share.
extension ConfigurationLoader {
    /// Reads the list of banks.
    ///
    /// - Parameter packs: the packs of the file, with and without faults.
    mutating func banks(_ node: YAMLNode, _ packs: [ServicePlan.Pack]) -> [ServicePlan.Bank] {
        guard case .sequence(let items) = node.content, !items.isEmpty else {
            fault(node.place, "banks: expected a list ('- id: ...'), found \(node.kind)")
            return []
        }
        guard items.count <= 500 else {
            fault(node.place, "banks: \(items.count) banks: at most 500")
            return []
        }
        // A file without packs has a fault that says so.
        guard !packs.isEmpty else { return [] }
        let ids = items.compactMap(\.bankID)
        var banks: [ServicePlan.Bank] = []
        var owners: [String: String] = [:]
        for item in items {
            guard case .mapping(let entries) = item.content else {
                fault(item.place, "banks: expected keys like 'id: house', found \(item.kind)")
                continue
            }
            var bank = ServicePlan.Bank(options: BankOptions(id: "", packs: []))
            let before = faults.count
            walk(entries, "", BankTable.keys, .bank, &bank)
            for key in ["id", "packs"] where !entries.contains(where: { $0.key == key }) {
                fault(item.place, "a bank without '\(key)': it is required")
            }
            // The checks below need only 'id' and 'packs', so they run in spite of a fault of another key.
            guard faults.count == before || !(bank.options.id.isEmpty || bank.options.packs.isEmpty) else { continue }
            if bank.isSeries {
                fault(
                    place(of: "connection", entries, item),
                    "bank '\(bank.options.id)': packs in series are refused: the same current flows through all of them, "
                        + "no BMS sees the cells of the others, and one that opens its relay gets the voltage of all. "
                        + "Use one BMS for all the cells of a string")
                continue
            }
            check(bank, entries, item, packs, ids, &owners)
            banks.append(bank)
            bankPlaces.append(item.place)
        }
        return banks
    }

    private mutating func check(
        _ bank: ServicePlan.Bank, _ entries: [YAMLNode.Entry], _ item: YAMLNode, _ packs: [ServicePlan.Pack],
        _ banks: [String], _ owners: inout [String: String]
    ) {
        let id = bank.options.id
        let known = packs.map(\.options.id).filter { !$0.isEmpty }
        var seen: Set<String> = []
        for (name, place) in names(of: "packs", entries) {
            if banks.contains(name), !known.contains(name) {
                fault(place, "bank '\(id)': '\(name)' is a bank, and banks do not nest: name its packs")
            } else if !known.contains(name) {
                // The name may be that of a pack whose id is refused, which is a fault already.
                guard known.count == packs.count else { continue }
                fault(place, "bank '\(id)': no pack '\(name.prefix(64))'\(Suggestion.text(name, known))")
            } else if !seen.insert(name).inserted {
                fault(place, "bank '\(id)': pack '\(name)' is named twice")
            } else if let owner = owners.updateValue(id, forKey: name), owner != id {
                fault(place, "pack '\(name)' is in two banks, '\(owner)' and '\(id)': a pack is on one bus only")
            }
        }
        if bank.options.packs.count < 2 {
            fault(
                place(of: "packs", entries, item),
                "bank '\(id)': number of packs: \(bank.options.packs.count): name at least two, a single pack needs no bank"
            )
        }
        var off: Set<String> = []
        for (name, place) in names(of: "disconnected", entries) {
            if !bank.options.packs.contains(name) {
                fault(
                    place, "bank '\(id)': disconnected names '\(name.prefix(64))', which is not a pack of this bank")
            } else if !off.insert(name).inserted {
                fault(place, "bank '\(id)': disconnected names '\(name)' twice")
            }
        }
        if !off.isEmpty, off.isSuperset(of: bank.options.packs) {
            fault(
                place(of: "disconnected", entries, item),
                "bank '\(id)': every pack is disconnected, and nothing is left of the bank: leave one in, or remove the bank "
                    + "from the file")
        }
        compare(bank, packs.filter { seen.contains($0.options.id) }, place(of: "packs", entries, item))
    }

    /// Compares the properties that packs in parallel must share, as far as the file gives them.
    private mutating func compare(_ bank: ServicePlan.Bank, _ packs: [ServicePlan.Pack], _ place: YAMLNode.Place) {
        func differ<Value: Equatable>(_ what: String, _ value: (ServicePlan.Pack) -> Value?) -> String? {
            let stated = packs.compactMap { pack in value(pack).map { (pack.options.id, $0) } }
            guard let first = stated.first, let other = stated.first(where: { $0.1 != first.1 }) else { return nil }
            return "bank '\(bank.options.id)': \(what) must be the same for packs in parallel: '\(first.0)' has "
                + "\(first.1), '\(other.0)' has \(other.1)"
        }
        let complaints = [
            differ("cells") { $0.options.rules.plausibility?.expectedCells },
            differ("chemistry") { $0.options.decoding.chemistry?.rawValue },
            differ("temperatureRule") { $0.options.decoding.temperatureScale.rawValue },
        ]
        for complaint in complaints.compactMap(\.self) { fault(place, complaint) }
    }

    /// Checks that packs and banks share no name in topics, in Home Assistant's entity ids and on the GX.
    mutating func checkNames(
        _ packs: [(ServicePlan.Pack, YAMLNode.Place)], _ banks: [(ServicePlan.Bank, YAMLNode.Place)]
    ) {
        var entities: [String: String] = [:]
        var instances: [Int: String] = [:]
        let all =
            packs.map { ("pack", $0.0.options.id, $0.0.gxInstance, $0.1) }
            + banks.map { ("bank", $0.0.options.id, $0.0.gxInstance, $0.1) }
        for (kind, id, instance, place) in all where !id.isEmpty {
            let entity = Topics.entityID(id)
            if let other = entities.updateValue("\(kind) '\(id)'", forKey: entity) {
                let same =
                    other == "\(kind) '\(id)'"
                    ? "two \(kind)s with the id '\(id)': ids are topics, they must differ"
                    : "the id '\(id)' is taken by \(other): ids are topics, they must differ"
                fault(
                    place,
                    other.hasSuffix("'\(id)'")
                        ? same
                        : "\(kind) '\(id)' and \(other) have the same entity ids in Home Assistant, '\(entity)_...'")
            }
            guard let instance else { continue }
            if let other = instances.updateValue("\(kind) '\(id)'", forKey: instance) {
                fault(place, "\(kind) '\(id)' and \(other) have the gxInstance \(instance): they must differ")
            }
        }
    }

    /// Texts of a list with their places.
    private func names(of key: String, _ entries: [YAMLNode.Entry]) -> [(String, YAMLNode.Place)] {
        guard case .sequence(let items)? = entries.first(where: { $0.key == key })?.value.content else { return [] }
        return items.compactMap { item in
            if case .scalar(let text, _) = item.content { (text, item.place) } else { nil }
        }
    }

    private func place(of key: String, _ entries: [YAMLNode.Entry], _ item: YAMLNode) -> YAMLNode.Place {
        entries.first { $0.key == key }?.value.place ?? item.place
    }
}

extension YAMLNode {
    /// The id of a bank, as written in the file.
    fileprivate var bankID: String? {
        guard case .mapping(let entries) = content,
            case .scalar(let text, _)? = entries.first(where: { $0.key == "id" })?.value.content
        else { return nil }
        return text
    }
}

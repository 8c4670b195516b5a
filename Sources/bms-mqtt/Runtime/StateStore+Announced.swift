import CLinux
import Glibc
import JSON
import BatteryEngine
import MQTTBridge

/// Packs and banks that were announced, with the names of the brokers at which nothing is left of those that departed.
typealias AnnouncedPacks = [DepartedPack: Set<String>]

/// The packs and banks that this bridge has announced, in a file of their own: announcements of those that the next configuration does
/// not have must be removed. Each client id has its own file, so that two bridges with one directory leave each other's packs alone.
extension StateStore {
    private static let announcedVersion = 1.0
    private static let longestAnnounced = 1 << 20
    /// More packs than two configurations can have: the present one and the one before.
    private static let mostAnnounced = 2_200
    /// Brokers of a pack, and the length of their names.
    private static let mostBrokers = 2 * BrokerText.most
    private static let longestBroker = 300

    /// Packs that were announced; none if there is no file, or if the file is not valid, which is reported.
    func loadAnnounced(_ owner: String, complain: (String) -> Void) -> AnnouncedPacks {
        read(
            announcedPath(owner), upTo: Self.longestAnnounced,
            otherwise: "announcements of packs that left the configuration are not removed", complain: complain,
            parse: Self.parseAnnounced) ?? [:]
    }

    /// Replaces the file; returns a sentence if that failed.
    func saveAnnounced(_ packs: AnnouncedPacks, _ owner: String) -> String? {
        if let failure = makeDirectory() ?? openness { return failure }
        return StateFile.replace(announcedPath(owner), with: Self.document(packs))
    }

    /// Path of the file, whose name no pack's file can have, because ids have no dots.
    private func announcedPath(_ owner: String) -> String { "\(directory)/bridge.\(Machine.portalID(owner)).json" }

    static func document(_ packs: AnnouncedPacks) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("version", .integer(Int(announcedVersion)))
        writer.key("packs")
        writer.beginArray()
        for pack in packs.keys.sorted().prefix(mostAnnounced) {
            writer.beginObject()
            writer.member("base", pack.topics.base)
            writer.member("prefix", pack.topics.discoveryPrefix)
            writer.member("id", pack.id)
            if let cleared = packs[pack], !cleared.isEmpty {
                writer.member("cleared", Array(cleared.sorted().prefix(mostBrokers)))
            }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes + [UInt8(ascii: "\n")]
    }

    /// The packs of a file; `nil` if one of them is not valid.
    static func parseAnnounced(_ bytes: [UInt8]) -> AnnouncedPacks? {
        guard let value = JSONValue(parsing: bytes), value["version"]?.number == announcedVersion,
            let entries = value["packs"]?.array, entries.count <= mostAnnounced
        else { return nil }
        var packs: AnnouncedPacks = [:]
        for entry in entries {
            guard let base = entry["base"]?.text, let prefix = entry["prefix"]?.text, let id = entry["id"]?.text,
                ConfigurationTable.baseTopic(base) == nil, ConfigurationTable.baseTopic(prefix) == nil,
                Topics.isIdentifier(id, longest: 64)
            else { return nil }
            let cleared = (entry["cleared"]?.array ?? []).map(\.text)
            guard cleared.count <= mostBrokers, cleared.allSatisfy({ ($0 ?? "").utf8.count <= longestBroker }) else {
                return nil
            }
            packs[DepartedPack(Topics(base: base, discoveryPrefix: prefix), id)] = Set(cleared.compactMap(\.self))
        }
        return packs
    }
}

extension ServicePlan {
    /// Packs and banks that are served.
    var served: Set<DepartedPack> {
        Set(ids.map { DepartedPack(bridge.topics, $0) })
    }

    /// Announced packs and banks that are no longer served. A pack with another discovery prefix is the same pack.
    func departed(of announced: AnnouncedPacks) -> AnnouncedPacks {
        let names = Set(served.map { "\($0.topics.base)/\($0.id)" })
        return announced.filter { !names.contains("\($0.key.topics.base)/\($0.key.id)") }
    }
}

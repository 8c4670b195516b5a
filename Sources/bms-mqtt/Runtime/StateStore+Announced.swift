import CLinux
import Glibc
import JSON
import MQTTBridge

/// The packs and banks that this bridge announced, in a file of its own: who is missing from the next configuration has to be taken
/// back. One file for each client id, so that two bridges with one directory leave each other's packs alone.
extension StateStore {
    private static let announcedVersion = 1.0
    private static let longestAnnounced = 1 << 18
    /// More packs than a bridge can have, twice: those of a configuration and those of the one before.
    private static let mostAnnounced = 2_200

    /// Packs that were announced; none where there is nothing, or nothing sound, which is told.
    func loadAnnounced(_ owner: String, complain: (String) -> Void) -> Set<DepartedPack> {
        read(
            announcedPath(owner), upTo: Self.longestAnnounced,
            otherwise: "packs that left the configuration are not taken back", complain: complain,
            parse: Self.parseAnnounced) ?? []
    }

    /// Replaces the file; a sentence where that failed.
    func saveAnnounced(_ packs: Set<DepartedPack>, _ owner: String) -> String? {
        if let failure = makeDirectory() ?? openness { return failure }
        return StateFile.replace(announcedPath(owner), with: Self.document(packs))
    }

    /// A name that no pack's file can have: ids have no dots.
    private func announcedPath(_ owner: String) -> String { "\(directory)/bridge.\(Machine.portalID(owner)).json" }

    static func document(_ packs: Set<DepartedPack>) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("version", .integer(Int(announcedVersion)))
        writer.key("packs")
        writer.beginArray()
        for pack in packs.sorted(by: { ($0.topics.base, $0.id) < ($1.topics.base, $1.id) }).prefix(mostAnnounced) {
            writer.beginObject()
            writer.member("base", pack.topics.base)
            writer.member("prefix", pack.topics.discoveryPrefix)
            writer.member("id", pack.id)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.bytes + [UInt8(ascii: "\n")]
    }

    /// The packs of a file; `nil` where one of them cannot be.
    static func parseAnnounced(_ bytes: [UInt8]) -> Set<DepartedPack>? {
        guard let value = JSONValue(parsing: bytes), value["version"]?.number == announcedVersion,
            let entries = value["packs"]?.array, entries.count <= mostAnnounced
        else { return nil }
        var packs: Set<DepartedPack> = []
        for entry in entries {
            guard let base = entry["base"]?.text, let prefix = entry["prefix"]?.text, let id = entry["id"]?.text,
                ConfigurationTable.baseTopic(base) == nil, ConfigurationTable.baseTopic(prefix) == nil,
                Topics.isIdentifier(id, longest: 64)
            else { return nil }
            packs.insert(DepartedPack(Topics(base: base, discoveryPrefix: prefix), id))
        }
        return packs
    }
}

extension ServicePlan {
    /// Packs and banks that are served.
    var served: Set<DepartedPack> {
        Set((packs.map(\.options.id) + banks.map(\.options.id)).map { DepartedPack(bridge.topics, $0) })
    }

    /// Those of them that are served no more: another discovery prefix alone makes no other pack.
    func departed(of announced: Set<DepartedPack>) -> Set<DepartedPack> {
        let names = Set(served.map { "\($0.topics.base)/\($0.id)" })
        return announced.filter { !names.contains("\($0.topics.base)/\($0.id)") }
    }
}

public import BMSCore
import ChargeLimits
import SmartBMS

/// A pack or bank by configuration, as far as both have it.
public struct BatteryIdentity: Hashable, Sendable {
    /// Identifier in topics, `[a-z0-9_-]+`.
    public var id: String
    /// Name for people, by the file.
    public var name: String
    /// Serial number; `nil`: the owner gave none.
    public var serial: String?
    /// The battery is a bank: packs in parallel.
    public var isBank: Bool
    /// Number as a battery of the GX tree.
    public var gxInstance: Int
    /// Source of the data, for people.
    public var connection: String
    /// Ages at which data turns stale.
    public var freshness: FreshnessTimes
    /// Relays that the bridge drives; a bank has none.
    public var relays: [RelayOptions]
    /// The limits are told on a CAN bus.
    public var hasBus: Bool

    /// Name in lines of the log: "pack garage".
    public var title: String { "\(isBank ? "bank" : "pack") \(id)" }
}

extension PackOptions {
    /// The properties that the pack has in common with a bank.
    package var identity: BatteryIdentity {
        BatteryIdentity(
            id: id, name: name, serial: serial, isBank: false, gxInstance: gxInstance, connection: connection,
            freshness: decoding.freshness, relays: relays, hasBus: hasBus)
    }
}

extension BankOptions {
    /// The properties that the bank has in common with a pack.
    package var identity: BatteryIdentity {
        BatteryIdentity(
            id: id, name: name, serial: nil, isBank: true, gxInstance: gxInstance,
            connection: "packs \(packs.joined(separator: ", "))", freshness: limits.freshness, relays: [],
            hasBus: hasBus)
    }
}

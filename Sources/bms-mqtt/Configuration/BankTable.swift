import BMSCore
import ChargeLimits
import BatteryEngine
import MQTTBridge

/// Keys of one bank.
enum BankTable {
    typealias Key = ConfigurationKey<ServicePlan.Bank>

    static let keys: [Key] = [
        Key(
            "id", .checked(PackTable.identifier), nil,
            "Identifier in topics and entities, unlike every pack's; it must never change. Required.", example: "house"
        ) { bank, value in
            if bank.options.name == bank.options.id { bank.options.name = value.text }
            bank.options.id = value.text
        },
        Key("name", .text(longest: 32), nil, "Name for people; the id unless given.", example: "House battery") {
            $0.options.name = $1.text
        },
        Key(
            "packs", .identifiers, nil, "Ids of the packs that are wired in parallel, each with its own BMS. Required.",
            example: "[garage, cellar]"
        ) { $0.options.packs = $1.list },
        Key(
            "disconnected", .identifiers, nil,
            "Ids of packs that are disconnected from the bus: they count as zero, and nothing waits for them.",
            example: "[cellar]"
        ) { $0.options.disconnected = Set($1.list) },
        Key(
            "connection", .choice(["parallel", "series"]), "parallel",
            "Wiring of the packs. Series is refused: one current flows through all of them, and no BMS sees the others."
        ) { $0.isSeries = $1.text == "series" },
        Key(
            "gxInstance", .whole(0...65_535, unit: ""), nil,
            "Number of the bank as a battery of the GX tree; after the packs' unless given.", example: "520"
        ) { $0.gxInstance = $1.number },
        amperes("limits.maxChargeCurrent", "Ceiling of the bank's charge current: cables, charger.", "200") {
            $0.maximumChargeCurrent = $1
        },
        amperes("limits.maxDischargeCurrent", "Ceiling of the bank's discharge current: cables, inverter.", "300") {
            $0.maximumDischargeCurrent = $1
        },
        amperes(
            "limits.fuse", "Rating of the fuse that all packs share: a ceiling of both currents.", "400", least: 1000
        ) {
            $0.fuse = $1
        },
    ]

    private static func amperes(
        _ path: String, _ meaning: String, _ example: String, least: Int = 0,
        _ put: @escaping @Sendable (inout BankConfiguration, Milliamperes) -> Void
    ) -> Key {
        Key(path, .decimal(least...20_000_000, unit: "amperes"), nil, meaning, example: example) {
            put(&$0.options.limits, Milliamperes($1.number))
        }
    }
}

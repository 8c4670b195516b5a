import BatteryEngine
import ServiceIO

/// `bms-mqtt check-config`: every fault of a configuration file, and the limits that are not set.
enum CheckConfigCommand {
    static let row = CommandRow(
        name: "check-config", summary: "check a configuration file",
        options: [
            OptionRow(
                name: "file", kind: .file("[FILE]"), meaning: "the file (default: \(CommandTable.defaultConfiguration))"
            )
        ],
        details: """
            Lists every fault with file, line and column, then for each pack its relays, a port that is not there, and the limits that
            are not set, with the values that are used instead. Exit code 0: configuration OK; 78: faulty.
            """,
        examples: ["bms-mqtt check-config ./config.yaml"],
        work: .plain(start))

    private static func start(_ arguments: Arguments) throws(CommandFailure) -> Int32 {
        let file = arguments.text("file") ?? CommandTable.defaultConfiguration
        let configuration = try Configuration.load(file)
        for notice in configuration.notices { Console.complain(notice) }
        Console.write("\(file): configuration OK; \(configuration.plan.summary); broker \(configuration.plan.link)\n")
        let packs = configuration.plan.packs
        for line in packs.flatMap(relays) + SourceRemarks.lines(packs) + SourceRemarks.lines(configuration.plan.buses)
            + UnsetLimits.lines(packs)
        {
            Console.write("\(line)\n")
        }
        return 0
    }

    private static func relays(_ pack: ServicePlan.Pack) -> [String] {
        pack.options.relays.map { relay in
            "pack \(pack.options.id): relay \(relay.name): \(relay.function.rawValue), commanded on \(relay.commandTopic)"
                + (relay.stateTopic.map { ", read from \($0)" } ?? ", not read back")
        }
    }
}

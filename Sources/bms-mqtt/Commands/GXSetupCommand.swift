import BMSCore
import ChargeLimits
import BatteryEngine
import MQTTBridge
import Mosquitto
import ServiceIO

/// `bms-mqtt gx-setup`: the settings with which a GX device obeys this bridge.
enum GXSetupCommand {
    static func text(_ configuration: Configuration) -> String {
        let plan = configuration.plan
        var files = ""
        // The GX device follows one battery, so a bank replaces its packs.
        let inBanks = Set(plan.banks.flatMap(\.options.packs))
        for bank in plan.banks.map(\.options) {
            files += driver("Bank '\(bank.id)'", bank.id, bank.name, bank.gxInstance, plan)
        }
        let alone = plan.packs.map(\.options).filter { !inBanks.contains($0.id) }
        for pack in alone { files += driver("Pack '\(pack.id)'", pack.id, pack.name, pack.gxInstance, plan) }
        var text = menu
        if !plan.banks.isEmpty {
            text += """

                A bank is the "Controlling BMS" and the "Battery monitor": its packs need no driver of their own.

                """
        }
        if alone.count + plan.banks.count > 1 {
            text += """

                Several batteries: choose the one that leads as "Controlling BMS". DVCC follows one battery only.

                """
        }
        if !plan.bridge.gxFeed {
            text += "\nnote: gx.feed is false in the configuration: the driver gets no document\n"
        }
        if plan.link.isLocal {
            text +=
                "\nnote: Debian's mosquitto listens on this machine only, until a file in /etc/mosquitto/conf.d names a listener: "
                + "'bms-mqtt doctor' says whether a GX can reach it\n"
        }
        for pack in plan.packs { text += headroom(pack.options) }
        // Everything but the driver's file is a comment, so that the output of one battery may be saved as it is.
        return files
            + text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
                line.isEmpty || line.hasPrefix("#") ? String(line) : "# \(line)"
            }.joined(separator: "\n")
    }

    private static func driver(
        _ title: String, _ id: String, _ name: String, _ instance: Int, _ plan: ServicePlan
    ) -> String {
        let link = plan.link
        var lines = [
            "# \(title): /data/etc/dbus-mqtt-battery/config.ini on the GX device",
            "# driver: https://github.com/mr-manuel/venus-os_dbus-mqtt-battery, 1.0.12 or later (older ones take CCL 0 for no limit)",
            "[DEFAULT]",
            "device_name = \(name)", "device_instance = \(instance)", "timeout = \(GXDocument.driverTimeout)", "",
            "[MQTT]",
            "broker_address = \(link.isLocal ? "ADDRESS-OF-THIS-MACHINE" : link.host)",
            "broker_port = \(link.port)",
        ]
        if let tls = link.tls {
            lines += ["tls_enabled = 1"]
            if tls.caFile != nil {
                lines += ["# a copy of the broker's CA certificate", "tls_path_to_ca = /data/keys/ca.crt"]
            }
        }
        if let user = link.username {
            // The driver takes a comment behind a value for a part of it.
            lines += ["# better a user of its own that may only read", "username = \(user)", "password = ITS-PASSWORD"]
        }
        if !link.others.isEmpty {
            lines += [
                "# the driver knows one broker: while the bridge is at another one of mqtt.hosts, the GX gets nothing, and stops after its timeout"
            ]
        }
        lines += ["topic = \(plan.bridge.topics.gx(id))"]
        return lines.joined(separator: "\n") + "\n\n"
    }

    private static let menu = """
        # Then on the GX device
        1. Settings, DVCC: on.
        2. Settings, DVCC, Controlling BMS: the battery with the name above ("MQTT Battery" in lists).
        3. Settings, System setup, Battery monitor: the same battery.
        4. Settings, DVCC: "Limit charge current" off, or at your own ceiling (the lower one counts); "Limit managed battery
           charge voltage" off.
        5. Inverter/charger (VEConfigure): battery type lithium, and its own voltages at or above CVL, as a second line.
        Check: the page of the battery, Parameters, shows CVL, CCL and DCL; pull the BMS cable: CCL is 0 after 10 s, and after
        80 s the battery leaves the GX. (A bank leaves when none of its packs is heard.) docs/victron.md has all menus.

        """

    private static func headroom(_ pack: PackOptions) -> String {
        pack.limits.isVoltageOnly
            ? ""
            : "\nnote: pack '\(pack.id)': solar chargers ignore CCL while the system feeds in; charging.voltageOnly: true limits them "
                + "by CVL\n"
    }
}

extension GXSetupCommand {
    static let row = CommandRow(
        name: "gx-setup", summary: "the settings that a Victron GX device needs", options: [.config],
        details: """
            Prints the configuration of the driver dbus-mqtt-battery for each pack of the file, and the menu settings to make.
            Changes nothing. Passwords are not printed.
            """, examples: ["bms-mqtt gx-setup --config ./config.yaml"],
        work: .plain(start))

    private static func start(_ arguments: Arguments) throws(CommandFailure) -> Int32 {
        Console.write(text(try arguments.configuration()))
        return 0
    }
}

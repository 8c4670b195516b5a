import BatteryEngine
import BMSCore
import MQTT

/// Requests to the GX tree, and words of others about it.
extension Bridge {
    mutating func answer(
        _ request: GXTopics.Request, _ payload: [UInt8], isRetained: Bool, at now: Moment
    ) -> Outbox {
        var outbox = Outbox()
        switch request {
        case .keepalive:
            guard case .everything(let end)? = gx?.keepalive(payload, at: now) else { return outbox }
            setTreeAlive(at: now)
            outbox.send(gx?.tick(at: now) ?? [])
            outbox.send(GXPortal.Service.allCases.flatMap { gx?.values(of: $0) ?? [] })
            for place in channels.indices { outbox.send(treeValues(of: place, at: "", now)) }
            outbox.send(end)
        case .read(let service, let instance, let path):
            guard gx?.permitRead(at: now.monotonic) == true else { return outbox }
            if let service = GXPortal.Service(rawValue: service) {
                outbox.send(gx?.values(of: service) ?? [])
            } else if service == "battery" {
                for place in channels.indices where instance == nil || channels[place].battery.gxInstance == instance {
                    outbox.send(treeValues(of: place, at: path, now))
                }
            }
        case .write(let instance, let path):
            guard let place = channels.firstIndex(where: { $0.battery.gxInstance == instance && !$0.battery.isBank }),
                gx?.permitRead(at: now.monotonic) == true
            else { return outbox }
            outbox = write(path, payload, isRetained: isRetained, pack: place, at: now)
        case .foreign(let path):
            if let text = gx?.foreign(path, payload, isRetained: isRetained, at: now.monotonic) {
                outbox.log(.warning, text)
            }
            if !isRetained && !payload.isEmpty { outbox.send(corrections(path, now)) }
        case .otherPortal(let portal):
            guard let meeting = gx?.met(portal, payload, isRetained: isRetained, at: now.monotonic) else {
                return outbox
            }
            if let text = meeting.warning { outbox.log(.warning, text) }
            if meeting.endsTree { outbox.send(treeClearing) }
        }
        return outbox
    }

    /// Everything of a battery at and below a path.
    private mutating func treeValues(of place: Int, at path: String, _ now: Moment) -> [MQTTMessage] {
        channels[place].treeValues(at: path, engine.report(of: place, at: now.monotonic))
    }

    /// Tells the outputs whether a client keeps the tree alive.
    mutating func setTreeAlive(at now: Moment) {
        let isAlive = gx?.isAlive(at: now.monotonic) ?? false
        for place in channels.indices { channels[place].setTreeAlive(isAlive) }
    }

    /// A write is a command for the setting of the path. The value in force follows in any case, for a GX client knows no other answer.
    private mutating func write(
        _ path: String, _ payload: [UInt8], isRetained: Bool, pack: Int, at now: Moment
    ) -> Outbox {
        let options = engine.packOptions[pack]
        let row = SettingsTable.rows(options).first { $0.gxPath == path }
        let command = CommandPayload.command(row?.name ?? "/\(path)", payload, isRetained: isRetained)
        var outbox = step(.command(command, battery: options.id), at: now)
        outbox.send(treeValues(of: pack, at: path, now))
        return outbox
    }

    /// The truth after somebody else published on a topic of this bridge.
    private mutating func corrections(_ path: String, _ now: Moment) -> [MQTTMessage] {
        let levels = path.split(separator: "/", maxSplits: 2).map(String.init)
        guard levels.count == 3, levels[0] == "battery",
            let place = channels.firstIndex(where: { "\($0.battery.gxInstance)" == levels[1] }),
            gx?.permitCorrection(at: now.monotonic) == true
        else { return [] }
        return treeValues(of: place, at: levels[2], now)
    }

    /// Messages that take the tree back.
    private var treeClearing: [MQTTMessage] { (gx.map { [$0.clearing] } ?? []) + channels.flatMap(\.treeClearing) }
}

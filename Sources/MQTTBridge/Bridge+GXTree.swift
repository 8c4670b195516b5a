import MQTT
import BMSCore

/// The tree of a GX: requests, and who else is there.
extension Bridge {
    /// A request to the GX tree, or news of who else is there.
    mutating func answer(
        _ request: GXTopics.Request, _ payload: [UInt8], isRetained: Bool, at now: Moment
    ) -> Outbox {
        var messages: [MQTTMessage] = []
        var warning: String?
        switch request {
        case .keepalive:
            guard case .everything(let end)? = gx?.keepalive(payload, at: now) else { return Outbox() }
            messages = gx?.everything ?? []
            for index in packs.indices { messages += packs[index].gxValues(at: "", now) }
            for index in banks.indices { messages += banks[index].gxValues(at: "") }
            messages.append(end)
        case .read(let service, let instance, let path):
            guard gx?.mayRead(at: now.monotonic) == true else { return Outbox() }
            if service == "battery" {
                for index in packs.indices where instance == nil || packs[index].options.gxInstance == instance {
                    messages += packs[index].gxValues(at: path, now)
                }
                for index in banks.indices where instance == nil || banks[index].options.gxInstance == instance {
                    messages += banks[index].gxValues(at: path)
                }
            } else {
                messages = (gx?.everything ?? []).filter { $0.topic.contains("/\(service)/") }
            }
        case .write(let instance, let path):
            guard let index = packs.firstIndex(where: { $0.options.gxInstance == instance }),
                gx?.mayRead(at: now.monotonic) == true
            else { return Outbox() }
            return collect(at: now) { packs, outbox in
                packs[index].gxWrite(path, payload, isRetained: isRetained, at: now, into: &outbox)
            }
        case .foreign(let path):
            warning = gx?.foreign(path, payload, isRetained: isRetained, at: now.monotonic)
            if !isRetained && !payload.isEmpty { messages = corrections(path, now) }
        case .otherPortal(let portal):
            guard let meeting = gx?.met(portal, payload, isRetained: isRetained, at: now.monotonic) else {
                return Outbox()
            }
            warning = meeting.warning
            if meeting.endsTree { messages = emptied() }
        }
        return collect(at: now) { _, outbox in
            outbox.send(messages)
            if let warning { outbox.say(.warning, warning) }
        }
    }

    /// The truth after somebody else published on one of our topics.
    private mutating func corrections(_ path: String, _ now: Moment) -> [MQTTMessage] {
        let levels = path.split(separator: "/", maxSplits: 2).map(String.init)
        guard levels.count == 3, levels[0] == "battery", gx?.mayCorrect(at: now.monotonic) == true else { return [] }
        if let index = banks.firstIndex(where: { "\($0.options.gxInstance)" == levels[1] }) {
            return banks[index].gxValues(at: levels[2])
        }
        guard let index = packs.firstIndex(where: { "\($0.options.gxInstance)" == levels[1] }) else { return [] }
        return packs[index].gxValues(at: levels[2], now)
    }

    /// Messages that take back what was told of the tree.
    private mutating func emptied() -> [MQTTMessage] {
        (gx.map { [$0.clearing] } ?? []) + packs.flatMap(\.gxFarewell) + banks.flatMap(\.gxFarewell)
    }
}

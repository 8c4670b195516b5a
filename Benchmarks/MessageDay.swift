import MQTT
import BMSCore
import SmartBMS
import BatteryEngine
import MQTTBridge
import PackSimulator
import Rehearsal

/// Messages of a simulated day of a 16-cell pack with each economy, by topic, and the largest gap between two documents for a GX. A client
/// keeps the GX tree awake all day, as victron-mqtt does.
enum MessageDay {
    private struct Count {
        var messages = 0
        var bytes = 0
    }

    static func run() {
        for economy in Economy.allCases { run(economy) }
    }

    private static func run(_ economy: Economy) {
        var options = BridgeOptions()
        options.economy = economy
        options.stateInterval = economy.statePace
        options.stateHeartbeat = economy.stateHeartbeat
        options.limitsInterval = economy.limitsHeartbeat
        let portal = "02a1b2c3d4e5"
        options.gxTree = GXTreeOptions(portalID: portal, owner: "bench")
        var pack = Rehearsal(options, PackOptions(id: "garage"), .day)
        var counts: [String: Count] = [:]
        var feedSeconds: Set<Int64> = []
        var lastFeed: Int64?
        var gap: Int64 = 0
        func take(_ outbox: Outbox) {
            for message in outbox.messages {
                let isTree = message.topic.hasPrefix("N/")
                let name = isTree ? "GX tree" : message.topic.split(separator: "/").last.map(String.init) ?? ""
                counts[name, default: Count()].messages += 1
                counts[name, default: Count()].bytes += message.topic.utf8.count + message.payload.count
                guard message.topic == "bms/garage/gx" else { continue }
                let wall = pack.now.wall
                precondition(feedSeconds.insert(wall / 1000).inserted, "two documents in one second")
                gap = max(gap, wall - (lastFeed ?? wall))
                lastFeed = wall
            }
        }
        take(pack.bridge.connected(canExpire: true, at: pack.now))
        for second in 1...86_400 {
            take(pack.step())
            guard second % 30 == 1 else { continue }
            // The client asks for everything every three minutes, and only keeps the tree awake in between, as victron-mqtt does.
            let payload = second % 180 == 1 ? "" : #"{"keepalive-options":["suppress-republish"]}"#
            take(
                pack.bridge.receive(MQTTMessage("R/\(portal)/keepalive", Array(payload.utf8)), at: pack.now))
        }
        var all = Count()
        for (name, count) in counts.sorted(by: { $0.value.bytes > $1.value.bytes }) {
            report("\(economy), \(name)", count)
            all.messages += count.messages
            all.bytes += count.bytes
        }
        report("\(economy), all", all)
        print("| \(economy), largest gap between two documents for a GX | \(gap) ms, \(feedSeconds.count) in the day |")
    }

    private static func report(_ name: String, _ count: Count) {
        let rate = count.messages * 100 / 86_400
        print(
            "| `\(name)` | \(count.bytes / 24 / 1000) kB an hour, \(rate / 100).\(rate % 100 < 10 ? "0" : "")\(rate % 100) messages a second |"
        )
    }
}

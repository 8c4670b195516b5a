import LinuxIO
import BatteryEngine
import MQTTBridge
import Mosquitto
import SerialLink
import ServiceIO

extension RunningService {
    /// The threads on the way of the data, with their names in the log. Each of them steps the bridge, so one that hangs in the bridge
    /// holds up the others.
    static func chain(
        _ link: MosquittoLink, _ sources: SourceLoop, _ guards: [(RelayGuard, MosquittoLink)], clock: Heartbeat
    ) -> [DataWatchdog.Link] {
        [
            DataWatchdog.Link(name: "the clock's thread", heartbeat: clock),
            DataWatchdog.Link(name: "the reader's thread", heartbeat: sources.heartbeat),
            DataWatchdog.Link(name: "the broker's thread", heartbeat: link.heartbeat),
        ]
            + guards.map { relayGuard, link in
                DataWatchdog.Link(
                    name: "the thread of relay \(relayGuard.relay) of pack \(relayGuard.packID)",
                    heartbeat: link.heartbeat)
            }
    }
}

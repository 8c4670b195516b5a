import BMSCore
import SmartBMS
import JSON
import Viewer
import ServiceIO

/// The settings of a pack that the broker retains, with a verdict on them: the broker keeps them after the bridge has died, and after
/// the pack has left the configuration.
struct RetainedSettings: Sendable {
    /// The verdict on the settings; without a fault they are in force.
    struct Verdict: Hashable, Sendable {
        var fault: String?
    }

    let base: String
    let pack: String
    private(set) var document: JSONValue?
    private var bridge: ReaderModel.Status?
    private var status: ReaderModel.Status?

    init(base: String, pack: String) {
        self.base = base
        self.pack = pack
    }

    mutating func take(_ topic: String, _ payload: [UInt8], isRetained: Bool, wall: Int64) {
        let word = ReaderModel.Status(
            text: String(decoding: payload.prefix(32), as: UTF8.self).plain, since: wall, isRetained: isRetained)
        switch topic {
        case "\(base)/bridge/status": bridge = word
        case "\(base)/\(pack)/status": status = word
        case "\(base)/\(pack)/settings": document = JSONValue(parsing: payload)
        default: break
        }
    }

    /// The verdict by the status of bridge and pack; `nil` until the status that decides has come.
    var verdict: Verdict? {
        guard let bridge else { return nil }
        if bridge.text != "online" {
            return Verdict(
                fault: "bridge \(bridge.sinceWhen(Clock.timeOfDay)): the settings of '\(pack)' are not in force")
        }
        guard let status else { return nil }
        if status.text != "online" {
            return Verdict(
                fault:
                    "pack '\(pack)' \(status.sinceWhen(Clock.timeOfDay)): no data from its BMS, or it is no longer in the bridge's configuration"
            )
        }
        return Verdict()
    }
}

import BMSCore
import SmartBMS
import JSON

/// The settings that a broker holds of a pack, and whether somebody keeps to them: they outlive a bridge that died, and a pack that left
/// its file.
struct RetainedSettings: Sendable {
    /// How they stand; no fault where they are in force.
    struct Verdict: Hashable, Sendable {
        var fault: String?
    }

    let base: String
    let pack: String
    private(set) var document: JSONValue?
    private var bridge: MonitorModel.Status?
    private var status: MonitorModel.Status?

    init(base: String, pack: String) {
        self.base = base
        self.pack = pack
    }

    mutating func take(_ topic: String, _ payload: [UInt8], isRetained: Bool, wall: Int64) {
        let word = MonitorModel.Status(
            text: String(decoding: payload.prefix(32), as: UTF8.self).plain, since: wall, isRetained: isRetained)
        switch topic {
        case "\(base)/bridge/status": bridge = word
        case "\(base)/\(pack)/status": status = word
        case "\(base)/\(pack)/settings": document = JSONValue(parsing: payload)
        default: break
        }
    }

    /// `nil` until both have spoken.
    var verdict: Verdict? {
        guard let bridge else { return nil }
        if bridge.text != "online" {
            return Verdict(fault: "bridge \(bridge.sinceWhen): nobody keeps to the settings of '\(pack)'")
        }
        guard let status else { return nil }
        if status.text != "online" {
            return Verdict(
                fault:
                    "pack '\(pack)' \(status.sinceWhen): no data from its BMS, or it is no longer in the bridge's file")
        }
        return Verdict()
    }
}

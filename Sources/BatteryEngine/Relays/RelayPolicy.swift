import BMSCore
import ChargeLimits

/// Wanted position of a relay at one moment.
enum RelayDemand: Hashable {
    /// Open, for this reason.
    case open(String)
    /// Closed, as soon as the time and the frames for it have come.
    case close(String)
    /// The position of before.
    case stay(String)
    /// Nobody can know yet: open, after some patience.
    case unknown(String)
}

/// Decides the wanted position of a relay: closed only if the BMS permits it, data is fresh, and nobody said off.
enum RelayPolicy {
    /// - Parameters:
    ///   - isGuarded: the broker would open the relay if this program died now, or need not.
    ///   - command: the override that somebody set, if any.
    static func demand(
        _ relay: RelayOptions, _ command: StoredSetting?, isGuarded: Bool, _ report: BatteryReport
    ) -> RelayDemand {
        if command?.value == .word("off") { return .open("switched off by command\(at(command))") }
        if relay.function == .manual, command?.value != .word("on") { return .open("not switched on") }
        guard isGuarded else {
            return .open("the connection that would open it if the bridge died is not up")
        }
        // Also where no frame was taken yet, or for a while: the "no" of a refused frame counts.
        if !report.freshness.isLive, let refusal = report.pack.flatMap({ refusal(relay, $0.snapshot) }) {
            return .open(refusal)
        }
        guard let limits = report.limits else { return .unknown("no good frame from the BMS yet") }
        guard report.freshness.isLive else {
            let text = "no good frame for \(report.battery.freshness.stale / 1000) s"
            return relay.whenStale == .hold && report.freshness == .stale ? .stay("held, \(text)") : .open(text)
        }
        switch relay.function {
        case .chargeAllowed: return charging(limits, report)
        case .dischargeAllowed: return discharging(limits, report)
        case .fault:
            let rows = AlarmTable.rows.filter { $0.alarm != .relay && $0.level(report) == .alarm }
            // Its own disobedience must not make it switch to and fro.
            let others = report.relays.filter { $0.isAlarm && $0.options != relay }
            let alarms = rows.map(\.title) + others.map { "relay \($0.options.name)" }
            return alarms.isEmpty ? .close("no alarm") : .open(alarms.joined(separator: ", "))
        case .full:
            return limits.state == .full || limits.state == .float ? .close("the pack is full") : .open("not full")
        case .manual: return manual(relay, command, limits, report)
        }
    }

    private static func manual(
        _ relay: RelayOptions, _ command: StoredSetting?, _ limits: Limits, _ report: BatteryReport
    ) -> RelayDemand {
        let needed: RelayDemand? =
            switch relay.need {
            case .nothing: nil
            case .charging: charging(limits, report)
            case .discharging: discharging(limits, report)
            }
        if case .open(let reason)? = needed { return .open(reason) }
        return .close("switched on by command\(at(command))")
    }

    private static func charging(_ limits: Limits, _ report: BatteryReport) -> RelayDemand {
        if limits.value(.ccl) == 0 { return .open("no charging: \(limits.reason(.ccl))") }
        return report.status.chargeAllowed
            ? .close("charging is permitted") : .open("the BMS does not permit charging")
    }

    private static func discharging(_ limits: Limits, _ report: BatteryReport) -> RelayDemand {
        if limits.value(.dcl) == 0 { return .open("no discharging: \(limits.reason(.dcl))") }
        return report.status.dischargeAllowed
            ? .close("discharging is permitted") : .open("the BMS does not permit discharging")
    }

    /// The BMS forbids what the relay does, by the newest frames, whether they were taken or not.
    private static func refusal(_ relay: RelayOptions, _ snapshot: PackSnapshot) -> String? {
        let isCharging = relay.function == .chargeAllowed || relay.function == .manual && relay.need == .charging
        let isDischarging =
            relay.function == .dischargeAllowed || relay.function == .manual && relay.need == .discharging
        let forbidden = snapshot.carefulStatus
        if isCharging, !forbidden.isDisjoint(with: [.chargeAllowed, .noCellCommunication]) {
            return "the BMS does not permit charging"
        }
        if isDischarging, !forbidden.isDisjoint(with: [.dischargeAllowed, .noCellCommunication]) {
            return "the BMS does not permit discharging"
        }
        return relay.function == .fault && !snapshot.alarms.isEmpty ? "the BMS reports a fault" : nil
    }

    private static func at(_ command: StoredSetting?) -> String {
        LimitCommands.SwitchedOff(minuteOfDay: command?.minuteOfDay).when
    }
}

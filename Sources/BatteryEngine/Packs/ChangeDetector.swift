import BMSCore
import ChargeLimits

/// Detects changes of a battery that are events: alarms, permissions, the charge state, the link.
struct ChangeDetector: Sendable {
    private var link = LinkLossDetector()
    private var last: State?

    private struct State {
        var alarms: [AlarmLevel?]
        var permissions: StatusFlags
        var charge: ChargeState?
    }

    /// Returns the events that lie between the last report and this one.
    mutating func step(_ report: BatteryReport) -> [BatteryEvent] {
        var events = link.step(report).map { [$0] } ?? []
        let state = State(
            alarms: AlarmTable.rows.map { $0.level(report) }, permissions: report.flags ?? [],
            charge: report.limits?.state)
        defer { last = state }
        for (index, row) in AlarmTable.rows.enumerated() {
            // An unknown level is no event, and at the start nothing was wrong.
            guard let level = state.alarms[index] else { continue }
            let before = last?.alarms[index] ?? AlarmLevel.none
            guard level != before else { continue }
            let text = "\(row.title): \(level == .none ? "cleared" : level == .warning ? "warning" : "alarm")"
            events.append(
                BatteryEvent(
                    "alarm", row.isLogged ? (level == .alarm ? .warning : .info) : nil, text, isFleeting: true))
        }
        guard let last else { return events }
        if let new = state.charge, let old = last.charge, new != old {
            events.append(
                BatteryEvent(
                    "chargeState", nil, "charge state \(old.rawValue) -> \(new.rawValue)", isFleeting: true))
        }
        if report.limits != nil, let event = Self.permissions(last.permissions, state.permissions) {
            events.append(event)
        }
        return events
    }

    private static func permissions(_ old: StatusFlags, _ new: StatusFlags) -> BatteryEvent? {
        let words = [(StatusFlags.chargeAllowed, "charging"), (.dischargeAllowed, "discharging")]
            .filter { old.contains($0.0) != new.contains($0.0) }
            .map { "\($0.1) \(new.contains($0.0) ? "permitted" : "not permitted")" }
        return words.isEmpty ? nil : BatteryEvent("permission", nil, words.joined(separator: ", "), isFleeting: true)
    }
}

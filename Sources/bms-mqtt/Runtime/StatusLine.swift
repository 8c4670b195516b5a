import BMSCore
import ChargeLimits
import BatteryEngine
import MQTTBridge

/// One line about the state of the bridge for `systemctl status`, like "16 cells, 53.20 V, DCL 90 A, CCL 80 A: cell 7 near cap".
enum StatusLine {
    private static let longest = 240
    /// Largest number of packs without data that are named.
    private static let named = 3

    static func text(_ packs: [PackSummary], isConnected: Bool) -> String {
        var line = packs.count == 1 ? packs.first.map(one) ?? "" : several(packs)
        if !isConnected { line = "no broker; " + line }
        return String(line.prefix(longest))
    }

    private static func one(_ pack: PackSummary) -> String {
        guard let limits = pack.limits else { return "no good frame from the BMS yet" }
        let ccl = "CCL \(amperes(limits.ccl))"
        let dcl = "DCL \(amperes(limits.dcl))"
        // The reason is that of the last limit: of CCL, unless only discharging is forbidden.
        let isDischargeForbidden = limits.dcl == .zero && limits.ccl != .zero
        let words = [
            pack.cellCount.map { "\($0) cells" }, pack.voltage.map { volts($0) } ?? "no fresh measurement",
            isDischargeForbidden ? ccl : dcl, isDischargeForbidden ? dcl : ccl,
        ].compactMap { $0 }
        return "\(words.joined(separator: ", ")): \(limits.reason(isDischargeForbidden ? .dcl : .ccl))"
    }

    private static func several(_ packs: [PackSummary]) -> String {
        let silent = packs.filter { !$0.isLive }.map(\.id)
        let stopped = packs.filter { $0.isLive && $0.limits?.ccl == .zero }.count
        var line = "\(packs.count) packs, \(packs.count - silent.count) with fresh data"
        if stopped > 0 { line += ", \(stopped) of them with CCL 0 A" }
        if !silent.isEmpty {
            let more = silent.count > named ? " and \(silent.count - named) more" : ""
            line += "; none from \(silent.prefix(named).joined(separator: ", "))\(more)"
        }
        return line
    }

    static func amperes(_ current: Milliamperes) -> String {
        "\(FixedPoint.text(thousandths: current.rawValue, decimals: current.rawValue.isMultiple(of: 1000) ? 0 : 1)) A"
    }

    static func volts(_ voltage: Millivolts) -> String {
        "\(FixedPoint.text(thousandths: voltage.rawValue, decimals: 2)) V"
    }
}

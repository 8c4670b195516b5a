public import BatteryEngine
import BMSCore
import ChargeLimits

/// A way of telling a battery's limits to an inverter over CAN, 500 kbit/s, 11-bit identifiers, one set of frames a second.
public enum CANProtocol: String, CaseIterable, Sendable {
    /// Victron's CAN-bms, which GX devices take.
    case victron
    /// Pylontech's low-voltage protocol.
    case pylontech

    private static let table: [CANProtocol: [CANRow]] = [.victron: VictronTable.rows, .pylontech: PylontechTable.rows]
    private var rows: [CANRow] { Self.table[self] ?? [] }
    /// The frame whose content never changes, in both protocols: the name of the manufacturer.
    static let constantID: UInt16 = 0x35E
    /// The frame with the limits, in both protocols.
    static let limitsID = CANRow.limits.id
    /// Identifiers of its frames.
    var ids: [UInt16] { rows.map(\.id) }
    /// Identifiers that a sender listens to: those by which inverters show that they are there, and its own, which nobody else may send.
    public var heardIDs: [UInt16] { KeepAlive.ids + ids }

    /// The frames of a report, limits first; none unless it may speak, see ``maySpeak(_:)``.
    public func frames(_ report: BatteryReport) -> [CANFrame] {
        maySpeak(report) ? rows.compactMap { $0.frame(report) } : []
    }

    /// Returns `false` where silence is the only safe answer: no limits are known, the link is lost, or CVL would be 0, which an inverter
    /// takes for an over-voltage.
    func maySpeak(_ report: BatteryReport) -> Bool {
        report.freshness <= .stale && report.lastReadings != nil && report.tenths(.cvl).map { $0 > 0 } ?? false
    }

    /// A frame in words: "limits: CVL 58.4 V, CCL 128.0 A, DCL 128.0 A, lowest 43.0 V".
    ///
    /// - Returns: `nil` where the protocol has no such frame, or it is too short.
    public func text(_ frame: CANFrame) -> String? {
        if KeepAlive.ids.contains(frame.id) { return "keep-alive of an inverter" }
        guard let row = rows.first(where: { $0.id == frame.id }), let text = row.text(frame) else { return nil }
        return "\(row.title): \(text.isEmpty ? "nothing" : text)"
    }
}

/// Frames by which inverters show that they are there.
enum KeepAlive {
    /// Sources: a capture of Venus OS 3.00 (305, 306, 307); Pylontech inverters send 305.
    static let ids: ClosedRange<UInt16> = 0x305...0x307
}

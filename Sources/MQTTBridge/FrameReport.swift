import BatteryEngine
public import BMSCore
import JSON
public import SmartBMS

/// One frame of a recording by the paths of the catalogue.
public enum FrameReport {
    private static let pack = PackOptions(id: "frame")

    private static let rows: [Metric] =
        MetricCatalogue.electrical + MetricCatalogue.charge + MetricCatalogue.energy + MetricCatalogue.system
        + AlarmTable.rows.filter { $0.alarm != .relay }.map(MetricCatalogue.alarm) + [MetricCatalogue.anyAlarm]
        + MetricCatalogue.inputsOutputs + [MetricCatalogue.chargeCycles, MetricCatalogue.firmware]

    /// One JSON object, without a line break.
    public static func json(_ finding: FrameInspector.Finding, at now: Timestamp) -> [UInt8] {
        var history = HistoryFigures()
        if let measured = finding.snapshot.measurements { history.totals.note(measured) }
        let report = BatteryReport(
            Shared(pack.identity), PackFigures(Shared(pack), finding.snapshot), freshness: .fresh, history: history,
            at: now)
        var writer = JSONWriter(reserving: 2048)
        writer.beginObject()
        for metric in rows { writer.member(metric.path, metric.value(report)) }
        if let cell = finding.slotCell {
            for row in CellTable.rows { writer.member(row.path(cell), row.value(report, cell)) }
        }
        writer.endObject()
        return writer.bytes
    }
}

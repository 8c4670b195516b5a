public import BMSCore
import JSON
public import SmartBMS

/// One frame of a recording by the paths of the catalogue.
public enum FrameReport {
    private static let pack = Shared(PackOptions(id: "frame"))

    private static let rows: [Metric] =
        MetricCatalogue.electrical + MetricCatalogue.charge + MetricCatalogue.energy + MetricCatalogue.system
        + MetricCatalogue.alarms.filter { $0.path != "/Alarms/Relay" } + MetricCatalogue.inputsOutputs
        + MetricCatalogue.state.filter { ["/History/ChargeCycles", "/FirmwareVersion"].contains($0.path) }

    /// One JSON object, without a line break.
    public static func json(_ finding: FrameInspector.Finding, at now: Timestamp) -> [UInt8] {
        var totals = EnergyTotals()
        if let measured = finding.snapshot.measurements { totals.note(measured) }
        let view = PackView(pack, finding.snapshot, .fresh, totals: totals, at: now)
        var writer = JSONWriter(reserving: 2048)
        writer.beginObject()
        for metric in rows { writer.member(metric.path, metric.value(view)) }
        if let cell = finding.slotCell {
            for row in CellTable.rows { writer.member(row.path(cell), row.value(view, cell)) }
        }
        writer.endObject()
        return writer.bytes
    }
}

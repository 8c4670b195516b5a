public import BMSCore

/// What one frame says, by the paths of the catalogue: for looking at recordings. Nothing is voted or confirmed here;
/// what a pack's tracker would believe is another matter.
public struct FrameReport: Sendable {
    private var keys = PackTracker()
    private let pack: Shared<PackOptions>

    /// A report that has seen no key-values yet.
    public init(temperatureScale: TemperatureScale = .measured) {
        var options = PackOptions(id: "frame")
        options.tracker.temperatureScale = temperatureScale
        keys = PackTracker(options.tracker)
        pack = Shared(options)
    }

    /// One JSON object, without a line break. Key-values appear once a whole cycle of them has passed.
    public mutating func json(_ frame: Frame, at now: Timestamp) -> [UInt8] {
        keys.take(frame, at: now)
        var snapshot = PackSnapshot()
        snapshot.frame = frame
        snapshot.measuredAt = now
        snapshot.linkAt = now
        snapshot.permissions = frame.status.intersection(.permissions)
        snapshot.alarms = frame.status.intersection(.alarms)
        snapshot.settings = frame.settings
        snapshot.keys = keys.snapshot.keys
        snapshot.cellSettings = keys.snapshot.cellSettings
        snapshot.chemistry = Chemistry(
            balance: frame.balanceVoltage, minimum: frame.minimumVoltage, maximum: frame.maximumVoltage,
            full: snapshot.cellSettings.full)
        snapshot.temperatureScale = pack.value.tracker.temperatureScale
        let hasSlot = (1...max(1, frame.cellCount)).contains(frame.slotCell)
        if hasSlot {
            snapshot.cells = [CellReading?](repeating: nil, count: frame.cellCount)
            snapshot.cells[frame.slotCell - 1] = CellReading(
                voltage: frame.slotVoltage, temperature: frame.slotTemperature, time: now)
        }
        var totals = EnergyTotals()
        totals.note(frame)
        let view = PackView(pack, snapshot, .fresh, totals: totals, at: now)
        var writer = JSONWriter(reserving: 2048)
        writer.beginObject()
        for metric in Self.rows { writer.member(metric.path, metric.value(view)) }
        if hasSlot {
            for row in CellTable.rows { writer.member(row.path(frame.slotCell), row.value(view, frame.slotCell)) }
        }
        writer.endObject()
        return writer.bytes
    }

    private static let rows: [Metric] =
        MetricCatalogue.electrical + MetricCatalogue.charge + MetricCatalogue.energy + MetricCatalogue.system
        + MetricCatalogue.alarms.filter { $0.path != "/Alarms/Relay" } + MetricCatalogue.inputsOutputs
        + MetricCatalogue.state.filter { ["/History/ChargeCycles", "/FirmwareVersion"].contains($0.path) }
}

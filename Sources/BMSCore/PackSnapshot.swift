/// The newest reading of one cell.
public struct CellReading: Hashable, Sendable {
    /// Voltage, 5 mV steps.
    public var voltage: Millivolts
    /// Temperature of the cell's board.
    public var temperature: Millidegrees
    /// When it was read.
    public var time: Timestamp

    /// Creates a reading.
    public init(voltage: Millivolts, temperature: Millidegrees, time: Timestamp) {
        self.voltage = voltage
        self.temperature = temperature
        self.time = time
    }
}

/// Settings of a cell that only keys tell.
public struct CellSettings: Hashable, Sendable {
    /// V-low: early warning before Vmin.
    public var low: Millivolts?
    /// Nominal voltage.
    public var nominal: Millivolts?
    /// V-full: a cell counts as full.
    public var full: Millivolts?

    /// Nothing known.
    public init() {}

    /// Takes what keys say; what they do not say stays.
    public mutating func note(_ keys: KeyValues) {
        low = keys.lowVoltage ?? low
        nominal = keys.nominalVoltage ?? nominal
        full = keys.fullVoltage ?? full
    }
}

/// Knowledge of a pack: the newest believed measurements, voted status, cells and rare values with their ages.
public struct PackSnapshot: Hashable, Sendable {
    /// The newest believed measurements; `nil` before the first.
    public var measurements: Measurements?
    /// Frames believed so far: two may come within a millisecond.
    public var framesMeasured = 0
    /// When the newest came.
    public var measuredAt: Timestamp?
    /// When the last good frame came, with or without measurements; `nil` before the first.
    public var linkAt: Timestamp?
    /// When the last frame came whose signs and sum are right, whether it was taken or refused; `nil` before the first.
    public var heardAt: Timestamp?
    /// The check that refused the newest of these frames; `nil` where it was taken.
    public var refusal: Rejection?
    /// Charge and discharge permission: lost at once, also by a refused frame; gained after two of three that count.
    public var permissions: StatusFlags = []
    /// Alarms, after two of three; refused frames raise them as well and clear none.
    public var alarms: StatusFlags = []
    /// Status byte of the newest good frame, unvoted, lowered by the refused ones since: for what must act at once.
    public var newestStatus: StatusFlags = []
    /// Bits that the newest good frame or a refused one since said at their careful value; empty before any frame.
    public var carefulStatus: StatusFlags = []
    /// Bits that are held at their careful value because they flickered: permissions are taken away, alarms stand.
    public var heldStatus: StatusFlags = []
    /// Confirmed settings; `nil` before the first believed frame.
    public var settings: PackSettings?
    /// Readings by cell, index 0 = cell 1; `nil` for a cell not seen yet.
    public var cells: [CellReading?] = []
    /// Key-values as of the last frame.
    public var keys = KeyValues()
    /// Voltages of the keys as they were sent last: keys come and go with a bad cable, settings stay.
    public var cellSettings = CellSettings()
    /// Chemistry by configuration, else inferred; `nil` where the thresholds fit none.
    public var chemistry: Chemistry?
    /// When bytes last came that are part of no frame; `nil`: never. The half frame after the opening of a source is no damage, nor is a
    /// frame whose sum is right and whose content is refused.
    public var damagedAt: Timestamp?
    /// Receiver's counters.
    public var counters = LinkCounters()

    /// Nothing known.
    public init() {}

    /// The BMS permits charging.
    public var chargeAllowed: Bool { permissions.contains(.chargeAllowed) }
    /// The BMS permits discharging.
    public var dischargeAllowed: Bool { permissions.contains(.dischargeAllowed) }
    /// The newest frame, or two of the last three, miss the cell boards.
    public var hasCellCommunicationFault: Bool {
        alarms.union(newestStatus).contains(.noCellCommunication)
    }

    /// Milliseconds since the last good frame.
    public func age(at now: Timestamp) -> Int64? { linkAt.map { max(0, now - $0) } }

    /// The reading of a cell (from 1) unless it is older than three turns of the slot, at one frame a second.
    public func reading(ofCell number: Int, at now: Timestamp) -> CellReading? {
        guard cells.indices.contains(number - 1), let reading = cells[number - 1] else { return nil }
        let maximumAge = max(10_000, 3 * Int64(cells.count) * 1000)
        return now - reading.time <= maximumAge ? reading : nil
    }
}

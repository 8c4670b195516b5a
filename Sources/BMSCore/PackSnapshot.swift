/// The newest reading of one cell.
public struct CellReading: Hashable, Sendable {
    /// Voltage, 5 mV steps.
    public var voltage: Millivolts
    /// Temperature of the cell's board.
    public var temperature: Millidegrees
    /// Time of the reading.
    public var time: Timestamp

    /// Creates a reading.
    public init(voltage: Millivolts, temperature: Millidegrees, time: Timestamp) {
        self.voltage = voltage
        self.temperature = temperature
        self.time = time
    }
}

/// Settings of a cell that only keys carry.
public struct CellSettings: Hashable, Sendable {
    /// V-low: early warning before Vmin.
    public var low: Millivolts?
    /// Nominal voltage.
    public var nominal: Millivolts?
    /// V-full: the voltage at which a cell counts as full.
    public var full: Millivolts?

    /// Creates settings of which none is known.
    public init() {}

    /// Takes the values that keys carry; the others stay.
    public mutating func note(_ keys: KeyValues) {
        low = keys.lowVoltage ?? low
        nominal = keys.nominalVoltage ?? nominal
        full = keys.fullVoltage ?? full
    }
}

/// Everything known of a pack: the newest believed measurements, voted status, cells and rare values with their ages.
public struct PackSnapshot: Hashable, Sendable {
    /// The newest believed measurements; `nil` before the first.
    public var measurements: Measurements?
    /// Frames believed so far: two may come within a millisecond.
    public var framesMeasured = 0
    /// Time of the newest measurements.
    public var measuredAt: Timestamp?
    /// Time of the last good frame, with or without measurements; `nil` before the first.
    public var linkAt: Timestamp?
    /// Time of the last frame whose signs and sum are right, whether the frame was taken or refused; `nil` before the first.
    public var heardAt: Timestamp?
    /// The check that refused the newest frame; `nil` where that frame was taken.
    public var refusal: Rejection?
    /// Charge and discharge permission: lost at once, also by a refused frame; gained after two of the last three frames that count.
    public var permissions: StatusFlags = []
    /// Alarms: raised after two of the last three frames. Refused frames raise alarms as well and clear none.
    public var alarms: StatusFlags = []
    /// Status byte of the newest good frame, without a vote, lowered by the refused frames since: for actions that cannot wait.
    public var newestStatus: StatusFlags = []
    /// Bits that were at their careful value in the newest good frame or in a refused one since; empty before any frame.
    public var carefulStatus: StatusFlags = []
    /// Bits that are held at their careful value because they flickered: permissions are taken away, alarms are set.
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
    /// Time of the last bytes that belong to no frame; `nil` where there were none. The half frame after the opening of a source is not
    /// damage, nor is a frame whose sum is right and whose content is refused.
    public var damagedAt: Timestamp?
    /// Receiver's counters.
    public var counters = LinkCounters()

    /// Creates a snapshot in which nothing is known.
    public init() {}

    /// Milliseconds since the last good frame.
    public func age(at now: Timestamp) -> Int64? { linkAt.map { max(0, now - $0) } }

    /// The reading of a cell (from 1) unless it is older than 10 s and than three rounds through all cells at one frame a second.
    public func reading(ofCell number: Int, at now: Timestamp) -> CellReading? {
        guard cells.indices.contains(number - 1), let reading = cells[number - 1] else { return nil }
        let maximumAge = max(10_000, 3 * Int64(cells.count) * 1000)
        return now - reading.time <= maximumAge ? reading : nil
    }
}

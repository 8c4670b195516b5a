/// The reason why bytes, or a frame, were not taken. Each reason has one counter and one remedy.
public enum Rejection: String, CaseIterable, Hashable, Sendable {
    // Shape: the checks that make 58 bytes a frame. They always apply.

    /// One of the three sign bytes is not `+`, `-` or `X` where a frame was due.
    case signs
    /// The sum byte does not fit.
    case sum
    /// The cell count is 0, or not the one that the configuration expects.
    case cellCount
    /// The number of a lowest, highest, coldest or warmest cell is 0 or above the count.
    case cellNumber
    /// State of charge above 100 %.
    case soc
    /// Lowest cell above highest cell.
    case voltageOrder
    /// Coldest cell above warmest cell.
    case temperatureOrder

    // Plausibility: the bounds of what a battery can be. Each check but that of the thresholds has a configuration key that loosens it.

    /// A current beyond any sensor.
    case current
    /// A cell voltage outside the range of cells.
    case cellVoltage
    /// Vmin or Vmax outside the range of cells, or Vmin not below Vmax. Both are set in the vendor's app; nothing loosens this check.
    case thresholds
    /// A temperature outside the range of the boards.
    case temperature
    /// The pack voltage does not fit the number of cells between lowest and highest.
    case packVoltage

    // History: a frame that does not follow from the frame before. A repetition confirms it.

    /// A voltage, a temperature, a current, the state of charge or the stored energy moved further than a second allows.
    case jump
    /// A setting (cell count, thresholds, capacity) differs and is not confirmed yet.
    case settings
    /// The sender repeats one frame, byte for byte, for longer than a living BMS can.
    case stuck
    /// The time of the measurement is unknown: the frame took long to arrive, or came in a burst, or after a gap.
    case heldBack

    /// Finding of the check, for people.
    public var meaning: String {
        switch self {
        case .signs: "sign bytes missing where a frame was due"
        case .sum: "wrong sum"
        case .cellCount: "cell count 0 or unexpected"
        case .cellNumber: "cell number outside the pack"
        case .soc: "state of charge above 100 %"
        case .voltageOrder: "lowest cell voltage above the highest"
        case .temperatureOrder: "lowest temperature above the highest"
        case .current: "current beyond any sensor"
        case .cellVoltage: "cell voltage outside the range of cells"
        case .thresholds: "Vmin or Vmax impossible"
        case .temperature: "temperature outside the range of the cell boards"
        case .packVoltage: "pack voltage does not fit the cells"
        case .jump: "jump not confirmed by a second frame"
        case .settings: "changed settings not confirmed yet"
        case .stuck: "the same bytes for too long"
        case .heldBack: "held back on the way, so of unknown age"
        }
    }

    /// The configuration key under a pack that loosens the check; `nil` where nothing loosens it.
    public var configurationKey: String? {
        switch self {
        case .signs, .sum, .cellNumber, .soc, .voltageOrder, .temperatureOrder, .thresholds, .heldBack: nil
        case .cellCount: "cells"
        case .current: "checks.maximumCurrent"
        case .cellVoltage: "checks.minimumCellVoltage, checks.maximumCellVoltage"
        case .temperature: "checks.lowestTemperature, checks.highestTemperature"
        case .packVoltage: "checks.packVoltageTolerance"
        case .jump:
            "checks.maximumCellJump, checks.minimumCellJump, checks.temperatureJump, checks.socJump, checks.energyJump, "
                + "checks.currentJump"
        case .settings: "checks.settingsConfirmation"
        case .stuck: "checks.stuck"
        }
    }
}

/// Events that the receiver saw since it started. Counters only grow.
public struct LinkCounters: Hashable, Sendable {
    /// Frames that passed every check.
    public var framesAccepted = 0
    /// Frames refused, by reason.
    public private(set) var rejections: [Rejection: Int] = [:]
    /// Bytes that belong to no accepted frame.
    public var bytesDropped = 0
    /// Number of times that the frame boundary was lost and found again.
    public var resyncs = 0

    /// Zero counters.
    public init() {}

    /// Frames refused for any reason.
    public var framesRejected: Int { rejections.values.reduce(0, +) }

    /// Frames refused for one reason.
    public subscript(rejection: Rejection) -> Int { rejections[rejection, default: 0] }

    /// Counts refusals for one reason.
    public mutating func count(_ rejection: Rejection, times: Int = 1) { rejections[rejection, default: 0] += times }
}

public import BMSCore

/// The rules that make a window a frame, and a frame believable. They have no state; ``ChangeConfirmation`` knows the history.
///
/// The sum alone lets 4 to 7 % of joins start with a wrong frame; with the three sign bytes none of 912 000 misaligned
/// windows passed (simulated streams, docs/protocol.md). The rest guards against damage that keeps the sum.
public struct FrameValidator: Hashable, Sendable {
    /// Bounds of what a battery can be.
    public struct Plausibility: Hashable, Sendable {
        /// Largest magnitude of a current: the largest sensor is 2000 A.
        public var maximumCurrent = Milliamperes(2_000_000)
        /// Lowest cell voltage of any chemistry.
        public var minimumCellVoltage = Millivolts(1000)
        /// Highest cell voltage of any chemistry.
        public var maximumCellVoltage = Millivolts(5500)
        /// Range of the boards' sensor, -50 to +89 degC.
        public var temperature = RawTemperature(212)...RawTemperature(375)
        /// Largest distance of the pack voltage from the range that the cells allow, in thousandths of the pack voltage.
        public var packVoltagePermille = 30
        /// Cell count that the configuration expects; `nil` for any.
        public var expectedCells: Int?

        /// Creates the defaults above.
        public init() {}
    }

    /// Checks of plausibility; `nil` for the shape only, as for looking at a recording.
    public var plausibility: Plausibility?

    /// Rules with the given plausibility checks.
    public init(plausibility: Plausibility? = Plausibility()) { self.plausibility = plausibility }

    /// The rules that make 58 bytes a frame, and nothing more.
    public static let shapeOnly = FrameValidator(plausibility: nil)

    /// Checks a window of 58 bytes.
    ///
    /// - Returns: the decoded frame, or the first rule that it breaks. Of a frame without cell communication only
    ///   signs, sum and count are judged: the rest may be junk, and nobody may use it.
    public func check(_ window: Span<UInt8>) -> Result<Frame, RejectedFrame> {
        guard
            CurrentSign.isValid(window[FrameLayout.sign1.offset]),
            CurrentSign.isValid(window[FrameLayout.sign2.offset]),
            CurrentSign.isValid(window[FrameLayout.signSum.offset])
        else { return .failure(RejectedFrame(rejection: .signs)) }
        guard window.frameSum == window[FrameLayout.sum.offset] else { return .failure(RejectedFrame(rejection: .sum)) }
        let frame = FrameDecoder.decode(window)
        if let rejection = shape(frame) ?? plausibility?.violation(frame) {
            return .failure(RejectedFrame(rejection: rejection, frame: frame))
        }
        return .success(frame)
    }

    private func shape(_ frame: Frame) -> Rejection? {
        guard frame.cellCount >= 1 else { return .cellCount }
        if frame.status.contains(.noCellCommunication) { return nil }
        let numbers = 1...frame.cellCount
        guard
            numbers.contains(frame.lowestVoltageCell), numbers.contains(frame.highestVoltageCell),
            numbers.contains(frame.lowestTemperatureCell), numbers.contains(frame.highestTemperatureCell)
        else { return .cellNumber }
        guard frame.soc <= 100 else { return .soc }
        guard frame.lowestVoltage <= frame.highestVoltage else { return .voltageOrder }
        guard frame.lowestTemperature <= frame.highestTemperature else { return .temperatureOrder }
        return nil
    }
}

/// A window that looked like a frame and was refused.
public struct RejectedFrame: Error, Hashable, Sendable {
    /// The first rule that it breaks.
    public var rejection: Rejection
    /// The decoded frame; `nil` where its signs or its sum are wrong.
    public var frame: Frame?

    /// Values that the rule judged, for people; `nil` where there is no frame.
    public var seen: String? {
        guard let frame else { return nil }
        func volts(_ value: Millivolts) -> String { FixedPoint.text(thousandths: value.rawValue, decimals: 3) + " V" }
        let cells = "\(frame.cellCount) cells from \(volts(frame.lowestVoltage)) to \(volts(frame.highestVoltage))"
        return switch rejection {
        case .cellCount, .cellNumber: "\(frame.cellCount) cells"
        case .soc: "\(frame.soc) %"
        case .temperature, .temperatureOrder:
            "raw \(frame.lowestTemperature.count) to \(frame.highestTemperature.count)"
        case .thresholds:
            "Vmin \(volts(frame.minimumVoltage)), Vbalance \(volts(frame.balanceVoltage)), "
                + "Vmax \(volts(frame.maximumVoltage))"
        default: "last seen: \(cells), pack \(volts(frame.packVoltage))"
        }
    }
}

extension FrameValidator.Plausibility {
    /// The first bound that a well-shaped frame breaks; `nil` for a plausible one.
    public func violation(_ frame: Frame) -> Rejection? {
        if let expectedCells, frame.cellCount != expectedCells { return .cellCount }
        if frame.status.contains(.noCellCommunication) { return nil }
        guard isPossible(frame.current1), isPossible(frame.current2), isPossible(frame.current) else { return .current }
        guard frame.lowestVoltage >= minimumCellVoltage, frame.highestVoltage <= maximumCellVoltage else {
            return .cellVoltage
        }
        guard hasSoundThresholds(frame) else { return .thresholds }
        guard temperature.contains(frame.lowestTemperature), temperature.contains(frame.highestTemperature) else {
            return .temperature
        }
        return fitsPack(frame) ? nil : .packVoltage
    }

    private func isPossible(_ current: Milliamperes?) -> Bool { current.map { $0.magnitude <= maximumCurrent } ?? true }

    private func hasSoundThresholds(_ frame: Frame) -> Bool {
        let range = Millivolts(500)...Millivolts(5500)
        // Vbalance is not judged: nobody knows which value is sent with balancing off, and the limits can do without Vbalance.
        return range.contains(frame.minimumVoltage) && range.contains(frame.maximumVoltage)
            && frame.minimumVoltage < frame.maximumVoltage
    }

    /// One cell is at the lowest and one at the highest voltage; the others lie between.
    private func fitsPack(_ frame: Frame) -> Bool {
        let others = frame.cellCount - 1
        let low = frame.lowestVoltage.rawValue
        let high = frame.highestVoltage.rawValue
        let pack = frame.packVoltage.rawValue
        let slack = pack * packVoltagePermille / 1000 + 20
        let least = frame.cellCount == 1 ? low : high + others * low
        let most = frame.cellCount == 1 ? high : low + others * high
        return least <= pack + slack && most >= pack - slack
    }
}

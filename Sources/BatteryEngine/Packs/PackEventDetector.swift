import BMSCore
import ChargeLimits

/// Detects changes of a pack that are reported once: the chemistry that was inferred or contradicts, another number of cells, balancing
/// that was given up, cells that are deeply discharged, a ceiling that cannot be kept, and status bits that are held because they came and
/// went.
struct PackEventDetector: Hashable, Sendable {
    private var chemistry: Chemistry??
    private var cells: Int?
    private var isStalled = false
    private var isContradicted = false
    private var isDeeplyDischarged = false
    private var hasNoCeiling = false
    private var held: StatusFlags = []

    /// - Parameters:
    ///   - isConfigured: the file names the chemistry.
    ///   - latches: those of the limits.
    ///   - hasMaximumSoc: charging is to end at a state of charge.
    mutating func step(
        _ snapshot: PackSnapshot, _ limits: Limits?, isConfigured: Bool, latches: Set<LimitMemory.Latch> = [],
        hasMaximumSoc: Bool = false
    ) -> [BatteryEvent] {
        var events: [BatteryEvent] = []
        let newlyHeld = snapshot.heldStatus.subtracting(held)
        held = snapshot.heldStatus
        if !newlyHeld.isEmpty { events.append(Self.flicker(newlyHeld)) }
        guard let settings = snapshot.settings else { return events }
        if let cells, cells != settings.cellCount {
            let text = "the number of cells changed from \(cells) to \(settings.cellCount), charging waits a minute"
            events.append(BatteryEvent("cellCount", .warning, text))
        }
        cells = settings.cellCount
        if !isConfigured, chemistry != .some(snapshot.chemistry) {
            chemistry = .some(snapshot.chemistry)
            events.append(Self.chemistry(snapshot.chemistry, settings))
        }
        let stalled = limits?.isBalancingStalled ?? false
        if stalled && !isStalled {
            let text = "balancing gained nothing in 24 h of trying and was ended: look at the lowest cell"
            events.append(BatteryEvent("balancing", .warning, text))
        }
        isStalled = stalled
        let contradiction = limits?.bounds.first { $0.name == .chemistry }
        if let contradiction, !isContradicted {
            events.append(BatteryEvent("chemistry", .warning, contradiction.cause.description))
        }
        isContradicted = contradiction != nil
        let deeplyDischarged = latches.contains(.deepDischarge)
        if deeplyDischarged && !isDeeplyDischarged {
            let text =
                "a cell was so deeply discharged that charging it may be dangerous: charging is locked; have the cells looked "
                + "at, then allow one slow charge with allowDeepCharge"
            events.append(BatteryEvent("deepDischarge", .warning, text))
        }
        isDeeplyDischarged = deeplyDischarged
        let noCeiling = hasMaximumSoc && snapshot.newestStatus.contains(.socUncalibrated)
        if noCeiling && !hasNoCeiling {
            let text =
                "maxSoc does not hold while the BMS's state of charge is not calibrated: charge the pack to full once"
            events.append(BatteryEvent("maximumSoc", .warning, text))
        }
        hasNoCeiling = noCeiling
        return events
    }

    private static func flicker(_ bits: StatusFlags) -> BatteryEvent {
        let names: [(StatusFlags, String)] = [
            (.chargeAllowed, "permission to charge"), (.dischargeAllowed, "permission to discharge"),
            (.noCellCommunication, "communication with the cells"), (.cellTooLow, "a cell too low"),
            (.cellTooHigh, "a cell too high"), (.tooCold, "too cold"), (.tooWarm, "too warm"),
        ]
        let text = names.filter { bits.contains($0.0) }.map(\.1).joined(separator: ", ")
        return BatteryEvent(
            "flicker", .warning,
            "the BMS changed its mind more than five times in ten minutes (\(text)): the careful side holds until "
                + "five minutes have passed without it; look for a loose wire, a bad cable or a threshold that is touched"
        )
    }

    private static func chemistry(_ chemistry: Chemistry?, _ settings: PackSettings) -> BatteryEvent {
        let volts = [settings.minimumVoltage, settings.balanceVoltage].map {
            "\(FixedPoint.text(thousandths: $0.rawValue, decimals: 3)) V"
        }
        let thresholds = "Vmin \(volts[0]) and Vbalance \(volts[1])"
        guard let chemistry else {
            let text = "\(thresholds) fit no chemistry: careful limits; set 'chemistry' for the pack"
            return BatteryEvent("chemistry", .warning, text)
        }
        let text = "chemistry \(chemistry.rawValue.uppercased()), taken from \(thresholds)"
        return BatteryEvent("chemistry", .info, text)
    }
}

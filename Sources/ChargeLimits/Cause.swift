public import BMSCore

/// The reason for the value of a bound: numbers now, a sentence when somebody reads it.
///
/// The causes of a bank are ``BankCause``.
public enum Cause: Hashable, Sendable {
    /// Nothing is known yet.
    case nothingKnown
    /// N x a voltage per cell, with the source of its Vbalance.
    case target(cells: Int, cell: Millivolts, balance: BalanceSource)
    /// The highest voltage of cells of a chemistry, and thresholds that contradict it.
    case chemistryCeiling(Chemistry, cell: Millivolts), contradiction(ThresholdFault)
    /// The configuration's ceilings.
    case chargeCap(Milliamperes), dischargeCap(Milliamperes), voltageCap(Millivolts)
    /// Commands while the bridge runs.
    case commandedCharge(Milliamperes), commandedDischarge(Milliamperes), commandedVoltage(Millivolts)
    case chargeSwitchedOff(LimitCommands.SwitchedOff), dischargeSwitchedOff(LimitCommands.SwitchedOff)
    case commandedFloat(Millivolts)
    /// Rating of the fuse.
    case fuse(Milliamperes)
    /// Share of the current sensor's range, in percent.
    case sensor(percent: Int, range: Milliamperes)
    /// Rating of the cells.
    case rating(Rating)
    /// The BMS has no capacity set.
    case noCapacity(assumed: MilliampereHours)
    /// A cell and its soft cap.
    case leads(CellVoltage, cap: Millivolts)
    case overCap(CellVoltage, cap: Millivolts)
    case atCap(CellVoltage, cap: Millivolts)
    case underCap(CellVoltage, cap: Millivolts)
    /// A cell close to Vmax.
    case hardCut(CellVoltage, maximum: Millivolts, release: Millivolts)
    /// A cell above its hold voltage, and one that has emptied.
    case held(CellVoltage, hold: Millivolts, minimum: Millivolts)
    case empty(CellVoltage, charging: Millivolts, resting: Millivolts)
    /// A cell so far below Vmin that it is charged gently or not at all.
    case lowWhileCharging(CellVoltage, full: Millivolts, isAllowed: Bool)
    case deeplyDischarged(CellVoltage, floor: Millivolts, isLatched: Bool)
    /// State of charge near or at the owner's ceiling, percent.
    case maximumSoc(soc: Int, most: Int, isReached: Bool)
    /// State of charge at or under the owner's reserve, percent.
    case reserve(soc: Int, reserve: Int)
    /// Temperatures.
    case coldest(CellTemperature), warmest(CellTemperature)
    case boardsTooWarm(Millidegrees, maximum: Millidegrees)
    /// The full pack is on its way to the resting voltage, or there; or its balancing has stalled.
    case towardsFloat(Millivolts), float(Millivolts), balancingStalled(Millivolts)
    /// Full and at rest, with a cell above Vbalance.
    case restsAboveBalance(CellVoltage, balance: Millivolts)
    /// A current expressed in volts, above the pack's voltage without current.
    case byVoltage(Milliamperes, rest: Millivolts)
    /// The same is not possible, because the current is not known.
    case noCurrentSensor
    /// Permissions of the BMS.
    case chargeRefused(isEndOfCharge: Bool), chargeAwaited, dischargeRefused, dischargeAwaited
    /// Faults that the BMS reports.
    case cellCommunication, cellTooHigh, cellTooLow, tooCold, tooWarm
    /// A cause in a frame whose measurements a check refused.
    indirect case inRefusedFrame(Cause, Rejection)
    /// The number of cells changed.
    case cellsChanged(from: Int, to: Int)
    /// No good frame.
    case silence(seconds: Int64), clockJumped
    /// A cause of a bank.
    indirect case bank(BankCause)

    /// The source of a Vbalance.
    public enum BalanceSource: Hashable, Sendable {
        /// Vbalance is used as sent.
        case sent
        /// Vbalance was sent too near to or above Vmax.
        case tooHigh(sent: Millivolts)
        /// Vbalance is not above Vmin, as where balancing is switched off.
        case missing(sent: Millivolts)
    }

    /// A cell and its voltage.
    public struct CellVoltage: Hashable, Sendable {
        var cell: Int
        var voltage: Millivolts
    }

    /// A cell and its temperature.
    public struct CellTemperature: Hashable, Sendable {
        var cell: Int
        var temperature: Millidegrees
        /// The reading is better by now, for less than half an hour.
        var isHeld = false
    }

    /// Thousandths of C of a capacity.
    public struct Rating: Hashable, Sendable {
        var permille: Int
        var capacity: MilliampereHours
        var current: Milliamperes
        var chemistry: Chemistry?
    }
}

extension Cause: CustomStringConvertible {
    /// One short sentence with numbers and units.
    public var description: String {
        switch self {
        case .nothingKnown: "nothing is known yet"
        case .target(let cells, let cell, let balance):
            "target of \(cells) x \(cell.inVolts)\(balance.remark)"
        case .chemistryCeiling(let chemistry, let cell):
            "\(chemistry.rawValue.uppercased()) cells take \(cell.inVolts) at most"
        case .contradiction(let fault): fault.sentence
        case .chargeCap(let cap): "configured maximum charge current of \(cap.inAmperes)"
        case .dischargeCap(let cap): "configured maximum discharge current of \(cap.inAmperes)"
        case .voltageCap(let cap): "configured maximum charge voltage of \(cap.inPackVolts)"
        case .commandedCharge(let cap): "maximum charge current of \(cap.inAmperes) by command"
        case .commandedDischarge(let cap): "maximum discharge current of \(cap.inAmperes) by command"
        case .commandedVoltage(let cap): "maximum charge voltage of \(cap.inPackVolts) by command"
        case .chargeSwitchedOff(let since): "charging switched off by command\(since.when)"
        case .dischargeSwitchedOff(let since): "discharging switched off by command\(since.when)"
        case .commandedFloat(let level): "held at rest by command: \(level.inPackVolts)"
        case .fuse(let rating): "fuse of \(rating.inAmperes)"
        case .sensor(let percent, let range): "\(percent) % of the current sensor's range of \(range.inAmperes)"
        case .rating(let rating):
            "\(rating.permille.rate) C of \(rating.capacity.inAmpereHours) for "
                + "\(rating.chemistry?.rawValue.uppercased() ?? "unknown chemistry"): \(rating.current.inAmperes)"
        case .noCapacity(let assumed):
            "no capacity is set in the BMS: \(assumed.inAmpereHours) assumed, set it in the vendor's app"
        case .leads(let cell, let cap): "\(cell) leads the pack: held at \(cap.inVolts)"
        case .overCap(let cell, let cap):
            "\(cell) is \((cell.voltage - cap).rawValue) mV over its soft cap of \(cap.inVolts): charge current falling"
        case .atCap(let cell, let cap): "\(cell) is at its soft cap of \(cap.inVolts)"
        case .underCap(let cell, let cap):
            "\(cell) is below its soft cap of \(cap.inVolts): charge current recovering"
        case .hardCut(let cell, let maximum, let release):
            "\(cell), Vmax is \(maximum.inVolts): no charge until it is down to \(release.inVolts)"
        case .held(let cell, let hold, let minimum):
            "\(cell) is held above \(hold.inVolts) (Vmin \(minimum.inVolts))"
        case .empty(let cell, let charging, let resting):
            "empty: \(cell), released above \(charging.inVolts) while charging or \(resting.inVolts) at rest for 60 s"
        case .lowWhileCharging(let cell, let full, let isAllowed):
            "\(cell): charged gently until it is at \(full.inVolts)" + (isAllowed ? ", as the owner allowed" : "")
        case .deeplyDischarged(let cell, let floor, let isLatched):
            "\(cell) was deeply discharged (below \(floor.inVolts)): charging may harm it"
                + (isLatched ? "; check the cells, then press allowDeepCharge" : "")
        case .maximumSoc(let soc, let most, let isReached):
            "state of charge of \(soc) % against a ceiling of \(most) %"
                + (isReached ? ", released at \(most - 3) %" : "")
        case .inRefusedFrame(let cause, let rejection):
            "\(cause) (in a frame that was refused otherwise: \(rejection.meaning))"
        case .reserve(let soc, let reserve): "state of charge of \(soc) % against a reserve of \(reserve) %"
        case .coldest(let cell): "coldest cell \(cell)"
        case .warmest(let cell): "warmest cell \(cell)"
        case .boardsTooWarm(let coldest, let maximum):
            "no balancing while even the coldest cell is at \(coldest.inDegrees): warm boards would reach Tmax of "
                + maximum.inDegrees
        case .towardsFloat(let goal): "full: easing down to \(goal.inPackVolts)"
        case .byVoltage(let current, let rest):
            current > .zero
                ? "\(current.inAmperes) above the pack's \(rest.inPackVolts), for chargers that ignore CCL"
                : "no charging: held at the pack's own \(rest.inPackVolts)"
        case .noCurrentSensor: "charging.voltageOnly needs a current sensor, and the BMS reports no current"
        case .restsAboveBalance(let cell, let balance):
            "full: \(cell) has to come down to its balancing voltage of \(balance.inVolts)"
        case .float(let level): "full: resting at \(level.inPackVolts)"
        case .balancingStalled(let level):
            "balancing gained nothing in 24 h of trying: resting at \(level.inPackVolts), look at the lowest cell"
        case .chargeRefused(let isEnd):
            "the BMS does not permit charging" + (isEnd ? " (in normal mode a full pack ends it so)" : "")
        case .chargeAwaited: "one frame permits charging, a second must follow"
        case .dischargeRefused: "the BMS does not permit discharging"
        case .dischargeAwaited: "one frame permits discharging, a second must follow"
        case .cellCommunication: "the BMS does not hear its cell boards"
        case .cellTooHigh: "the BMS reports a cell above Vmax"
        case .cellTooLow: "the BMS reports a cell below Vmin"
        case .tooCold: "the BMS reports a cell below Tmin"
        case .tooWarm: "the BMS reports a cell above Tmax"
        case .cellsChanged(let old, let new): "the number of cells changed from \(old) to \(new): starting anew"
        case .silence(let seconds): "no good frame from the BMS for \(seconds) s"
        case .clockJumped: "the clock jumped back: waiting for a new frame from the BMS"
        case .bank(let cause): cause.description
        }
    }
}

extension Cause {
    /// Kind of a missing permission to charge: `true` at the end of a charge, `false` for a refusal; `nil` for any other cause.
    var isEndOfCharge: Bool? {
        switch self {
        case .chargeRefused(let isEndOfCharge): isEndOfCharge
        case .inRefusedFrame(let cause, _): cause.isEndOfCharge
        default: nil
        }
    }
}

extension Cause.CellVoltage: CustomStringConvertible {
    /// "cell 7 at 3.452 V"
    public var description: String { "cell \(cell) at \(voltage.inVolts)" }
}

extension Cause.CellTemperature: CustomStringConvertible {
    /// "7 at 3.4 °C"
    public var description: String {
        "\(cell) at \(temperature.inDegrees)" + (isHeld ? ", the worst of the last half hour" : "")
    }
}

extension Cause.BalanceSource {
    fileprivate var remark: String {
        switch self {
        case .sent: ""
        case .tooHigh(let sent):
            " (the BMS's Vbalance of \(sent.inVolts) is too near to Vmax, so balancing is off: the chemistry's is used)"
        case .missing(let sent):
            " (the BMS's Vbalance of \(sent.inVolts) is not above Vmin: the chemistry's is used)"
        }
    }
}

extension Int {
    /// Thousandths of C with one decimal, two where needed: "0.5", "0.05".
    fileprivate var rate: String { fixed(thousandths: isMultiple(of: 100) ? 1 : 2) }
}

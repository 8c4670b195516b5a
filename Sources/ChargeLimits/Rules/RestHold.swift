import BMSCore

/// Forbids charging by voltage, for chargers that do not listen to CCL: solar chargers of a system that feeds into the grid take no current
/// limit, CVL alone stops them (dvcc.py), and they hold it up to 0.4 V too high.
///
/// CVL is the pack's rest voltage less an offset of 0...35 mV a cell. The rest voltage is the voltage without current: between half of a
/// load's drop and all of it is added back, so that its sag is not taken for rest, nor a charger that exports for a load. The offset grows
/// while current flows in, by 12 % of that current's drop a second, and shrinks likewise while current flows out. The rest voltage follows
/// the pack down; it is never above the rest voltage at which charging was forbidden, and does not rise while current flows in.
///
/// Without a current sensor the offset is 35 mV a cell, more than a charger's error, and the pack's voltage is taken for rest from below: it
/// only falls. Above CVL the pack rests or is charged: the estimate follows it within half a minute, and CVL goes down in front of a charger
/// until nothing flows. At CVL something holds the pack: it follows within ten minutes. Below CVL a load or a night has pulled the pack down:
/// it follows within half an hour. An inverter that exports to hold CVL looks the same as a charger there, and empties the pack as far as DCL
/// lets it.
///
/// mV. Example: 16 cells at rest at 52.64 V, CCL 0 because of cold: CVL 52.64 V; 10 A flow in nevertheless at 1.6 milliohm a cell: CVL
/// falls by 16 x 0.12 x 16 mV = 31 mV a second, until nothing flows at 52.24 V with a charger that holds 0.4 V more.
struct RestHold: LimitRule {
    /// Seconds in which the estimate of the rest voltage follows.
    private static let seconds = 30.0
    private static let mostOffset = 35.0
    /// Without a current sensor: mV within which the pack is at CVL, and seconds in which the estimate follows a pack at CVL, and one below.
    private static let (near, heldSeconds, loadedSeconds) = (100.0, 600.0, 1_800.0)
    /// Share of a current's drop by which the offset moves in a second.
    private static let gain = 0.12
    private static let halfStep = 5.0
    /// Least and largest move of the offset, mV a cell and second.
    private static let leastGrowth = 0.25
    private static let mostShrinkage = mostOffset / 30

    /// Voltage of the pack without current, mV.
    private var rest: Double?
    /// Rest voltage at which charging was forbidden, mV; `nil` while it is not.
    private var ceiling: Double?
    /// Offset, mV a cell.
    private var offset = 0.0
    /// Recalled numbers have not been compared with the pack yet.
    private var isRecalled = false

    mutating func bounds(_ input: LimitInput, after earlier: [Bound]) -> [Bound] {
        let isForbidden = earlier.contains(where: \.stopsCharging)
        if !isForbidden { ceiling = nil }
        if ceiling != nil, !input.hasSensor {
            followBlind(input)
        } else if input.measured.current != nil || !input.hasSensor {
            follow(input)
        }
        guard isForbidden, let rest else {
            offset = 0
            return []
        }
        let most = ceiling ?? rest
        ceiling = most
        if input.hasSensor { move(input) }
        let held = min(rest, most) - (input.hasSensor ? offset : Self.mostOffset) * Double(input.cells)
        // CVL is published in steps of 10 mV, rounded down. Half a step is added, because otherwise an inverter that holds CVL empties the
        // pack slowly.
        let value = max(Double(input.figures.restFloor.rawValue), min(most, held + Self.halfStep))
        return [
            .cvl(Millivolts(Int(value)), .chargeByVoltage, .byVoltage(.zero, rest: Millivolts(Int(value))))
        ]
    }

    private mutating func follow(_ input: LimitInput) {
        let amperes = Double(input.current.rawValue) / 1000
        let pack = Double(input.measured.packVoltage.rawValue)
        let drop = amperes * input.resistance * Double(input.cells)
        // A load pulls the voltage down by between half of the drop and all of it: the rest voltage moves no further than this proves.
        let (least, most) = amperes < 0 ? (pack - drop * 0.5, pack - drop) : (pack - drop, pack - drop)
        confirm(under: most)
        let old = rest ?? least
        var new = old + (min(max(old, least), most) - old) * min(1, input.elapsed / Self.seconds)
        if let ceiling {
            if input.current > .blindSpot { new = min(new, old) }
            new = min(new, ceiling)
        }
        rest = new
    }

    /// Confirms recalled numbers: the pack may have been used meanwhile, or be another one, so its present rest voltage is the most.
    private mutating func confirm(under most: Double) {
        guard isRecalled else { return }
        isRecalled = false
        rest = rest.map { min($0, most) }
        ceiling = ceiling.map { min($0, most) }
    }

    /// Follows a pack that nobody may charge, whose current is not known, on its way down.
    private mutating func followBlind(_ input: LimitInput) {
        let pack = Double(input.measured.packVoltage.rawValue)
        confirm(under: pack)
        let old = rest ?? pack
        let above = pack - Double(input.published?.cvl.rawValue ?? 0)
        let seconds =
            abs(above) <= Self.near ? Self.heldSeconds : above > 0 ? Self.seconds : Self.loadedSeconds
        rest = min(old, old + (pack - old) * min(1, input.elapsed / seconds))
    }

    private mutating func move(_ input: LimitInput) {
        let current = input.current
        guard current.magnitude > .blindSpot else { return }
        let drop = Double(current.magnitude.rawValue) / 1000 * input.resistance * Self.gain
        let change = current > .zero ? max(Self.leastGrowth, drop) : -min(Self.mostShrinkage, drop)
        offset = min(Self.mostOffset, max(0, offset + change * input.elapsed))
    }

    func remember(in memory: inout LimitMemory) {
        memory.recent?.numbers[.rest] = rest
        guard let ceiling else { return }
        memory.recent?.numbers[.restCeiling] = ceiling
        memory.recent?.numbers[.restOffset] = offset
    }

    mutating func recall(_ memory: LimitMemory) {
        rest = memory.recent?.numbers[.rest]
        ceiling = memory.recent?.numbers[.restCeiling]
        offset = memory.recent?.numbers[.restOffset] ?? 0
        isRecalled = true
    }
}

/// Every constraint, and what each of them said last. Where two give the same value the earlier one is named as the reason: a ceiling
/// that never moves before a measurement that happens to permit as much. A new constraint is a row here and one in ``renew(_:_:)``.
struct ConstraintTable: Sendable {
    private var fixed = FixedBounds()
    private var float = Row(FloatVoltage())
    private var highestCell = Row(HighestCell())
    private var hardCellCut = Row(HardCellCut())
    private var hotBoards = Row(HotBoards())
    private var lowestCell = Row(LowestCell())
    private var temperatureWindow = Row(TemperatureWindow())
    private var reserve = Row(StateOfChargeReserve())
    private var statusBits = Row(StatusBits())
    private var cellCountChange = Row(CellCountChange())

    /// Bounds of all constraints, each as of its last step.
    private(set) var bounds: [ConstraintValue] = []
    /// Those of the step before: their room is used again where nobody keeps them.
    private var room: [ConstraintValue] = []

    /// Which constraints look anew.
    enum Part {
        /// A frame with measurements came.
        case all
        /// A frame came whose measurements may be junk.
        case statusOnly
        /// No frame came, and what is measured may mean another thing now.
        case measurementsOnly
    }

    /// Steps the constraints of a part; the others' bounds stay.
    mutating func renew(_ part: Part, _ input: LimitInput) {
        let start = fixed.values.count
        let isMoved = !fixed.isOf(input.figures)
        if isMoved {
            fixed = FixedBounds(input.figures)
            room = fixed.values
        }
        var pass = Pass(part, bounds, from: start, after: fixed, in: &room)
        pass.step(&float, input)
        pass.step(&highestCell, input)
        pass.step(&hardCellCut, input)
        pass.step(&hotBoards, input)
        pass.step(&lowestCell, input)
        pass.step(&temperatureWindow, input)
        pass.step(&reserve, input)
        pass.step(&statusBits, input)
        pass.step(&cellCountChange, input)
        // What the next step writes over must begin with what does not move.
        room = isMoved ? fixed.values : bounds
        bounds = pass.renewed
    }

    /// Where the lowest bound of each limit is, the first of equal ones, among these and what was appended to them.
    func lowest(_ bounds: [ConstraintValue]) -> PerLimit<Int?> {
        var lowest = fixed.lowest
        lowest.note(bounds, from: fixed.values.count)
        return lowest.places
    }
}

/// Bounds that hold until the figures change, worked out once.
private struct FixedBounds: Sendable {
    private var figures: LimitFigures?
    private(set) var values: [ConstraintValue] = []
    private(set) var lowest = LowestBounds()

    /// None.
    init() {}

    init(_ figures: LimitFigures) {
        self.figures = figures
        TargetVoltage.evaluate(figures, into: &values)
        Ceilings.evaluate(figures, into: &values)
        lowest.note(values, from: 0)
    }

    func isOf(_ figures: LimitFigures) -> Bool { self.figures === figures }
}

/// A constraint, and where its bounds end among all.
private struct Row<Rule: Constraint>: Sendable {
    var rule: Rule
    var end = 0

    init(_ rule: Rule) { self.rule = rule }
}

/// One way through the table.
private struct Pass {
    private let part: ConstraintTable.Part
    private let old: [ConstraintValue]
    /// Where those of the constraint before ended.
    private var start: Int
    private(set) var renewed: [ConstraintValue] = []

    /// - Parameters:
    ///   - start: where the bounds of the first constraint began before.
    ///   - fixed: what `room` begins with, and the new ones shall.
    init(
        _ part: ConstraintTable.Part, _ old: [ConstraintValue], from start: Int, after fixed: FixedBounds,
        in room: inout [ConstraintValue]
    ) {
        self.part = part
        self.old = old
        self.start = start
        swap(&renewed, &room)
        renewed.removeLast(renewed.count - fixed.values.count)
        // From one step to the next few bounds come.
        renewed.reserveCapacity(old.count + 6)
    }

    mutating func step<Rule>(_ row: inout Row<Rule>, _ input: LimitInput) {
        let isChosen =
            switch part {
            case .all: true
            case .statusOnly: !Rule.usesMeasurements
            case .measurementsOnly: Rule.usesMeasurements
            }
        if isChosen {
            row.rule.evaluate(input, into: &renewed)
        } else {
            renewed.append(contentsOf: old[start..<row.end])
        }
        start = row.end
        row.end = renewed.count
    }
}

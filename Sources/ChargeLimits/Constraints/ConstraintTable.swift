/// Every constraint, and what each of them said last. Where two give the same value the earlier one is named as the reason: a ceiling
/// that never moves before a measurement that happens to permit as much. A new constraint is a row here and one in ``renew(_:_:)``.
struct ConstraintTable: Sendable {
    /// Bounds that do not move until the figures do.
    private var fixed = BoundList()
    /// Where they end.
    private var fixedMark = BoundList.Mark()
    /// What they were worked out from.
    private var figures: LimitFigures?
    private var float = Row(FloatVoltage())
    private var highestCell = Row(HighestCell())
    private var hardCellCut = Row(HardCellCut())
    private var hotBoards = Row(HotBoards())
    private var lowestCell = Row(LowestCell())
    private var temperatureWindow = Row(TemperatureWindow())
    private var reserve = Row(StateOfChargeReserve())
    private var statusBits = Row(StatusBits())
    private var cellCountChange = Row(CellCountChange())

    /// Bounds of all constraints, each as of its last step, and what is no constraint's after them.
    private(set) var bounds = BoundList()
    /// The same for who keeps them.
    var values: [ConstraintValue] { bounds.values }
    /// The lowest of them.
    var lowest: LowestBounds { bounds.lowest }
    /// Where theirs end.
    private var mark = BoundList.Mark()
    /// Those of the step before.
    private var old: [ConstraintValue] = []
    /// They begin with other fixed bounds.
    private var isOldOutdated = true

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
        bounds.exchange(&old)
        let oldStart = fixedMark.count
        let isMoved = figures !== input.figures
        if isMoved { work(out: input.figures) }
        if isMoved || isOldOutdated { bounds = fixed } else { bounds.rewind(to: fixedMark) }
        isOldOutdated = isMoved
        var pass = Pass(part: part, start: oldStart)
        pass.step(&float, input, old, &bounds)
        pass.step(&highestCell, input, old, &bounds)
        pass.step(&hardCellCut, input, old, &bounds)
        pass.step(&hotBoards, input, old, &bounds)
        pass.step(&lowestCell, input, old, &bounds)
        pass.step(&temperatureWindow, input, old, &bounds)
        pass.step(&reserve, input, old, &bounds)
        pass.step(&statusBits, input, old, &bounds)
        pass.step(&cellCountChange, input, old, &bounds)
        mark = bounds.mark
    }

    /// Lets others have their say after the constraints.
    mutating func append(_ others: (inout BoundList) -> Void) {
        bounds.rewind(to: mark)
        others(&bounds)
        bounds.end()
    }

    private mutating func work(out figures: LimitFigures) {
        self.figures = figures
        fixed = BoundList()
        TargetVoltage.evaluate(figures, into: &fixed)
        Ceilings.evaluate(figures, into: &fixed)
        fixedMark = fixed.mark
    }
}

/// A constraint, and where its bounds end among all.
private struct Row<Rule: Constraint>: Sendable {
    var rule: Rule
    var end = 0

    init(_ rule: Rule) { self.rule = rule }
}

/// One way through the table.
private struct Pass {
    let part: ConstraintTable.Part
    /// Where the old bounds of the next constraint begin.
    var start: Int

    mutating func step<Rule>(
        _ row: inout Row<Rule>, _ input: LimitInput, _ old: borrowing [ConstraintValue], _ new: inout BoundList
    ) {
        let isChosen =
            switch part {
            case .all: true
            case .statusOnly: !Rule.usesMeasurements
            case .measurementsOnly: Rule.usesMeasurements
            }
        let end = row.end
        if isChosen {
            row.rule.evaluate(input, into: &new)
        } else {
            for place in start..<end { new.append(old[place]) }
        }
        start = end
        row.end = new.count
    }
}

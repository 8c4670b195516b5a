/// Bounds as they come in a step, with the lowest of each limit. It is written over in the next: its room serves again where nobody keeps
/// what it held.
struct BoundList: Sendable {
    /// The bounds, and perhaps what an earlier step left behind them until ``end()``.
    private(set) var values: [ConstraintValue] = []
    /// How many came in this step.
    private(set) var count = 0
    /// The lowest of them.
    private(set) var lowest = LowestBounds()

    /// None.
    init() {}

    mutating func append(_ bound: ConstraintValue) {
        lowest.note(bound, at: count)
        if count < values.count { values[count] = bound } else { extend(by: bound) }
        count += 1
    }

    @inline(never)
    private mutating func extend(by bound: ConstraintValue) { values.append(bound) }

    /// Takes bounds that another list had at some places.
    mutating func append(_ places: Range<Int>, of other: inout BoundList) {
        for place in places { append(other.values[place]) }
    }

    /// A place in a list, with what is known of everything before it.
    struct Mark: Sendable {
        fileprivate(set) var count = 0
        fileprivate(set) var lowest = LowestBounds()
    }

    /// The place after the newest.
    var mark: Mark { Mark(count: count, lowest: lowest) }

    /// Goes back to a place; what follows will be written over.
    mutating func rewind(to mark: Mark) {
        count = mark.count
        lowest = mark.lowest
    }

    /// Nothing more comes: what is left of an earlier step goes.
    mutating func end() {
        if count < values.count { values.removeLast(values.count - count) }
    }
}

/// The lowest bound of each limit, and where it is.
struct LowestBounds: Sendable {
    /// The largest number where there is none.
    private(set) var values = PerLimit(cvl: Int.max, ccl: Int.max, dcl: Int.max)
    /// The first of equal ones.
    private var numbers = PerLimit(cvl: -1, ccl: -1, dcl: -1)

    /// Where they are, the first of equal ones; `nil`: there is none.
    var places: PerLimit<Int?> {
        func place(_ number: Int) -> Int? { number < 0 ? nil : number }
        return PerLimit(cvl: place(numbers.cvl), ccl: place(numbers.ccl), dcl: place(numbers.dcl))
    }

    /// Takes a bound into account.
    mutating func note(_ bound: ConstraintValue, at place: Int) {
        switch bound.limit {
        case .cvl: if bound.value < values.cvl { (values.cvl, numbers.cvl) = (bound.value, place) }
        case .ccl: if bound.value < values.ccl { (values.ccl, numbers.ccl) = (bound.value, place) }
        case .dcl: if bound.value < values.dcl { (values.dcl, numbers.dcl) = (bound.value, place) }
        }
    }
}

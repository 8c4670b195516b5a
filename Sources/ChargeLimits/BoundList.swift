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

    mutating func append(_ bound: ConstraintValue) { append([bound]) }

    /// Several at once, in their order: whether the room is free to write to is asked once.
    mutating func append<let number: Int>(_ bounds: [number of ConstraintValue]) {
        let start = count
        count += number
        for index in bounds.indices { lowest.note(bounds[index], at: start + index) }
        guard count <= values.count else {
            for index in bounds.indices { write(bounds[index], at: start + index) }
            return
        }
        var room = values.mutableSpan
        for index in bounds.indices { room[start + index] = bounds[index] }
    }

    @inline(never)
    private mutating func write(_ bound: ConstraintValue, at place: Int) {
        if place < values.count { values[place] = bound } else { values.append(bound) }
    }

    /// Goes on with other room, and leaves what it held.
    mutating func exchange(_ room: inout [ConstraintValue]) { swap(&values, &room) }

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

    /// What limits may rise to: 0 where nothing is known.
    var goals: PerLimit<Int> {
        func goal(_ value: Int) -> Int { value == .max ? 0 : value }
        return PerLimit(cvl: goal(values.cvl), ccl: goal(values.ccl), dcl: goal(values.dcl))
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

import ChargeLimits
import LinuxIO
import BatteryEngine
import MQTTBridge
import ServiceIO

/// A filter whose state can be kept in a file.
protocol KeptFilter {
    associatedtype Latches: Equatable

    /// Latches that are set; when they change, the file is written at once.
    var latches: Latches { get }
    /// Evaluates a line.
    ///
    /// - Returns: the answer, without a line end.
    mutating func step(_ line: FilterLine, at milliseconds: Int64, shownAs shown: Int64) -> [UInt8]
    /// The state as a document for the file.
    func document(at milliseconds: Int64, _ moment: StateMoment) -> [UInt8]
    /// Restores the state of a document.
    ///
    /// - Returns: `false` if the document is damaged.
    mutating func recall(_ document: [UInt8], at milliseconds: Int64, _ moment: StateMoment) -> Bool
    /// Largest size of a document, bytes.
    var longestDocument: Int { get }
}

/// The state file of a filter. It is read at the first line, and written when a latch changes, 15 s after the first line, then every
/// minute, and at the end. The time in the lines is the only clock.
struct FilterState<Filter: KeptFilter> {
    private static var minute: Int64 { 60_000 }
    private static var soon: Int64 { 15_000 }

    let path: String
    private var latches: Filter.Latches?
    private var last: (milliseconds: Int64, shown: Int64)?
    private var dueAt: Int64?
    private var hasComplained = false

    init(path: String) { self.path = path }

    /// Reads the file before the first line; later calls do nothing.
    mutating func begin(_ filter: inout Filter, at milliseconds: Int64, shownAs shown: Int64) {
        guard last == nil else { return }
        last = (milliseconds, shown)
        defer { latches = filter.latches }
        // An empty path counts as an absent file.
        guard FileStatus(path: path) != nil else { return }
        switch RegularFile.read(path, upTo: filter.longestDocument) {
        case .failure(let failure): Console.complain("\(failure.text): starting without it")
        case .success(let content):
            if !filter.recall(content.bytes, at: milliseconds, StateMoment(wall: shown)) {
                Console.complain("\(StateFile.setAside(path)): starting without it")
            }
        }
    }

    /// Writes the file if a latch has changed or the time has come.
    mutating func keep(_ filter: Filter, at milliseconds: Int64, shownAs shown: Int64) {
        guard last != nil else { return }
        last = (milliseconds, shown)
        let dueAt = self.dueAt ?? milliseconds + Self.soon
        self.dueAt = dueAt
        guard filter.latches != latches || milliseconds >= dueAt else { return }
        write(filter)
    }

    /// Writes the file a last time.
    mutating func end(_ filter: Filter) {
        if last != nil { write(filter) }
    }

    private mutating func write(_ filter: Filter) {
        guard let last else { return }
        latches = filter.latches
        dueAt = last.milliseconds + Self.minute
        let document = filter.document(at: last.milliseconds, StateMoment(wall: last.shown))
        guard let failure = StateFile.replace(path, with: document), !hasComplained else { return }
        hasComplained = true
        Console.complain("\(failure): a restart will begin without the state of this run")
    }
}

/// The filter of one pack.
struct PackFilter: KeptFilter {
    private let options: PackOptions
    private var filter: LimitFilter

    init(_ options: PackOptions) {
        self.options = options
        filter = LimitFilter(options)
    }

    var longestDocument: Int { 65_536 }
    var latches: Set<LimitMemory.Latch> { filter.latches }

    mutating func step(_ line: FilterLine, at milliseconds: Int64, shownAs shown: Int64) -> [UInt8] {
        filter.step(frame: line.frame, atMilliseconds: milliseconds, shownAs: shown)
    }

    func document(at milliseconds: Int64, _ moment: StateMoment) -> [UInt8] {
        StateDocument.bytes(filter.state(atMilliseconds: milliseconds), at: moment)
    }

    mutating func recall(_ document: [UInt8], at milliseconds: Int64, _ moment: StateMoment) -> Bool {
        guard let state = StateDocument.parse(document, at: moment) else { return false }
        filter = LimitFilter(options, memory: state.memory, atMilliseconds: milliseconds)
        return true
    }
}

/// The filter of a bank with its packs.
struct WholeBankFilter: KeptFilter {
    private let options: BankOptions
    private let packs: [PackOptions]
    private var filter: BankFilter

    init(_ options: BankOptions, _ packs: [PackOptions]) {
        self.options = options
        self.packs = packs
        filter = BankFilter(options, packs: packs)
    }

    var longestDocument: Int { 65_536 + 4096 * packs.count }
    var latches: [String: Set<LimitMemory.Latch>] { filter.latches }

    mutating func step(_ line: FilterLine, at milliseconds: Int64, shownAs shown: Int64) -> [UInt8] {
        filter.step(frames: line.frames, atMilliseconds: milliseconds, shownAs: shown)
    }

    func document(at milliseconds: Int64, _ moment: StateMoment) -> [UInt8] {
        StateDocument.bytes(packs: filter.states(atMilliseconds: milliseconds), at: moment)
    }

    mutating func recall(_ document: [UInt8], at milliseconds: Int64, _ moment: StateMoment) -> Bool {
        guard let states = StateDocument.parsePacks(document, at: moment) else { return false }
        filter = BankFilter(options, packs: packs, states: states, atMilliseconds: milliseconds)
        return true
    }
}

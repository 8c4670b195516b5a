/// The part of a file that a bucket belongs to.
package struct BucketKey: Hashable, Sendable {
    package var battery: String
    package var level: HistoryLevel
    /// Start of the bucket, seconds since 1970.
    package var time: Int
}

/// A day of a battery.
package struct DayKey: Hashable, Sendable {
    package var battery: String
    package var day: Int
}

/// Of a battery: the last readings of its energy counters.
package struct Counters: Hashable, Sendable {
    package var energyIn: EnergyCounter?
    package var energyOut: EnergyCounter?

    package init(energyIn: EnergyCounter?, energyOut: EnergyCounter?) {
        self.energyIn = energyIn
        self.energyOut = energyOut
    }
}

/// What waits to be written.
package struct Batch: Sendable {
    package var buckets: [BucketKey: Bucket] = [:]
    package var days: [DayKey: DayRecord] = [:]
    package var changes: [(battery: String, change: LimitChange)] = []
    package var events: [(battery: String, event: HistoryEvent)] = []
    package var counters: [String: Counters] = [:]

    package var isEmpty: Bool {
        buckets.isEmpty && days.isEmpty && changes.isEmpty && events.isEmpty && counters.isEmpty
    }
}

/// Collects what readers report, in a bounded amount of memory.
package struct Intake: Sendable {
    /// Batteries, buckets (4 MB of 16 cells; four hours of 16 packs, if the disk is full for so long), lines of each kind.
    package static let mostBatteries = 256
    static let mostBuckets = 4_096
    static let mostLines = 2_000
    /// Counters of a file that are kept for batteries which may come.
    private static let mostRestored = 4_096
    /// Seconds without a sample after which a battery's place is free for another.
    private static let longestAbsence = 86_400.0
    private static let longestName = 64
    private static let longestText = 500

    private struct Watch: Sendable {
        var counters = Counters(energyIn: nil, energyOut: nil)
        var day = DayWatch()
        var lastTime: Double?
        var limits: [String: LimitChange] = [:]
    }

    private let days: LocalDays
    private var batch = Batch()
    private var watches: [String: Watch] = [:]
    /// Counters of batteries that have no place.
    private var restored: [String: Counters] = [:]
    /// The first battery for which there was no place, until somebody was told.
    private var refused: String?
    private var hasRefused = false
    /// Reports that were not taken: of an impossible time, of too many batteries, or beyond the memory.
    package private(set) var dropped = 0

    package init(_ days: LocalDays) { self.days = days }

    /// The readings of a file's last commit, for batteries of which nothing came yet.
    package mutating func restore(_ counters: Counters, of battery: String) {
        if restored.count < Self.mostRestored, watches[battery] == nil { restored[battery] = counters }
    }

    /// A battery that is not recorded, because as many are as there may be; once.
    package mutating func takeRefused() -> String? {
        defer { refused = nil }
        return refused
    }

    package mutating func add(_ sample: HistorySample, of battery: String) {
        guard isTaken(battery, sample.time, isSample: true), var watch = watches[battery] else { return }
        // A retained document comes again with each connection.
        guard sample.time != watch.lastTime else { return }
        watch.lastTime = sample.time
        let (energyIn, energyOut) = (
            EnergyCounter.energy(
                &watch.counters.energyIn, reading: sample.energyIn, lifetime: sample.lifetimeIn, at: sample.time),
            EnergyCounter.energy(
                &watch.counters.energyOut, reading: sample.energyOut, lifetime: sample.lifetimeOut, at: sample.time)
        )
        let second = Int(sample.time)
        let day = days.day(second)
        if let record = watch.day.take(sample, day: day) {
            batch.days[DayKey(battery: battery, day: day), default: DayRecord()].merge(record)
        }
        batch.counters[battery] = watch.counters
        watches[battery] = watch
        for level in [HistoryLevel.samples, .minutes] {
            batch.buckets[
                BucketKey(battery: battery, level: level, time: level.start(second)), default: Bucket()
            ].add(
                sample, energyIn: sample.energyIn.map { _ in energyIn },
                energyOut: sample.energyOut.map { _ in energyOut })
        }
        bound()
    }

    package mutating func add(_ event: HistoryEvent, of battery: String) {
        guard isTaken(battery, event.time) else { return }
        let (kind, text) = (event.kind.cut(Self.longestName), event.text.cut(Self.longestText))
        batch.events.append((battery, HistoryEvent(time: event.time, kind: kind, text: text)))
        bound()
    }

    /// Takes a change; one with the value and the name of the last is none.
    package mutating func add(_ change: LimitChange, of battery: String) {
        guard isTaken(battery, change.time), ["cvl", "ccl", "dcl"].contains(change.limit) else { return }
        if let last = watches[battery]?.limits[change.limit], last.value == change.value, last.name == change.name {
            return
        }
        var change = change
        change.name = change.name.cut(Self.longestName)
        change.sentence = change.sentence.cut(Self.longestText)
        watches[battery]?.limits[change.limit] = change
        batch.changes.append((battery, change))
        bound()
    }

    /// Hands everything over.
    package mutating func take() -> Batch {
        defer { batch = Batch() }
        return batch
    }

    /// Takes back what could not be written.
    package mutating func putBack(_ older: Batch) {
        batch.buckets.merge(older.buckets) { newer, older in
            var sum = newer
            sum.merge(older)
            return sum
        }
        for (key, record) in older.days { batch.days[key, default: DayRecord()].merge(record) }
        batch.changes = older.changes + batch.changes
        batch.events = older.events + batch.events
        batch.counters.merge(older.counters) { newer, _ in newer }
        bound()
    }

    private mutating func isTaken(_ battery: String, _ time: Double, isSample: Bool = false) -> Bool {
        if BelievedTime.contains(time), (1...Self.longestName).contains(battery.utf8.count),
            battery.utf8.allSatisfy({ $0 > 32 && $0 != 127 })
        {
            if watches[battery] != nil { return true }
            if watches.count >= Self.mostBatteries, isSample { makePlace(at: time) }
            if watches.count < Self.mostBatteries {
                watches[battery] = Watch(counters: restored[battery] ?? Counters(energyIn: nil, energyOut: nil))
                restored[battery] = nil
                return true
            }
            if isSample, !hasRefused { (refused, hasRefused) = (battery, true) }
        }
        dropped += 1
        return false
    }

    /// Takes the place of the battery that has been silent longest: one of which only words came, or no sample for a day.
    private mutating func makePlace(at time: Double) {
        guard let (name, watch) = watches.min(by: { ($0.value.lastTime ?? 0) < ($1.value.lastTime ?? 0) }),
            watch.lastTime.map({ time - $0 > Self.longestAbsence }) != false
        else { return }
        watches[name] = nil
        restore(watch.counters, of: name)
    }

    /// Makes room: the oldest samples go first, and minutes when there are no samples. Days and lines are bounded by themselves.
    private mutating func bound() {
        while batch.buckets.count > Self.mostBuckets {
            let samples = batch.buckets.keys.filter { $0.level == .samples }
            let keys = (samples.isEmpty ? Array(batch.buckets.keys) : samples).sorted { $0.time < $1.time }
            for key in keys.prefix(max(1, keys.count / 4)) { batch.buckets[key] = nil }
            dropped += max(1, keys.count / 4)
        }
        let lines = max(0, batch.changes.count - Self.mostLines) + max(0, batch.events.count - Self.mostLines)
        guard lines > 0 || batch.days.count > Self.mostLines else { return }
        batch.changes.removeFirst(max(0, batch.changes.count - Self.mostLines))
        batch.events.removeFirst(max(0, batch.events.count - Self.mostLines))
        while batch.days.count > Self.mostLines, let oldest = batch.days.keys.min(by: { $0.day < $1.day }) {
            batch.days[oldest] = nil
        }
        dropped += lines
    }
}

extension String {
    /// The text without what exceeds a number of bytes, and without control characters, which would break lines of a CSV file.
    fileprivate func cut(_ most: Int) -> String {
        var result = ""
        var length = 0
        for scalar in unicodeScalars {
            let scalar = scalar.value < 32 || scalar.value == 127 ? " " : scalar
            length += scalar.utf8.count
            guard length <= most else { break }
            result.unicodeScalars.append(scalar)
        }
        return result
    }
}

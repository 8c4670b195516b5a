/// What the rotating key-value bytes told (generation 3, firmware 3.3.6 and later). Absent is `nil`, never 0.
public struct KeyValues: Hashable, Sendable {
    /// State of health, 0...100 %.
    public var stateOfHealth: Int?
    /// Charge efficiency, 0...100 %.
    public var chargeEfficiency: Int?
    /// V-low: early warning before Vmin.
    public var lowVoltage: Millivolts?
    /// Nominal voltage of a cell.
    public var nominalVoltage: Millivolts?
    /// Firmware, as "3.3.11".
    public var firmware: String?
    /// Battery cycles.
    public var cycles: Int?
    /// Energy charged, 1 kWh steps.
    public var chargedEnergy: WattHours?
    /// Energy discharged, 1 kWh steps.
    public var dischargedEnergy: WattHours?
    /// Contacts and early warning.
    public var secondStatus: SecondStatus?
    /// V-full: a cell counts as full.
    public var fullVoltage: Millivolts?

    /// Nothing known.
    public init() {}
}

/// Key numbers of each value, most significant first (vendor's paper, firmware 3.3.11).
enum KeyLayout {
    static let stateOfHealth = 0...0
    static let chargeEfficiency = 1...1
    static let lowVoltage = 2...3
    static let nominalVoltage = 4...5
    static let firmware = 6...7
    static let cycles = 8...9
    static let chargedEnergy = 10...12
    static let dischargedEnergy = 13...15
    static let secondStatus = 16...16
    static let fullVoltage = 17...18

    static let voltages = [lowVoltage, nominalVoltage, fullVoltage]
    static let values = [
        stateOfHealth, chargeEfficiency, lowVoltage, nominalVoltage, firmware, cycles, chargedEnergy,
        dischargedEnergy, secondStatus, fullVoltage,
    ]
}

/// Joins key bytes to values: only bytes of one cycle belong together, so that no old low byte meets a new high byte.
///
/// A cycle ends where the key number falls, or in a silence in which a whole one may have passed unseen. Its values count from then on,
/// each until ``maximumAge`` has passed. Voltages are settings, and limits follow them: another one counts when two cycles brought it.
struct KeyCollector: Sendable {
    /// Age at which a value is forgotten (the vendor's driver has the same 60 s).
    static let maximumAge: Int64 = 60_000
    /// On old firmware these bytes are a clock. Keys are believed once this many different ones came ...
    private static let distinctKeys = 3
    /// ... within this many frames.
    private static let window = 10

    /// Below this no cycle of 19 keys fits into a gap, even at a frame each half second.
    private static let longestGap: Int64 = 9_000

    private var cycle = KeyBytes()
    private var committed = KeyBytes()
    /// Voltages of the cycle before, known or not.
    private var candidates = KeyBytes()
    private var lastKey: Int?
    private var lastKeyAt: Timestamp?
    private var recent: [Int?] = []
    /// The bytes are keys, not a clock.
    private(set) var isTrusted = false
    /// What ``news(at:)`` told last.
    private var told = Told()

    private struct Told: Sendable {
        /// Keys whose bytes were young enough.
        var keys = KeySet()
        /// Their bytes are still the same, and they are believed as before.
        var isUnchanged = true
        /// Between these two moments none is forgotten.
        var from = Timestamp(milliseconds: .max)
        var to = Timestamp(milliseconds: .max)
    }

    mutating func add(_ frame: Frame, at now: Timestamp) {
        let key = frame.key.flatMap { $0 < KeyBytes.count ? $0 : nil }
        if !isTrusted { judge(key) }
        guard let key else { return }
        let isAfterGap = lastKeyAt.map { now - $0 > Self.longestGap } ?? false
        if let lastKey, key <= lastKey || isAfterGap { endCycle() }
        cycle.take(frame.keyValue, of: key, at: now)
        lastKey = key
        lastKeyAt = now
    }

    private mutating func endCycle() {
        // Mostly it brings what the one before brought, and nothing of that has been forgotten.
        let isRepetition = told.keys == cycle.known && committed.takeTimes(of: &cycle)
        // A value whose bytes this cycle did not bring keeps the ones of the cycle before, whole.
        for value in isRepetition ? [] : KeyLayout.values where cycle.known.contains(value) && isConfirmed(value) {
            if !told.keys.contains(value) || !cycle.agrees(with: committed, on: value) { told.isUnchanged = false }
            committed.take(value, of: cycle)
        }
        for voltage in KeyLayout.voltages {
            for key in voltage where cycle.known.contains(key...key) { candidates.take(key...key, of: cycle) }
        }
        cycle.forget()
    }

    private mutating func judge(_ key: Int?) {
        recent.append(key)
        if recent.count > Self.window { recent.removeFirst() }
        guard Set(recent.compactMap { $0 }).count >= Self.distinctKeys else { return }
        isTrusted = true
        told.isUnchanged = false
        recent = []
    }

    /// The same as ``values(at:)``; `nil` where nothing has changed since the last call.
    @inline(__always)
    mutating func news(at now: Timestamp) -> Shared<KeyValues>? {
        told.isUnchanged && told.from <= now && now <= told.to ? nil : look(at: now)
    }

    private mutating func look(at now: Timestamp) -> Shared<KeyValues>? {
        let keys = committed.known(at: now)
        let isNews = !told.isUnchanged || keys != told.keys
        // Nothing is forgotten until the oldest byte that still counts is too old.
        told = Told(keys: keys, from: now, to: committed.oldest(of: keys) + Self.maximumAge)
        return isNews ? Shared(values(at: now)) : nil
    }

    /// What is known at `now`.
    func values(at now: Timestamp) -> KeyValues {
        var result = KeyValues()
        guard isTrusted else { return result }
        result.stateOfHealth = percent(KeyLayout.stateOfHealth, now)
        result.chargeEfficiency = percent(KeyLayout.chargeEfficiency, now)
        result.lowVoltage = voltage(KeyLayout.lowVoltage, now)
        result.nominalVoltage = voltage(KeyLayout.nominalVoltage, now)
        result.firmware = number(KeyLayout.firmware, now).map { "\($0 >> 12).\($0 >> 8 & 15).\($0 & 255)" }
        result.cycles = number(KeyLayout.cycles, now)
        result.chargedEnergy = number(KeyLayout.chargedEnergy, now).map { WattHours($0 * 1000) }
        result.dischargedEnergy = number(KeyLayout.dischargedEnergy, now).map { WattHours($0 * 1000) }
        result.secondStatus = number(KeyLayout.secondStatus, now).map {
            SecondStatus(rawValue: UInt8(truncatingIfNeeded: $0))
        }
        result.fullVoltage = voltage(KeyLayout.fullVoltage, now)
        return result
    }

    /// A voltage that the cycle brought is the known one, or the one of the cycle before, or the first.
    private func isConfirmed(_ value: ClosedRange<Int>) -> Bool {
        guard KeyLayout.voltages.contains(value), committed.known.contains(value) else { return true }
        return cycle.agrees(with: committed, on: value) || cycle.agrees(with: candidates, on: value)
    }

    private func number(_ value: ClosedRange<Int>, _ now: Timestamp) -> Int? {
        committed.known(at: now).contains(value) ? committed.number(value) : nil
    }

    private func percent(_ value: ClosedRange<Int>, _ now: Timestamp) -> Int? {
        number(value, now).flatMap { $0 <= 100 ? $0 : nil }
    }

    /// A cell voltage; 0 and what no cell can have is void.
    private func voltage(_ value: ClosedRange<Int>, _ now: Timestamp) -> Millivolts? {
        number(value, now).map { Millivolts($0 * 5) }.flatMap {
            (Millivolts(500)...Millivolts(5500)).contains($0) ? $0 : nil
        }
    }
}

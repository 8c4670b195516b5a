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
    static let stateOfHealth = [0]
    static let chargeEfficiency = [1]
    static let lowVoltage = [2, 3]
    static let nominalVoltage = [4, 5]
    static let firmware = [6, 7]
    static let cycles = [8, 9]
    static let chargedEnergy = [10, 11, 12]
    static let dischargedEnergy = [13, 14, 15]
    static let secondStatus = [16]
    static let fullVoltage = [17, 18]
    static let highest = 18
}

/// Joins key bytes to values: only bytes of one cycle belong together, so that no old low byte meets a new high byte.
///
/// A cycle ends where the key number falls, or in a silence in which a whole one may have passed unseen. Its values count from then on,
/// each until ``maximumAge`` has passed. Voltages are settings, and limits follow them: another one counts when two cycles brought it.
struct KeyCollector: Hashable, Sendable {
    /// Age at which a value is forgotten (the vendor's driver has the same 60 s).
    static let maximumAge: Int64 = 60_000
    /// On old firmware these bytes are a clock. Keys are believed once this many different ones came ...
    private static let distinctKeys = 3
    /// ... within this many frames.
    private static let window = 10

    /// Below this no cycle of 19 keys fits into a gap, even at a frame each half second.
    private static let longestGap: Int64 = 9_000

    private struct Entry: Hashable, Sendable {
        var byte: UInt8
        var time: Timestamp
    }

    /// By key number, as the next two.
    private var cycle = KeyCollector.nothing
    private var committed = KeyCollector.nothing
    /// Voltages of the cycle before, known or not.
    private var candidates = KeyCollector.nothing
    private var lastKey: Int?
    private var lastKeyAt: Timestamp?
    private var recent: [Int?] = []
    /// The bytes are keys, not a clock.
    private(set) var isTrusted = false
    private var known: Known?

    /// Values that were worked out hold until another cycle is over, at moments between these two.
    private struct Known: Hashable, Sendable {
        var from: Timestamp
        var to: Timestamp
    }

    private static let nothing = [Entry?](repeating: nil, count: KeyLayout.highest + 1)

    mutating func add(_ frame: Frame, at now: Timestamp) {
        let key = frame.key.flatMap { $0 <= KeyLayout.highest ? $0 : nil }
        if !isTrusted { judge(key) }
        guard let key else { return }
        let isAfterGap = lastKeyAt.map { now - $0 > Self.longestGap } ?? false
        if let lastKey, key <= lastKey || isAfterGap {
            // A value whose bytes this cycle did not bring keeps the ones of the cycle before, whole.
            for keys in Self.values where keys.allSatisfy({ cycle[$0] != nil }) && isConfirmed(keys) {
                for key in keys { committed[key] = cycle[key] }
            }
            known = nil
            for keys in Self.voltages { for key in keys { candidates[key] = cycle[key] ?? candidates[key] } }
            cycle = Self.nothing
        }
        cycle[key] = Entry(byte: frame.keyValue, time: now)
        lastKey = key
        lastKeyAt = now
    }

    private mutating func judge(_ key: Int?) {
        recent.append(key)
        if recent.count > Self.window { recent.removeFirst() }
        guard Set(recent.compactMap { $0 }).count >= Self.distinctKeys else { return }
        isTrusted = true
        known = nil
        recent = []
    }

    /// The same as ``values(at:)``; `nil` where nothing can have changed since the last call.
    mutating func news(at now: Timestamp) -> KeyValues? {
        if let known, known.from <= now, now <= known.to { return nil }
        // Nothing changes until the oldest byte that still counts is too old.
        let oldest = committed.lazy.compactMap { $0?.time }.filter { now - $0 <= Self.maximumAge }.min()
        known = Known(from: now, to: oldest.map { $0 + Self.maximumAge } ?? Timestamp(milliseconds: .max))
        return values(at: now)
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

    private static let voltages = [KeyLayout.lowVoltage, KeyLayout.nominalVoltage, KeyLayout.fullVoltage]

    private static let values = [
        KeyLayout.stateOfHealth, KeyLayout.chargeEfficiency, KeyLayout.lowVoltage, KeyLayout.nominalVoltage,
        KeyLayout.firmware, KeyLayout.cycles, KeyLayout.chargedEnergy, KeyLayout.dischargedEnergy,
        KeyLayout.secondStatus, KeyLayout.fullVoltage,
    ]

    /// A voltage that the cycle brought is the known one, or the one of the cycle before, or the first.
    private func isConfirmed(_ keys: [Int]) -> Bool {
        guard Self.voltages.contains(keys), keys.allSatisfy({ committed[$0] != nil }) else { return true }
        return [committed, candidates].contains { known in keys.allSatisfy { known[$0]?.byte == cycle[$0]?.byte } }
    }

    private func number(_ keys: [Int], _ now: Timestamp) -> Int? {
        var result = 0
        for key in keys {
            guard let entry = committed[key], now - entry.time <= Self.maximumAge else { return nil }
            result = result << 8 | Int(entry.byte)
        }
        return result
    }

    private func percent(_ keys: [Int], _ now: Timestamp) -> Int? {
        number(keys, now).flatMap { $0 <= 100 ? $0 : nil }
    }

    /// A cell voltage; 0 and what no cell can have is void.
    private func voltage(_ keys: [Int], _ now: Timestamp) -> Millivolts? {
        number(keys, now).map { Millivolts($0 * 5) }.flatMap {
            (Millivolts(500)...Millivolts(5500)).contains($0) ? $0 : nil
        }
    }
}

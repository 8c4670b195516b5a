import BMSCore

/// Key numbers of each value, most significant first (vendor's paper, firmware 3.3.11).
enum KeyLayout {
    static let count = 19

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

    static let values = [
        stateOfHealth, chargeEfficiency, lowVoltage, nominalVoltage, firmware, cycles, chargedEnergy,
        dischargedEnergy, secondStatus, fullVoltage,
    ]
}

/// Joins key bytes to values: only bytes of one cycle belong together, so that no old low byte meets a new high byte.
///
/// A cycle ends where the key number falls, or in a silence in which a whole cycle may have passed unseen. The values of the cycle count
/// from then on, each until ``maximumAge`` has passed. A value that differs from the known one counts when two cycles brought it, because
/// no sum but that of the frame guards these bytes; the second status counts at once.
struct KeyCollector: Sendable {
    /// Age at which a value is forgotten (the vendor's driver has the same 60 s).
    static let maximumAge: Int64 = 60_000
    /// Number of different keys, within ``window`` frames, from which on the bytes are believed to be keys: on old firmware they are a
    /// clock.
    private static let distinctKeys = 3
    /// Number of frames within which ``distinctKeys`` are counted.
    private static let window = 10
    /// Milliseconds of a gap into which no cycle of 19 keys fits, even at a frame every half second.
    private static let longestGap: Int64 = 9_000

    private var cycle = KeyBytes()
    private var committed = KeyBytes()
    /// Values of the cycle before, known or not.
    private var candidates = KeyBytes()
    private var lastKey: Int?
    private var lastKeyAt: Timestamp?
    private var recent: [Int?] = []
    /// The bytes are keys, not a clock.
    private(set) var isTrusted = false

    mutating func add(_ frame: Frame, at now: Timestamp) {
        let key = frame.key.flatMap { $0 < KeyLayout.count ? $0 : nil }
        if !isTrusted { judge(key) }
        guard let key else { return }
        let isAfterGap = lastKeyAt.map { now - $0 > Self.longestGap } ?? false
        if let lastKey, key <= lastKey || isAfterGap { endCycle() }
        cycle[key] = KeyByte(byte: frame.keyValue, time: now)
        lastKey = key
        lastKeyAt = now
    }

    private mutating func endCycle() {
        // A value whose bytes this cycle did not bring keeps all bytes of the cycle before.
        for value in KeyLayout.values where cycle.number(value) != nil && isConfirmed(value) {
            for key in value { committed[key] = cycle[key] }
        }
        for key in 0..<KeyLayout.count where cycle[key] != nil { candidates[key] = cycle[key] }
        cycle = KeyBytes()
    }

    private mutating func judge(_ key: Int?) {
        recent.append(key)
        if recent.count > Self.window { recent.removeFirst() }
        guard Set(recent.compactMap { $0 }).count >= Self.distinctKeys else { return }
        isTrusted = true
        recent = []
    }

    /// A value of this cycle is the known value, or the value of the cycle before, or the first one.
    private func isConfirmed(_ value: ClosedRange<Int>) -> Bool {
        guard value != KeyLayout.secondStatus, let known = committed.number(value) else { return true }
        let new = cycle.number(value)
        return new == known || new == candidates.number(value)
    }

    /// Values that are known at `now`.
    func values(at now: Timestamp) -> KeyValues {
        var result = KeyValues()
        guard isTrusted else { return result }
        let bytes = committed.younger(than: Self.maximumAge, at: now)
        result.stateOfHealth = bytes.percent(KeyLayout.stateOfHealth)
        result.chargeEfficiency = bytes.percent(KeyLayout.chargeEfficiency)
        result.lowVoltage = bytes.voltage(KeyLayout.lowVoltage)
        result.nominalVoltage = bytes.voltage(KeyLayout.nominalVoltage)
        result.firmware = bytes.number(KeyLayout.firmware).map { "\($0 >> 12).\($0 >> 8 & 15).\($0 & 255)" }
        result.cycles = bytes.number(KeyLayout.cycles)
        result.chargedEnergy = bytes.number(KeyLayout.chargedEnergy).map { WattHours($0 * 1000) }
        result.dischargedEnergy = bytes.number(KeyLayout.dischargedEnergy).map { WattHours($0 * 1000) }
        result.secondStatus = bytes.number(KeyLayout.secondStatus).map {
            SecondStatus(rawValue: UInt8(truncatingIfNeeded: $0))
        }
        result.fullVoltage = bytes.voltage(KeyLayout.fullVoltage)
        return result
    }
}

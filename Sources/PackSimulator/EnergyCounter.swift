import BMSCore

/// Charge counting of the BMS, in Wh ("Coulomb counting", recalibrated when full and, on generation 3, when empty).
struct EnergyCounter: Sendable {
    /// Seconds at V-min with the load relay open that make a pack empty: the manual says "for a longer time", assumed to be this long.
    static let emptyAfter = 30

    /// Stored energy, Wh.
    private(set) var stored: Double
    private(set) var inToday = 0.0
    private(set) var outToday = 0.0
    private(set) var lifetimeIn: Double
    private(set) var lifetimeOut: Double
    /// The pack has not yet been full since installation (status bit 7).
    private(set) var isUncalibrated: Bool
    private let capacity: Double
    private var isTopped = false
    private var secondsEmpty = 0

    /// - Parameter soc: state of charge that the counter believes at the start, 0...1.
    init(capacity: WattHours, soc: Double, isCalibrated: Bool, lifetime: Double) {
        self.capacity = Double(capacity.rawValue)
        stored = soc * self.capacity
        lifetimeIn = lifetime
        lifetimeOut = lifetime * 0.97
        isUncalibrated = !isCalibrated
    }

    /// State of charge, 0...100 %. Counting alone stops at 99; 100 means that the pack was seen full.
    var soc: Int {
        let percent = nearest(100 * stored / capacity)
        return isTopped ? percent : min(percent, 99)
    }

    /// Counts one second. `incoming` and `outgoing` are powers in W of the two directions, neither negative.
    mutating func count(incoming: Double, outgoing: Double) {
        let gained = incoming / 3600
        let lost = outgoing / 3600
        stored = min(max(stored + gained - lost, 0), capacity)
        inToday += gained
        outToday += lost
        lifetimeIn += gained
        lifetimeOut += lost
        if stored < 0.995 * capacity { isTopped = false }
    }

    /// Sets 100 %, because the pack is full.
    mutating func markFull() {
        stored = capacity
        isTopped = true
        isUncalibrated = false
    }

    /// Watches for an empty pack, once a second.
    mutating func watchEmpty(isBelowMinimum: Bool, mayDischarge: Bool) {
        secondsEmpty = isBelowMinimum && !mayDischarge ? secondsEmpty + 1 : 0
        if secondsEmpty >= Self.emptyAfter {
            stored = 0
            isTopped = false
        }
    }

    /// Starts the counters of a new day, at midnight.
    mutating func startDay() {
        inToday = 0
        outToday = 0
    }
}

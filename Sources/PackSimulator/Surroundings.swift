/// Sun, loads and air around the pack, by the second.
struct Surroundings: Sendable {
    static let secondsPerDay = 86_400

    /// Power offered and power wanted, W; temperature of the air, degC.
    private(set) var source = 0.0
    private(set) var demand = 0.0
    private(set) var air: Double

    private let plan: ScenarioPlan
    /// Power at 1 C, W.
    private let rate: Double
    private let frostFrom: Double?
    private var random: SplitMix64
    /// Share of the sun that passes, and the minutes for which it still holds.
    private var sky = (share: 1.0, minutes: 3)
    /// Brightness of the day.
    private var brightness = 1.0
    /// Minutes that a kettle still runs; the first begins within a minute of the start.
    private var kettle = 0

    /// - Parameters:
    ///   - rate: power at 1 C, W.
    ///   - coldest: lowest charging temperature in degC, for a frosty start.
    init(_ plan: ScenarioPlan, rate: Double, coldest: Double, seed: UInt64) {
        self.plan = plan
        self.rate = rate
        frostFrom = plan.frost.map { coldest - $0 }
        air = frostFrom ?? 22
        random = SplitMix64(seed: seed)
    }

    /// Moves to a second since the start.
    mutating func update(second: Int) {
        let timeOfDay = (plan.start + second) % Self.secondsPerDay
        if timeOfDay == 0 { brightness = random.uniform(0.7...1) }
        if second % 60 == 30 { changeMinute(timeOfDay, isFirst: second == 30) }
        // The room is heated: 25 K in an hour.
        if let frostFrom { air = frostFrom + 25 * min(max(Double(second - plan.thaw) / 3600, 0), 1) }
        source = rate * offer(timeOfDay)
        demand = rate * draw(timeOfDay)
    }

    private mutating func changeMinute(_ timeOfDay: Int, isFirst: Bool) {
        sky.minutes -= 1
        if sky.minutes <= 0 {
            let isCloudy = random.uniform(0...1) < 0.3
            sky = (random.uniform(isCloudy ? 0.2...0.6 : 0.92...1), Int(random.uniform(1...9)))
        }
        let isAwake = timeOfDay > 6 * 3600 && timeOfDay < 23 * 3600
        if kettle > 0 {
            kettle -= 1
        } else if isFirst || (isAwake && random.uniform(0...1) < 0.015) {
            kettle = Int(random.uniform(2...5))
        }
    }

    private func offer(_ timeOfDay: Int) -> Double {
        switch plan.source {
        case .mains(let rate): return rate
        case .sun(let peak):
            // A parabola from 6:00 to 19:00 is close enough to a clear sky.
            let share = Double(timeOfDay - 6 * 3600) / (13 * 3600)
            return share <= 0 || share >= 1 ? 0 : peak * 4 * share * (1 - share) * sky.share * brightness
        }
    }

    private func draw(_ timeOfDay: Int) -> Double {
        switch plan.loads {
        case .constant(let rate): return rate
        case .evening(let rate): return timeOfDay < 12 * 3600 || timeOfDay > 23 * 3600 + 1800 ? 0.02 : rate
        case .house:
            let evening = (17 * 3600..<23 * 3600).contains(timeOfDay) ? 0.07 : 0
            let morning = (7 * 3600..<9 * 3600).contains(timeOfDay) ? 0.03 : 0
            return 0.025 + evening + morning + (kettle > 0 ? 0.35 : 0)
        }
    }
}

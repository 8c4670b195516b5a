import BMSCore

/// Resistance of a cell as load steps taught it, and the figure for DCL that follows from it.
struct LearnedResistance: Sendable {
    /// Number of steps beyond which more steps do not weigh more: cells age.
    static let mostSteps = 64
    /// Number of steps below which nothing is proven.
    private static let leastSteps = 8
    /// Largest standard deviation over mean; steps that scatter more are not believed.
    private static let mostScatter = 0.25
    /// Ratio of the resistance at all times to that at 15 s (bench cells: 1.6 / 0.73 to 1.6 / 0.8).
    private static let diffusion = 2.2
    /// A cold cell resists more: share per kelvin below 25 degC.
    private static let perKelvin = 0.025

    /// The memory that should survive a restart; `nil` while nothing is learned.
    private(set) var memory: LimitMemory.Resistance?

    /// Goes on from a remembered resistance, if it is within reason.
    init(_ memory: LimitMemory.Resistance?) {
        guard let memory else { return }
        let isSound =
            memory.mean.isFinite && memory.variance.isFinite && memory.mean > 0 && memory.mean < 1e6
            && memory.variance >= 0 && memory.variance < 1e12 && (1...Self.mostSteps).contains(memory.steps)
        self.memory = isSound ? memory : nil
    }

    /// Takes the resistance that a load step showed, milliohm; a value far from the table's figure teaches nothing.
    mutating func take(_ shown: Double, _ input: LimitInput) {
        let sample = shown / Self.temperatureFactor(input)
        let expected = input.figures.expectedResistance
        guard sample > 0.1 * expected, sample < 4 * expected else { return }
        var known = memory ?? LimitMemory.Resistance(mean: sample, variance: 0, steps: 0)
        known.steps = min(Self.mostSteps, known.steps + 1)
        let weight = 1 / Double(known.steps)
        let deviation = sample - known.mean
        known.mean += weight * deviation
        known.variance = (1 - weight) * (known.variance + weight * deviation * deviation)
        memory = known
    }

    /// Factor by which a cell at the coldest temperature resists more than at 25 degC.
    private static func temperatureFactor(_ input: LimitInput) -> Double {
        let coldest = Double(input.coldest.rawValue) / 1000
        return 1 + perKelvin * max(0, min(60, 25 - coldest))
    }

    /// There are enough steps, and they agree.
    private var isConfident: Bool {
        guard let memory, memory.steps >= Self.leastSteps else { return false }
        return memory.variance <= Self.mostScatter * Self.mostScatter * memory.mean * memory.mean
    }

    /// Resistance of a cell for DCL, milliohm: the learned one where it is trustworthy, never below 0.6 of the table's, never above 4
    /// times; otherwise the table's.
    func used(_ input: LimitInput) -> Double {
        let expected = input.figures.expectedResistance
        guard let memory, isConfident else { return expected }
        let high = memory.mean + 2 * memory.variance.squareRoot()
        return min(4 * expected, max(0.6 * expected, high * Self.diffusion * Self.temperatureFactor(input)))
    }

    /// The resistance of the pack, and where it comes from.
    func resistance(_ input: LimitInput) -> PackResistance {
        var result = input.figures.expectedPackResistance
        guard let memory else { return result }
        result.steps = memory.steps
        guard isConfident else { return result }
        result.used = input.figures.microohms(used(input))
        result.measured = input.figures.microohms(memory.mean)
        result.source = .learned
        return result
    }
}

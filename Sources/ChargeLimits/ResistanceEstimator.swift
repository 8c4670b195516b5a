import BMSCore

/// Learns the resistance of a cell from load steps, and never believes in less than it saw.
///
/// Ten calm seconds, a step of at least 5 % of C within five seconds, ten calm seconds: the change of voltage over the
/// change of current, 15 s after the step. That is the ohmic part and some diffusion; the rest of the diffusion is
/// added as a factor. Of the pack's average and the lowest cell (where it stayed the same cell) the larger counts.
/// Steps near Vbalance (boards bypass), near empty and far from the table's figure teach nothing.
///
/// Example: 16 LFP cells of 100 Ah, load step from 5 A to 45 A: pack falls by 0.51 V, 0.80 mohm a cell; DCL then
/// reckons with 2 x (0.80 + 2 deviations), at least 0.6 x the table's 1.6 mohm.
struct ResistanceEstimator: Sendable {
    /// More steps do not weigh more: cells age.
    static let mostSteps = 64
    /// Fewer prove nothing.
    private static let leastSteps = 8
    /// Standard deviation over mean; what scatters more is not believed.
    private static let mostScatter = 0.25
    /// Of the resistance at all times over that at 15 s (bench cells: 1.6 / 0.73 to 1.6 / 0.8).
    private static let diffusion = 2.2
    /// A cold cell resists more: share per kelvin below 25 degC.
    private static let perKelvin = 0.025
    private static let calmSeconds = 10.0

    /// Sums over a calm stretch.
    fileprivate struct Stretch {
        var seconds = 0.0
        var count = 0.0
        var current = 0.0
        var pack = 0.0
        var lowest = 0.0
        var lowestCell: Int?
        var isOneCell = true

        mutating func add(_ frame: Frame, _ elapsed: Double) {
            seconds += elapsed
            count += 1
            current += Double(frame.current?.rawValue ?? 0)
            pack += Double(frame.packVoltage.rawValue)
            lowest += Double(frame.lowestVoltage.rawValue)
            isOneCell = isOneCell && (lowestCell == nil || lowestCell == frame.lowestVoltageCell)
            lowestCell = frame.lowestVoltageCell
        }

        var meanCurrent: Double { current / max(1, count) }
    }

    private(set) var learned: LimitMemory.Resistance?
    private var before: Stretch?
    private var stretch = Stretch()
    private var secondsSinceBefore = 0.0

    init(_ memory: LimitMemory.Resistance? = nil) { learned = memory.flatMap(Self.sound) }

    /// A remembered figure within reason.
    private static func sound(_ memory: LimitMemory.Resistance) -> LimitMemory.Resistance? {
        let isSound =
            memory.mean.isFinite && memory.variance.isFinite && memory.mean > 0 && memory.mean < 1e6
            && memory.variance >= 0 && memory.variance < 1e12 && (1...mostSteps).contains(memory.steps)
        return isSound ? memory : nil
    }

    /// Takes a measuring frame.
    mutating func step(_ input: LimitInput) {
        guard isTeaching(input), input.elapsed > 0, input.elapsed <= 2.5 else {
            before = nil
            stretch = Stretch()
            return
        }
        let current = Double(input.current.rawValue)
        let calm = max(1500, 0.03 * abs(stretch.meanCurrent))
        secondsSinceBefore += input.elapsed
        if stretch.count > 0, abs(current - stretch.meanCurrent) > calm {
            // The load moved: what was calm long enough is one side of a step.
            if stretch.seconds >= Self.calmSeconds {
                before = stretch
                secondsSinceBefore = 0
            }
            stretch = Stretch()
        }
        // Of a long calm the newest part is the side of the next step.
        if stretch.seconds >= 2 * Self.calmSeconds { stretch.halve() }
        stretch.add(input.frame, input.elapsed)
        guard let old = before, stretch.seconds >= Self.calmSeconds else { return }
        before = nil
        if secondsSinceBefore <= Self.calmSeconds + 5 { learn(from: old, to: stretch, input) }
    }

    private func isTeaching(_ input: LimitInput) -> Bool {
        input.frame.current != nil && (8...95).contains(input.frame.soc)
            && input.frame.highestVoltage < input.settings.balanceVoltage - Millivolts(20)
            && input.frame.lowestVoltage > input.settings.minimumVoltage + input.profile.hold
    }

    private mutating func learn(from old: Stretch, to new: Stretch, _ input: LimitInput) {
        let step = new.meanCurrent - old.meanCurrent
        guard abs(step) >= max(4000, 0.05 * Double(input.capacity.rawValue)) else { return }
        let packStep = new.pack / new.count - old.pack / old.count
        var sample = packStep / step / Double(input.cells) * 1000
        if old.isOneCell, new.isOneCell, old.lowestCell == new.lowestCell {
            sample = max(sample, (new.lowest / new.count - old.lowest / old.count) / step * 1000)
        }
        sample /= Self.temperatureFactor(input)
        let expected = input.figures.expectedResistance
        guard sample > 0.1 * expected, sample < 4 * expected else { return }
        var known = learned ?? LimitMemory.Resistance(mean: sample, variance: 0, steps: 0)
        known.steps = min(Self.mostSteps, known.steps + 1)
        let weight = 1 / Double(known.steps)
        let deviation = sample - known.mean
        known.mean += weight * deviation
        known.variance = (1 - weight) * (known.variance + weight * deviation * deviation)
        learned = known
    }

    /// What a cell at the coldest temperature resists more than at 25 degC.
    private static func temperatureFactor(_ input: LimitInput) -> Double {
        let coldest = Double(input.coldest.rawValue) / 1000
        return 1 + perKelvin * max(0, min(60, 25 - coldest))
    }

    /// Enough steps that agree.
    var isConfident: Bool {
        guard let learned, learned.steps >= Self.leastSteps else { return false }
        return learned.variance <= Self.mostScatter * Self.mostScatter * learned.mean * learned.mean
    }

    /// Resistance of a cell for DCL, milliohm: learned where that is trustworthy, never below 0.6 of the table's, never
    /// above 4 times; else the table's.
    func used(_ input: LimitInput) -> Double {
        let expected = input.figures.expectedResistance
        guard isConfident, let learned else { return expected }
        let high = learned.mean + 2 * learned.variance.squareRoot()
        return min(4 * expected, max(0.6 * expected, high * Self.diffusion * Self.temperatureFactor(input)))
    }

    /// The resistance of the pack, and where it comes from.
    func resistance(_ input: LimitInput) -> PackResistance {
        func microohms(_ cell: Double) -> Int { Int(min(1e12, cell * 1000 * Double(input.cells))) }
        let learned = isConfident ? learned?.mean : nil
        return PackResistance(
            used: microohms(used(input)), measured: learned.map(microohms), steps: self.learned?.steps ?? 0,
            source: learned != nil ? .learned : input.configuration.cellResistance != nil ? .configuration : .chemistry)
    }
}

extension ResistanceEstimator.Stretch {
    /// Keeps its averages with half their weight.
    fileprivate mutating func halve() {
        seconds /= 2
        count /= 2
        current /= 2
        pack /= 2
        lowest /= 2
    }
}

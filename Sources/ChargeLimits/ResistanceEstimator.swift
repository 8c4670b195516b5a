import BMSCore

/// Learns the resistance of a cell from load steps, and never assumes less than it saw.
///
/// A lesson is ten calm seconds, a step of at least 5 % of C within five seconds, and ten calm seconds again: the resistance is the change
/// of voltage over the change of current, 15 s after the step. That is the ohmic part and some diffusion; the rest of the diffusion is
/// added as a factor. The larger figure of the pack's average and the lowest cell (where it stayed the same cell) counts. Steps near
/// Vbalance (boards bypass), near empty and far from the table's figure teach nothing.
///
/// Example: 16 LFP cells of 100 Ah, load step from 5 A to 45 A: pack falls by 0.51 V, 0.80 mohm a cell; DCL then uses 2 x (0.80 + 2
/// deviations), at least 0.6 x the table's 1.6 mohm.
struct ResistanceEstimator: Sendable {
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

        mutating func add(_ measured: Measurements, _ elapsed: Double) {
            seconds += elapsed
            count += 1
            current += Double(measured.current?.rawValue ?? 0)
            pack += Double(measured.packVoltage.rawValue)
            lowest += Double(measured.lowestVoltage.rawValue)
            isOneCell = isOneCell && (lowestCell == nil || lowestCell == measured.lowestVoltageCell)
            lowestCell = measured.lowestVoltageCell
        }

        var meanCurrent: Double { current / max(1, count) }
    }

    private(set) var learned: LearnedResistance
    private var before: Stretch?
    private var stretch = Stretch()
    private var secondsSinceBefore = 0.0

    init(_ memory: LimitMemory.Resistance? = nil) { learned = LearnedResistance(memory) }

    /// Takes a measurement.
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
            // The load moved: a stretch that was calm long enough is one side of a step.
            if stretch.seconds >= Self.calmSeconds {
                before = stretch
                secondsSinceBefore = 0
            }
            stretch = Stretch()
        }
        // The newest part of a long calm stretch is one side of the next step.
        if stretch.seconds >= 2 * Self.calmSeconds { stretch.halve() }
        stretch.add(input.measured, input.elapsed)
        guard let old = before, stretch.seconds >= Self.calmSeconds else { return }
        before = nil
        if secondsSinceBefore <= Self.calmSeconds + 5 { learn(from: old, to: stretch, input) }
    }

    private func isTeaching(_ input: LimitInput) -> Bool {
        input.measured.current != nil && (8...95).contains(input.measured.soc)
            && input.measured.highestVoltage < input.settings.balanceVoltage - Millivolts(20)
            && input.measured.lowestVoltage > input.figures.lowCell
    }

    private mutating func learn(from old: Stretch, to new: Stretch, _ input: LimitInput) {
        let step = new.meanCurrent - old.meanCurrent
        guard abs(step) >= max(4000, 0.05 * Double(input.capacity.rawValue)) else { return }
        let packStep = new.pack / new.count - old.pack / old.count
        var sample = packStep / step / Double(input.cells) * 1000
        if old.isOneCell, new.isOneCell, old.lowestCell == new.lowestCell {
            sample = max(sample, (new.lowest / new.count - old.lowest / old.count) / step * 1000)
        }
        learned.take(sample, input)
    }
}

extension ResistanceEstimator.Stretch {
    /// Keeps the averages of the stretch with half their weight.
    fileprivate mutating func halve() {
        seconds /= 2
        count /= 2
        current /= 2
        pack /= 2
        lowest /= 2
    }
}

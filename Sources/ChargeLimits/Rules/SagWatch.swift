import BMSCore

/// The worst sag of the lowest cell when a load switched on: a weak cell need not be the lowest at rest, so no calm stretch shows it.
///
/// Two frames on either side of a step of at least 30 % of C show the sag. Sag over step, times 1.6 for the diffusion that follows (bench
/// cells: 1.6 / 0.73 at all times, less the error from the steps of the readings), is the resistance. It counts where it is more than 1.3
/// times the known resistance, up to 6 times the table's, and fades by half in a week.
///
/// Example: 100 Ah, 4 to 74 A: the lowest cell falls from 3.150 to 2.940 V: 3.0 milliohm, so 4.8 milliohm count instead of 1.6.
struct SagWatch: Sendable {
    private static let least = 300
    private static let diffusion = 1.6
    private static let evidence = 1.3
    private static let most = 6.0
    private static let halfLife = 604_800.0

    /// Worst sag over step, milliohm; 0 where none was seen.
    private(set) var worst = 0.0
    /// The frame before a step, until the frame after it confirms the step.
    private var before: Measurements?

    /// Goes on from an earlier sag, milliohm; a value that no cell has is left out.
    mutating func recall(_ sag: Double) { if sag > 0, sag < 1e6 { worst = sag } }

    /// Resistance that the sag shows, milliohm; 0 where the sag is no evidence against the known resistance.
    func resistance(over known: Double) -> Double {
        worst * Self.diffusion > known * Self.evidence ? worst * Self.diffusion : 0
    }

    mutating func step(_ input: LimitInput) {
        guard input.elapsed > 0 else { return }
        let most = Self.most * input.figures.expectedResistance / Self.diffusion
        worst = min(most, worst * max(0, 1 - input.elapsed * 0.693 / Self.halfLife))
        defer { before = input.isLoadStep(of: Self.least) ? input.before : nil }
        guard let before, let old = before.current, let new = input.measured.current else { return }
        let step = Double((old - new).rawValue) / 1000
        guard step >= Double(input.capacity.rawValue * Self.least) / 1_000_000 else { return }
        // The less severe of the two frames after the step counts, so that one wrong frame teaches nothing.
        let sag = Double((before.lowestVoltage - input.lowestVoltage).rawValue) / step
        worst = max(worst, min(sag, most))
    }
}

/// The events that the simulated pack lives through.
public enum Scenario: String, CaseIterable, Sendable {
    /// Scenes of all kinds, one after the other, see ``TourScene``.
    case tour
    /// Sun, clouds and house loads.
    case day
    /// Charged by mains from nearly full.
    case full
    /// Discharged until the load relay opens.
    case empty
    /// One cell is ahead of the others.
    case imbalanced
    /// Cells below freezing.
    case cold
    /// Frozen cells in a system that feeds into the grid.
    case frost
    /// Every alarm in turn.
    case fault
    /// The cable goes silent.
    case silence

    /// One sentence for a person who chooses a scenario.
    public var summary: String {
        switch self {
        case .tour:
            "Scenes one after the other: sun, a leading cell, balancing, frost, a lost cell board, a pulled cable, empty, back."
        case .day: "A sunny day with clouds and house loads from 10:00; the pack is full by early afternoon."
        case .full: "A new BMS whose SoC is still a guess; mains charge the pack to full, which calibrates it."
        case .empty:
            "An evening load and an inverter that obeys DCL 0 alone empty the pack; the sun comes back at 6:00."
        case .imbalanced: "One cell is 4 % ahead, reaches Vbalance early and is bypassed while the others catch up."
        case .cold: "Cells start 6 degC below the lowest charging temperature, and the room is heated."
        case .frost:
            "Frozen cells that the BMS would let charge, and chargers 0.4 V above CVL; the room is heated after two hours."
        case .fault:
            "Each alarm in turn within seven minutes: high, low, warm, cold, no cell communication; then again."
        case .silence: "Frames stop for 5 s, 20 s and 90 s, with a minute between, while the pack charges."
        }
    }
}

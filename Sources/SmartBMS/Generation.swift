/// Generation of the BMS. The wire does not carry it; a BMS that sends keys is generation 3.
public enum Generation: Int, Sendable, CaseIterable {
    /// IN and OUT boards: bytes 47 and 48 are a clock, a frame every 1.0 or 0.5 s.
    case two = 2
    /// Begin and End boards: key-values, a frame every second.
    case three = 3
}

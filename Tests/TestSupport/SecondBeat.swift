/// The beat on which a BMS sends: one frame a second. A reader that has doubted a frame believes only frames that keep to it, so a test that
/// waits "a second after the last frame" is too slow on a busy machine for ever.
public struct SecondBeat {
    private let start = ContinuousClock.now

    /// The beat that begins now.
    public init() {}

    /// Seconds to the next beat, more than 0 and at most 1. Beats that a machine has missed are left out.
    public var secondsToNext: Double {
        1 - Double((ContinuousClock.now - start).components.attoseconds) / 1e18
    }
}

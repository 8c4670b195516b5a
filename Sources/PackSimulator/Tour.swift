/// A scene of the tour: what happens, why, and how fast time should run while somebody watches.
public struct TourScene: Hashable, Sendable {
    /// Name in a few words.
    public let title: String
    /// Events and their reasons, in one or two sentences.
    public let caption: String
    /// Simulated seconds per second at which the scene is best watched.
    public let speed: Double
    /// Length, simulated seconds.
    public let length: Int

    /// Seconds in which the chain of cell boards is cut.
    var cut = 0..<0
    /// Seconds in which no frames come.
    var silence = 0..<0
}

/// The scenes of ``Scenario/tour``, again and again. A scene with a plan begins with another pack of the same make.
enum Tour {
    static let scenes: [(scene: TourScene, plan: ScenarioPlan?)] = [
        (
            TourScene(
                title: "Sun",
                caption: "The sun charges the pack, which is nearly full. Cell {ahead} is fuller than the others.",
                speed: 30, length: 210),
            ScenarioPlan(
                start: 10 * 3600 + 2400, soc: 0.925, ahead: 0.04, source: .sun(0.36), loads: .constant(0.03))
        ),
        (
            TourScene(
                title: "One cell leads",
                caption:
                    "Cell {ahead} reaches the balancing voltage first. CVL follows it, so that it does not run away from the "
                    + "others.",
                speed: 40, length: 600), nil
        ),
        (
            TourScene(
                title: "Balancing",
                caption:
                    "Cell {ahead} burns its surplus in its board (*), while a small current lets the others catch up.",
                speed: 100, length: 2_400), nil
        ),
        (
            TourScene(
                title: "Cold morning",
                caption:
                    "Next morning the cells are below freezing, and charging would ruin them: CCL is 0. The room is heated, "
                    + "and CCL follows the coldest cell.",
                speed: 200, length: 7_200),
            ScenarioPlan(start: 6 * 3600 + 1800, soc: 0.5, source: .mains(0.25), loads: .constant(0.05), frost: 6)
        ),
        (
            TourScene(
                title: "A cell board is lost",
                caption:
                    "A wire between two cell boards breaks. Without cell voltages nothing is safe, so both currents end at "
                    + "once. It is repaired, and they come back slowly.",
                speed: 15, length: 300, cut: 45..<150),
            ScenarioPlan(start: 12 * 3600, soc: 0.6, source: .mains(0.2), loads: .constant(0.05))
        ),
        (
            TourScene(
                title: "The cable is pulled",
                caption:
                    "No frame comes any more. After 10 s CCL is 0 and DCL is small, after 60 s DCL is 0, too: no limit "
                    + "outlives its data.",
                speed: 8, length: 200, silence: 16..<112), nil
        ),
        (
            TourScene(
                title: "Empty",
                caption:
                    "An evening load empties the pack. DCL falls with the lowest cell, so that the BMS does not have to open "
                    + "its relay.",
                speed: 60, length: 1_800),
            ScenarioPlan(start: 20 * 3600 + 1800, soc: 0.07, source: .sun(0.33), loads: .evening(0.3))
        ),
        (
            TourScene(
                title: "Back", caption: "The sun is back, and the limits rise slowly. Then the tour begins anew.",
                speed: 30, length: 600),
            ScenarioPlan(start: 8 * 3600, soc: 0.06, source: .sun(0.5), loads: .constant(0.02))
        ),
    ]
}

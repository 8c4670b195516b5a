/// Every constraint. Where two give the same value the earlier one is named as the reason: a ceiling that never moves
/// before a measurement that happens to permit as much. A new constraint is a row here.
enum ConstraintTable {
    static func all() -> [any Constraint] {
        [
            TargetVoltage(), Ceilings(), FloatVoltage(), HighestCell(), HardCellCut(), HotBoards(), LowestCell(),
            TemperatureWindow(), StateOfChargeReserve(), StatusBits(), CellCountChange(),
        ]
    }
}

/// Every constraint, in the order of the `limits` document. A new one is a row here.
enum ConstraintTable {
    static func all() -> [any Constraint] {
        [TargetVoltage(), HighestCell(), HardCellCut(), LowestCell(), TemperatureWindow(), Ceilings(), StatusBits()]
    }
}

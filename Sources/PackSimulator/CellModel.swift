public import BMSCore

/// Typical values of a cell of one chemistry: rest voltage, resistance of a 100 Ah cell at 25 degC, and the temperatures that suit it. They
/// are round approximations of common prismatic cells, not of one product.
public struct CellModel: Sendable {
    /// Cell chemistry.
    public typealias Chemistry = BMSCore.Chemistry

    let chemistry: Chemistry
    let rest: RestVoltageCurve
    /// Ohmic resistance of a 100 Ah cell, ohm.
    let ohmic: Double
    /// Charge transfer: resistance of a 100 Ah cell in ohm, and its time constant in seconds.
    let fast: (resistance: Double, seconds: Double)
    /// Diffusion: resistance of a 100 Ah cell in ohm, and its time constant in seconds.
    let slow: (resistance: Double, seconds: Double)
    /// Settings T-min (charge), T-min (discharge) and T-max in degC: chosen here; the manuals leave them to the owner.
    let temperatures: (charge: Double, discharge: Double, highest: Double)

    /// Nominal voltage of a cell in V.
    var nominal: Double { Double(chemistry.nominalVoltage.rawValue) / 1000 }

    /// The model of a chemistry.
    static func of(_ chemistry: Chemistry) -> CellModel {
        switch chemistry {
        case .lfp: lfp
        case .nmc: nmc
        case .nca: nca
        case .lto: lto
        }
    }

    private static let lfp = CellModel(
        chemistry: .lfp,
        rest: RestVoltageCurve([
            -0.05: 1.90, 0: 2.50, 0.005: 2.64, 0.01: 2.75, 0.02: 2.89, 0.03: 2.97, 0.05: 3.06, 0.08: 3.135,
            0.1: 3.165, 0.15: 3.205, 0.2: 3.23, 0.3: 3.26, 0.4: 3.28, 0.5: 3.288, 0.6: 3.294, 0.65: 3.304,
            0.7: 3.32, 0.8: 3.329, 0.9: 3.334, 0.95: 3.338, 0.97: 3.343, 0.98: 3.352, 0.985: 3.361, 0.99: 3.378,
            0.995: 3.416, 1: 3.50, 1.005: 3.61, 1.01: 3.74, 1.03: 4.30,
        ]),
        ohmic: 0.6e-3, fast: (0.4e-3, 40), slow: (0.6e-3, 900), temperatures: (0, -20, 55))

    private static let nmc = CellModel(
        chemistry: .nmc,
        rest: RestVoltageCurve([
            -0.05: 2.40, 0: 3.00, 0.02: 3.25, 0.05: 3.40, 0.1: 3.48, 0.2: 3.56, 0.3: 3.61, 0.4: 3.65, 0.5: 3.70,
            0.6: 3.78, 0.7: 3.87, 0.8: 3.97, 0.9: 4.07, 0.95: 4.125, 1: 4.19, 1.05: 4.27, 1.1: 4.40,
        ]),
        ohmic: 0.9e-3, fast: (0.6e-3, 30), slow: (0.7e-3, 700), temperatures: (0, -20, 50))

    private static let nca = CellModel(
        chemistry: .nca,
        rest: RestVoltageCurve([
            -0.05: 2.30, 0: 2.90, 0.02: 3.14, 0.05: 3.29, 0.1: 3.39, 0.2: 3.51, 0.3: 3.58, 0.4: 3.63, 0.5: 3.69,
            0.6: 3.77, 0.7: 3.86, 0.8: 3.95, 0.9: 4.05, 0.95: 4.11, 1: 4.18, 1.05: 4.27, 1.1: 4.40,
        ]),
        ohmic: 0.8e-3, fast: (0.6e-3, 30), slow: (0.7e-3, 600), temperatures: (0, -20, 50))

    private static let lto = CellModel(
        chemistry: .lto,
        rest: RestVoltageCurve([
            -0.05: 1.40, 0: 1.80, 0.02: 1.98, 0.05: 2.07, 0.1: 2.13, 0.2: 2.19, 0.3: 2.22, 0.4: 2.25, 0.5: 2.28,
            0.6: 2.31, 0.7: 2.35, 0.8: 2.40, 0.9: 2.46, 0.95: 2.51, 0.98: 2.57, 1: 2.65, 1.02: 2.76, 1.05: 3.00,
        ]),
        ohmic: 0.4e-3, fast: (0.2e-3, 20), slow: (0.2e-3, 500), temperatures: (-20, -30, 60))
}

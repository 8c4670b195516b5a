import BMSCore

/// What the owner allows, and the figures of a chemistry under it. Behind a reference, for each step of a pack looks at it and none
/// changes it.
final class LimitFigures: Sendable {
    let chemistry: Chemistry?
    let configuration: LimitConfiguration
    let profile: ChemistryProfile

    init(_ chemistry: Chemistry?, _ configuration: LimitConfiguration) {
        self.chemistry = chemistry
        self.configuration = configuration
        profile = ChemistryProfile.of(chemistry).adapted(to: configuration)
    }
}

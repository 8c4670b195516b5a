/// Resistance of a pack as DCL uses it.
public struct PackResistance: Hashable, Sendable {
    /// The source of a figure.
    public enum Source: String, Sendable {
        /// The table of the chemistry.
        case chemistry
        /// The configuration file.
        case configuration
        /// Load steps of this pack.
        case learned
    }

    /// Resistance that DCL uses, for the pack, with diffusion and on the high side, microohms.
    public var used: Int
    /// Measured at load steps, for the pack, at 25 degC, microohms; `nil` until there are enough steps that agree.
    public var measured: Int?
    /// Load steps that count.
    public var steps: Int
    /// The source of ``used``.
    public var source: Source
}

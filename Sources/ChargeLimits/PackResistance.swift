/// Resistance of a pack as DCL reckons with it.
public struct PackResistance: Hashable, Sendable {
    /// Whence the figure comes.
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
    /// Whence ``used`` comes.
    public var source: Source
}

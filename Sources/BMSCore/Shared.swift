/// A value behind a reference, for what is copied along far more often than it is made anew or looked at.
public final class Shared<Value: Hashable & Sendable>: Hashable, Sendable {
    /// The value.
    public let value: Value

    /// Shares a value.
    public init(_ value: Value) { self.value = value }

    /// Equal values, wherever they lie.
    public static func == (left: Shared, right: Shared) -> Bool { left === right || left.value == right.value }

    /// By the value.
    public func hash(into hasher: inout Hasher) { hasher.combine(value) }
}

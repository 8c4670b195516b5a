/// A value behind a reference, for values that are copied along far more often than they are made or looked at.
public final class Shared<Value: Hashable & Sendable>: Hashable, Sendable {
    /// The value.
    public let value: Value

    /// Shares a value.
    public init(_ value: Value) { self.value = value }

    /// True for equal values, wherever they are stored.
    public static func == (left: Shared, right: Shared) -> Bool { left === right || left.value == right.value }

    /// Hashes the value.
    public func hash(into hasher: inout Hasher) { hasher.combine(value) }
}

/// An amount that fits into 32 bits; one beyond is cut to the nearest that does.
@propertyWrapper
public struct Short<Unit: UnitOfMeasure>: Hashable, Sendable {
    private var stored: Int32

    /// Keeps an amount.
    public init(wrappedValue: Quantity<Unit>) { stored = Int32(clamping: wrappedValue.rawValue) }

    /// The amount.
    public var wrappedValue: Quantity<Unit> {
        get { Quantity(Int(stored)) }
        set { self = Self(wrappedValue: newValue) }
    }
}

/// An amount that fits into 32 bits, or none.
@propertyWrapper
public struct ShortIfAny<Unit: UnitOfMeasure>: Hashable, Sendable {
    /// No amount of the wire is there.
    private static var none: Int32 { .min }

    private var stored: Int32

    /// Keeps an amount, or that there is none.
    public init(wrappedValue: Quantity<Unit>?) {
        stored = wrappedValue.map { max(Self.none + 1, Int32(clamping: $0.rawValue)) } ?? Self.none
    }

    /// The amount; `nil`: there is none.
    public var wrappedValue: Quantity<Unit>? {
        get { stored == Self.none ? nil : Quantity(Int(stored)) }
        set { self = Self(wrappedValue: newValue) }
    }
}

/// A number of one byte, 0...255; one beyond is cut to the nearest.
@propertyWrapper
public struct Octet: Hashable, Sendable {
    private var stored: UInt8

    /// Keeps a number.
    public init(wrappedValue: Int) { stored = UInt8(clamping: wrappedValue) }

    /// The number.
    public var wrappedValue: Int {
        get { Int(stored) }
        set { self = Self(wrappedValue: newValue) }
    }
}

/// A unit of measure, as a type: amounts of different units do not mix.
public protocol UnitOfMeasure: Sendable {
    /// Symbol, as shown to people.
    static var symbol: String { get }
}

/// A whole number of one unit, as on the wire: no rounding, no binary fractions.
public struct Quantity<Unit: UnitOfMeasure>: Hashable, Comparable, Sendable, AdditiveArithmetic {
    /// The count of the unit.
    public var rawValue: Int

    /// Wraps a count of the unit.
    @inlinable
    public init(_ rawValue: Int) { self.rawValue = rawValue }

    /// No amount.
    @inlinable
    public static var zero: Self { Self(0) }

    /// Amount without its sign.
    @inlinable
    public var magnitude: Self { Self(abs(rawValue)) }

    /// Sum of two amounts.
    @inlinable
    public static func + (left: Self, right: Self) -> Self { Self(left.rawValue + right.rawValue) }

    /// Difference of two amounts.
    @inlinable
    public static func - (left: Self, right: Self) -> Self { Self(left.rawValue - right.rawValue) }

    /// A multiple, as in cells x volts per cell.
    @inlinable
    public static func * (left: Self, factor: Int) -> Self { Self(left.rawValue * factor) }

    /// Order by amount.
    @inlinable
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension Quantity: CustomStringConvertible {
    /// Amount and unit, for logs.
    public var description: String { "\(rawValue) \(Unit.symbol)" }
}

/// The units of this project.
public enum Units {
    /// Symbol mV.
    public enum Millivolt: UnitOfMeasure {
        /// mV
        public static let symbol = "mV"
    }
    /// Symbol mA.
    public enum Milliampere: UnitOfMeasure {
        /// mA
        public static let symbol = "mA"
    }
    /// Symbol mW.
    public enum Milliwatt: UnitOfMeasure {
        /// mW
        public static let symbol = "mW"
    }
    /// Symbol Wh.
    public enum WattHour: UnitOfMeasure {
        /// Wh
        public static let symbol = "Wh"
    }
    /// Symbol mAh.
    public enum MilliampereHour: UnitOfMeasure {
        /// mAh
        public static let symbol = "mAh"
    }
    /// Symbol m°C.
    public enum Millidegree: UnitOfMeasure {
        /// m°C
        public static let symbol = "m°C"
    }
}

/// Electric potential in thousandths of a volt. The wire counts 5 mV.
public typealias Millivolts = Quantity<Units.Millivolt>
/// Electric current in thousandths of an ampere; positive charges the battery. The wire counts 125 mA.
public typealias Milliamperes = Quantity<Units.Milliampere>
/// Power in thousandths of a watt; positive charges the battery.
public typealias Milliwatts = Quantity<Units.Milliwatt>
/// Energy in watt-hours.
public typealias WattHours = Quantity<Units.WattHour>
/// Charge in thousandths of an ampere-hour.
public typealias MilliampereHours = Quantity<Units.MilliampereHour>
/// Temperature in thousandths of a degree Celsius.
public typealias Millidegrees = Quantity<Units.Millidegree>

extension Milliwatts {
    /// Product of a voltage and a current, rounded toward zero.
    public init(_ voltage: Millivolts, _ current: Milliamperes) {
        self.init(voltage.rawValue * current.rawValue / 1000)
    }
}

/// A moment on a clock that never jumps: milliseconds since an arbitrary start. Its source is the caller's business;
/// nothing in this module reads a clock.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Milliseconds since the clock's start.
    public var milliseconds: Int64
    /// Wraps a count of milliseconds.
    public init(milliseconds: Int64) { self.milliseconds = milliseconds }
    /// Order in time.
    public static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }
    /// Milliseconds from `right` to `left`; negative when `left` is earlier. The difference saturates: if it wrapped around, the oldest
    /// moment would look like the newest.
    public static func - (left: Self, right: Self) -> Int64 {
        let (difference, isOverflow) = left.milliseconds.subtractingReportingOverflow(right.milliseconds)
        return isOverflow ? (left < right ? .min : .max) : difference
    }
    /// A later (or earlier) moment; saturates.
    public static func + (left: Self, milliseconds: Int64) -> Self {
        let (sum, isOverflow) = left.milliseconds.addingReportingOverflow(milliseconds)
        return Self(milliseconds: isOverflow ? (milliseconds < 0 ? .min : .max) : sum)
    }
}

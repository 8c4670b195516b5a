import BMSCore

/// Value of a setting.
public enum SettingValue: Hashable, Sendable {
    /// Thousandths of the unit.
    case number(Int)
    /// On or off.
    case flag(Bool)
    /// One of some words.
    case word(String)
    /// Text for people.
    case text(String)

    /// Decimals that a number in thousandths needs, 0...3.
    package static func decimals(_ thousandths: Int) -> Int {
        thousandths % 1000 == 0 ? 0 : thousandths % 100 == 0 ? 1 : thousandths % 10 == 0 ? 2 : 3
    }

    /// The value as a person would write it.
    package var shown: String {
        switch self {
        case .number(let thousandths):
            FixedPoint.text(thousandths: thousandths, decimals: Self.decimals(thousandths))
        case .flag(let isOn): isOn ? "ON" : "OFF"
        case .word(let word): word
        case .text(let text): text
        }
    }
}

/// A setting that somebody changed.
public struct StoredSetting: Hashable, Sendable {
    /// Its value.
    public var value: SettingValue
    /// Wall time of the change, ms since 1970.
    public var setAt: Int64
    /// Minute of the day then, local time; `nil`: unknown.
    public var minuteOfDay: Int?
    /// Milliseconds for which it is in force, by clocks that nobody sets; `nil`: not counted.
    public var age: Int64?

    /// A changed setting.
    public init(_ value: SettingValue, setAt: Int64, minuteOfDay: Int? = nil, age: Int64? = nil) {
        self.age = age
        self.value = value
        self.setAt = setAt
        self.minuteOfDay = minuteOfDay
    }
}

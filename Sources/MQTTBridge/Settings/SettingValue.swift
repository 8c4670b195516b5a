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

    /// As it stands in documents; numbers with as many decimals as they need, at most three.
    var document: MetricValue {
        switch self {
        case .number(let thousandths):
            let decimals = thousandths % 1000 == 0 ? 0 : thousandths % 100 == 0 ? 1 : thousandths % 10 == 0 ? 2 : 3
            return .decimal(thousandths: thousandths, decimals: decimals)
        case .flag(let isOn): return .text(isOn ? "ON" : "OFF")
        case .word(let word): return .text(word)
        case .text(let text): return .text(text)
        }
    }

    /// As a person would write it.
    var shown: String {
        switch self.document {
        case .decimal(let thousandths, let decimals): FixedPoint.text(thousandths: thousandths, decimals: decimals)
        case .text(let text): text
        default: ""
        }
    }
}

/// A setting that somebody changed.
public struct StoredSetting: Hashable, Sendable {
    /// Its value.
    public var value: SettingValue
    /// When, ms since 1970.
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

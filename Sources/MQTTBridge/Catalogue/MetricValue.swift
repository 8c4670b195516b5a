import BatteryEngine
package import JSON

/// A value as it goes out: unknown is null, numbers have fixed decimals, flags are 0 and 1.
public enum MetricValue: Hashable, Sendable {
    /// Unknown.
    case null
    /// A whole number; flags are 0 and 1, alarms 0, 1 and 2.
    case integer(Int)
    /// Thousandths of the unit, printed with the given number of decimals, 0...3.
    case decimal(thousandths: Int, decimals: Int)
    /// Text.
    case text(String)

    /// 0 or 1; unknown stays unknown.
    static func flag(_ value: Bool?) -> MetricValue { value.map { .integer($0 ? 1 : 0) } ?? .null }

    /// A whole number; unknown stays unknown.
    static func whole(_ value: Int?) -> MetricValue { value.map { .integer($0) } ?? .null }

    /// A quantity in thousandths of its unit; unknown stays unknown.
    static func thousandths(_ value: Int?, _ decimals: Int) -> MetricValue {
        value.map { .decimal(thousandths: $0, decimals: decimals) } ?? .null
    }

    /// Text; unknown stays unknown.
    static func string(_ value: String?) -> MetricValue { value.map { .text($0) } ?? .null }
}

extension JSONWriter {
    package mutating func value(_ value: MetricValue) {
        switch value {
        case .null: null()
        case .integer(let number): self.value(number)
        case .decimal(let thousandths, let decimals): self.value(thousandths: thousandths, decimals: decimals)
        case .text(let text): self.value(text)
        }
    }

    /// A member of an object.
    package mutating func member(_ name: String, _ value: MetricValue) {
        key(name)
        self.value(value)
    }
}

extension SettingValue {
    /// The value in a document; numbers have as many decimals as they need, at most three.
    var document: MetricValue {
        switch self {
        case .number(let thousandths):
            .decimal(thousandths: thousandths, decimals: Self.decimals(thousandths))
        case .flag, .word, .text: .text(shown)
        }
    }
}

import BMSCore

/// The reason why a setting cannot have a value, as a sentence that names the setting.
package struct SettingFault: Error {
    var text: String
}

// Values of commands as values of settings. Every way in ends here: MQTT, the GX tree, the command line.
extension SettingRow {
    /// The value that a command gives the setting.
    ///
    /// - Throws: the reason of a refusal.
    func value(_ given: CommandValue, _ context: SettingContext) throws(SettingFault) -> SettingValue {
        switch kind {
        case .number(let unit, let step, let bounds): return try number(given, unit, step, bounds(context))
        case .flag:
            guard let isOn = given.isOn else { throw fault("must be ON or OFF") }
            return .flag(isOn)
        case .word(let words):
            guard let word = given.word(of: words) else {
                throw fault("must be one of \(words.joined(separator: ", "))")
            }
            return .word(word)
        case .text(let longest): return try text(given, longest)
        case .button: throw fault("is a button, which takes no value")
        }
    }

    private func number(
        _ given: CommandValue, _ unit: String, _ step: Int, _ bounds: ClosedRange<Int>?
    ) throws(SettingFault) -> SettingValue {
        guard let bounds else { throw fault("is bounded by the BMS's thresholds, and no frame came from it yet") }
        guard let number = given.thousandths else {
            let point = given.hasDecimalComma ? ", with a point before the decimals" : ""
            throw fault("must be a number of \(Self.name(unit))\(point)")
        }
        guard bounds.contains(number) else {
            let low = SettingValue.number(bounds.lowerBound).shown
            let high = SettingValue.number(bounds.upperBound).shown
            throw fault(
                "must be \(low) to \(high) \(unit), asked for \(SettingValue.number(number).shown) \(unit)")
        }
        return .number(step >= 1000 ? (number + step / 2) / step * step : number)
    }

    private func text(_ given: CommandValue, _ longest: Int) throws(SettingFault) -> SettingValue {
        let text: String
        switch given {
        case .text(let words): text = words
        case .number(let thousandths): text = SettingValue.number(thousandths).shown
        case .flag: throw fault("must be text")
        }
        guard kind.accepts(.text(text)) else {
            throw fault(
                "must be one line of at most \(longest) characters, without control characters and without marks that turn text "
                    + "around")
        }
        return .text(text)
    }

    private func fault(_ reason: String) -> SettingFault { SettingFault(text: "\(name) \(reason)") }

    private static func name(_ unit: String) -> String {
        ["A": "amperes", "V": "volts", "d": "days", "%": "percent"][unit] ?? unit
    }
}

extension SettingRow.Kind {
    /// A kept value can be one of this kind.
    func accepts(_ value: SettingValue) -> Bool {
        switch (self, value) {
        case (.number, .number(let number)): number.magnitude <= 1_000_000_000_000
        case (.flag, .flag): true
        case (.word(let words), .word(let word)): words.contains(word)
        case (.text(let longest), .text(let text)): text.count <= longest && text.isPlain
        default: false
        }
    }
}

extension CommandValue {
    /// The number, also where it was written as a text; `nil`: it is none.
    fileprivate var thousandths: Int? {
        switch self {
        case .number(let thousandths): thousandths
        case .text(let text): FixedPoint.thousandths(text)
        case .flag: nil
        }
    }

    /// A number that is written with a comma before its decimals.
    fileprivate var hasDecimalComma: Bool {
        if case .text(let text) = self { FixedPoint.hasDecimalComma(text) } else { false }
    }

    /// On or off, by every spelling of it; `nil`: it is neither.
    fileprivate var isOn: Bool? {
        switch self {
        case .flag(let isOn): isOn
        case .text(let word): SwitchWord.isOn(word)
        case .number(let thousandths): thousandths == 0 ? false : thousandths == 1000 ? true : nil
        }
    }

    /// One of some words, in any case; where `on` or `off` is one of them, by every spelling of it.
    fileprivate func word(of words: [String]) -> String? {
        if case .text(let text) = self, let word = words.first(where: { $0 == text.lowercased() }) { return word }
        guard let isOn else { return nil }
        return words.first { $0 == (isOn ? "on" : "off") }
    }
}

import BMSCore
import ChargeLimits

/// One key of the configuration: path, kind of value, default, meaning and effect. The parser, the default file and
/// docs/configuration.md are made from tables of these rows.
struct ConfigurationKey<Target>: Sendable {
    /// Kind and range of a value.
    enum Kind: Sendable {
        /// Text up to a length in characters; it may be empty only where an empty text has a meaning.
        case text(longest: Int, mayBeEmpty: Bool = false)
        /// Text that a rule must accept; the rule returns a complaint, or `nil`.
        case checked(@Sendable (String) -> String?)
        /// One of some words.
        case choice([String])
        /// true or false.
        case flag
        /// true, false or auto.
        case flagOrAuto
        /// A whole number.
        case whole(ClosedRange<Int>, unit: String)
        /// A number with up to three decimals, kept in thousandths.
        case decimal(ClosedRange<Int>, unit: String)
        /// Pairs of temperature and share of C.
        case curve
        /// Identifiers of packs.
        case identifiers
        /// Brokers, each with or without a port.
        case brokers
    }

    /// A value that fits its kind.
    enum Value: Sendable {
        case text(String)
        case flag(Bool)
        /// The whole number, or thousandths of a decimal one.
        case number(Int)
        case curve(TemperatureCurve)
        case list([String])
    }

    /// Dotted path, like "mqtt.tls.caFile".
    var path: String
    var kind: Kind
    /// Default as written in a file; `nil`: none, the key is left out.
    var standard: String?
    /// Meaning in one or two sentences.
    var meaning: String
    /// A value to show where there is no default.
    var example: String
    /// A `#` may be a part of the value, so a comment behind it deserves a word.
    var warnsOfComment = false
    /// Sets the option of the target to a value.
    var apply: @Sendable (inout Target, Value) -> Void

    init(
        _ path: String, _ kind: Kind, _ standard: String?, _ meaning: String, example: String = "",
        warnsOfComment: Bool = false, apply: @escaping @Sendable (inout Target, Value) -> Void
    ) {
        self.path = path
        self.kind = kind
        self.standard = standard
        self.meaning = meaning
        self.example = example
        self.warnsOfComment = warnsOfComment
        self.apply = apply
    }

    /// The value of a node, or its fault.
    func value(_ node: YAMLNode) -> Result<Value, ConfigurationFault> {
        func fault(_ text: String) -> Result<Value, ConfigurationFault> {
            .failure(ConfigurationFault(place: node.place, text: "\(path): \(text)"))
        }
        if case .curve = kind { return curve(node) }
        if case .identifiers = kind { return identifiers(node) }
        if case .brokers = kind { return BrokerText.list(node, path, expectation).map { .list($0) } }
        guard case .scalar(let text, let isPlain) = node.content else {
            return fault("expected \(expectation), found \(node.kind)")
        }
        if node.isEmpty { return fault("expected \(expectation), found nothing: give a value or leave the key out") }
        let quoted = "expected \(expectation), found the text '\(text.prefix(40))': leave out the quotes"
        switch kind {
        case .text(let longest, let mayBeEmpty):
            guard !text.isEmpty || mayBeEmpty else {
                return fault("expected \(expectation), found nothing: give a value or leave the key out")
            }
            guard text.count <= longest, text.isPlain else {
                return fault(
                    "expected one line of at most \(longest) characters, without control characters and without marks of text direction"
                )
            }
            return .success(.text(text))
        case .checked(let rule):
            if let complaint = rule(text) { return fault(complaint + (PastedCharacter.hint(text) ?? "")) }
            return .success(.text(text))
        case .choice(let words):
            guard words.contains(text) else { return fault("expected \(expectation), found \(node.kind)") }
            return .success(.text(text))
        case .flag:
            if !isPlain, SwitchWord.isOn(text) != nil { return fault(quoted) }
            guard isPlain, let flag = SwitchWord.isOn(text) else {
                return fault("expected true or false, found \(node.kind)")
            }
            return .success(.flag(flag))
        case .flagOrAuto:
            if text == "auto" { return .success(.text(text)) }
            guard isPlain, let flag = SwitchWord.isOn(text) else {
                return fault("expected \(expectation), found \(node.kind)")
            }
            return .success(.flag(flag))
        case .whole(let range, _):
            if !isPlain, Int(text) != nil { return fault(quoted) }
            guard isPlain, let number = Int(text), range.contains(number) else {
                return fault("expected \(expectation), found \(node.kind)\(Self.numberHint(text))")
            }
            return .success(.number(number))
        case .decimal(let range, _):
            if !isPlain, FixedPoint.thousandths(text) != nil { return fault(quoted) }
            guard isPlain, let number = FixedPoint.thousandths(text), range.contains(number) else {
                return fault("expected \(expectation), found \(node.kind)\(Self.numberHint(text))")
            }
            return .success(.number(number))
        case .curve: return curve(node)
        case .identifiers: return identifiers(node)
        case .brokers: return BrokerText.list(node, path, expectation).map { .list($0) }
        }
    }

    private func identifiers(_ node: YAMLNode) -> Result<Value, ConfigurationFault> {
        guard case .sequence(let items) = node.content, items.count <= 1000 else {
            return .failure(
                ConfigurationFault(
                    place: node.place, text: "\(path): expected \(expectation), at most 1000, found \(node.kind)"))
        }
        var names: [String] = []
        for item in items {
            guard case .scalar(let text, _) = item.content, !item.isEmpty else {
                return .failure(
                    ConfigurationFault(
                        place: item.place, text: "\(path): expected the id of a pack, found \(item.kind)"))
            }
            names.append(text)
        }
        return .success(.list(names))
    }

    /// The curve of a node; a fault names the first wrong pair.
    private func curve(_ node: YAMLNode) -> Result<Value, ConfigurationFault> {
        func fault(_ node: YAMLNode, _ text: String) -> Result<Value, ConfigurationFault> {
            .failure(ConfigurationFault(place: node.place, text: "\(path): \(text)"))
        }
        guard case .sequence(let items) = node.content, (2...50).contains(items.count) else {
            return fault(node, "expected \(expectation), found \(node.kind)")
        }
        var points: [TemperatureCurve.Point] = []
        for item in items {
            guard
                case .sequence(let pair) = item.content, pair.count == 2, let temperature = Self.number(pair[0]),
                let rate = Self.number(pair[1]), (-60_000...100_000).contains(temperature), (0...10_000).contains(rate)
            else { return fault(item, "expected a pair like [5, 0.1]: degrees Celsius -60 to 100, share of C 0 to 10") }
            if let last = points.last, temperature <= last.temperature.rawValue {
                return fault(item, "temperatures must rise from pair to pair")
            }
            points.append(TemperatureCurve.Point(Millidegrees(temperature), rate: rate))
        }
        guard let curve = TemperatureCurve(points: points) else {
            return fault(node, "the share of C may rise and then fall, but not rise again")
        }
        return .success(.curve(curve))
    }

    private static func number(_ node: YAMLNode) -> Int? {
        guard case .scalar(let text, isPlain: true) = node.content else { return nil }
        return FixedPoint.thousandths(text)
    }

    /// Advice about a text that is nearly a number.
    private static func numberHint(_ text: String) -> String {
        if FixedPoint.hasDecimalComma(text) {
            return ": write the decimals behind a point"
        }
        if let hint = PastedCharacter.hint(text) { return hint }
        let digits = text.prefix { $0.isASCII && ($0.isNumber || ".-".contains($0)) }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }.lowercased()
        let units: Set = [
            "a", "ah", "v", "mv", "w", "kw", "kwh", "%", "s", "sec", "h", "d", "c", "°c", "°", "mω", "mohm", "k",
        ]
        return units.contains(unit) && FixedPoint.thousandths(String(digits)) != nil
            ? ": write the number alone, \(digits)" : ""
    }

    /// Description of the values that the key accepts, for messages and documentation.
    var expectation: String {
        switch kind {
        case .text(let longest, _): "text of at most \(longest) characters"
        case .checked: "text"
        case .choice(let words):
            words.count < 2 ? words.joined() : words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
        case .flag: "true or false"
        case .flagOrAuto: "true, false or auto"
        case .whole(let range, let unit):
            "a whole number\(unit.isEmpty ? "" : " of \(unit)"), \(range.lowerBound) to \(range.upperBound)"
        case .decimal(let range, let unit):
            "a number of \(unit), \(Self.decimal(range.lowerBound)) to \(Self.decimal(range.upperBound))"
        case .identifiers: "a list of ids like [garage, cellar]"
        case .brokers: "a list of 1 to \(BrokerText.most) brokers like [broker-a, \"192.0.2.7:1884\"]"
        case .curve: "a list of 2 to 50 pairs [degrees Celsius, share of C], by rising temperature"
        }
    }

    static func decimal(_ thousandths: Int) -> String {
        thousandths.isMultiple(of: 1000)
            ? "\(thousandths / 1000)" : String(format(thousandths).reversed().drop { $0 == "0" }.reversed())
    }

    private static func format(_ thousandths: Int) -> String {
        let fraction = String(1000 + thousandths.magnitude % 1000).dropFirst()
        return "\(thousandths < 0 ? "-" : "")\(thousandths.magnitude / 1000).\(fraction)"
    }
}

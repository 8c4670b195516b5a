import BMSCore
import BatteryEngine

/// One frame of a protocol: its identifier, its length, and what its bytes mean.
struct CANRow: Sendable {
    /// Identifier.
    var id: UInt16
    /// Number of bytes; those without a field are 0.
    var length = 8
    /// Meaning in a few words.
    var title: String
    /// Its fields. Unless all numbers among them are known, the frame is not sent: there is no way to say "unknown" in it.
    var fields: [CANField]

    /// The frame of a report; `nil` where one of its numbers is unknown.
    func frame(_ report: BatteryReport) -> CANFrame? {
        var data = [UInt8](repeating: 0, count: length)
        for field in fields where !field.write(report, into: &data) { return nil }
        return CANFrame(id: id, data: data)
    }

    /// The frame in words; `nil` where it is shorter than its fields.
    func text(_ frame: CANFrame) -> String? {
        let texts = fields.map { $0.text(frame.data) }
        guard texts.allSatisfy({ $0 != nil }) else { return nil }
        return texts.compactMap(\.self).filter { !$0.isEmpty }.joined(separator: ", ")
    }
}

/// One field of a frame. Numbers of several bytes begin with the lowest.
struct CANField: Sendable {
    /// A number of a report, scaled as on the bus.
    typealias Number = @Sendable (BatteryReport) -> Int?

    enum Kind: Sendable {
        /// A number of some bytes, with decimals, in a unit; one out of its range is sent as the nearest that fits.
        case number(bytes: Int, isSigned: Bool, decimals: Int, unit: String, Number)
        /// A constant.
        case constant([UInt8])
        /// Eight bytes of ASCII, the first ones of a text or, for a second frame, those after `skip`.
        case text(skip: Int, @Sendable (BatteryReport) -> String)
        /// Two bits: 01 active, 10 all is well, 00 not known. `shift`: place of the lower bit.
        case state(shift: Int, @Sendable (BatteryReport) -> Bool?)
        /// A bit that is set while something is so; one that is not known is 0.
        case bit(Int, @Sendable (BatteryReport) -> Bool?)
    }

    /// Name in words.
    var name: String
    /// Place of its first byte.
    var at: Int
    var kind: Kind

    /// Writes the field of a report.
    ///
    /// - Returns: `false` where its number is unknown.
    func write(_ report: BatteryReport, into data: inout [UInt8]) -> Bool {
        switch kind {
        case .number(let bytes, let isSigned, _, _, let value):
            guard let value = value(report) else { return false }
            let bits = bytes * 8 - (isSigned ? 1 : 0)
            let highest = (1 << bits) - 1
            let fitting = min(max(value, isSigned ? -highest - 1 : 0), highest)
            for index in 0..<bytes { data[at + index] = UInt8(truncatingIfNeeded: fitting >> (8 * index)) }
        case .constant(let bytes):
            for (index, byte) in bytes.enumerated() { data[at + index] = byte }
        case .text(let skip, let text):
            let bytes = text(report).unicodeScalars.map { (0x20...0x7E).contains($0.value) ? UInt8($0.value) : 0x3F }
            for (index, byte) in bytes.dropFirst(skip).prefix(8).enumerated() { data[at + index] = byte }
        case .state(let shift, let isActive):
            guard let isActive = isActive(report) else { return true }
            data[at] |= UInt8(isActive ? 0b01 : 0b10) << shift
        case .bit(let bit, let isSet):
            if isSet(report) == true { data[at] |= 1 << bit }
        }
        return true
    }

    /// The field in words; empty where there is nothing to say, `nil` where the frame is too short.
    func text(_ data: [UInt8]) -> String? {
        switch kind {
        case .number(let bytes, let isSigned, let decimals, let unit, _):
            guard data.count >= at + bytes else { return nil }
            var value = 0
            for index in (0..<bytes).reversed() { value = value << 8 | Int(data[at + index]) }
            if isSigned, value >= 1 << (bytes * 8 - 1) { value -= 1 << (bytes * 8) }
            return "\(name) \(Self.decimal(value, decimals))\(unit.isEmpty ? "" : " ")\(unit)"
        case .constant(let bytes):
            guard data.count >= at + bytes.count else { return nil }
            return name
        case .text:
            guard data.count >= at + 8 else { return nil }
            let shown = data[at..<(at + 8)].filter { $0 != 0 }.map {
                (0x20...0x7E).contains($0) ? String(UnicodeScalar($0)) : "?"
            }
            return "\(name) \"\(shown.joined())\""
        case .state(let shift, _):
            guard data.count > at else { return nil }
            return data[at] >> shift & 0b11 == 0b01 ? name : ""
        case .bit(let bit, _):
            guard data.count > at else { return nil }
            return data[at] >> bit & 1 == 1 ? name : ""
        }
    }

    private static func decimal(_ value: Int, _ decimals: Int) -> String {
        let scales = [1000, 100, 10, 1]
        return FixedPoint.text(thousandths: value * scales[decimals], decimals: decimals)
    }
}

extension CANField {
    /// An unsigned number of two bytes.
    static func unsigned(_ name: String, at: Int, _ unit: String = "", decimals: Int = 0, _ value: @escaping Number)
        -> CANField
    {
        CANField(name: name, at: at, kind: .number(bytes: 2, isSigned: false, decimals: decimals, unit: unit, value))
    }

    /// A signed number of two bytes.
    static func signed(_ name: String, at: Int, _ unit: String, decimals: Int = 0, _ value: @escaping Number)
        -> CANField
    {
        CANField(name: name, at: at, kind: .number(bytes: 2, isSigned: true, decimals: decimals, unit: unit, value))
    }

    /// An unsigned number of four bytes.
    static func long(_ name: String, at: Int, _ unit: String, decimals: Int = 0, _ value: @escaping Number) -> CANField
    {
        CANField(name: name, at: at, kind: .number(bytes: 4, isSigned: false, decimals: decimals, unit: unit, value))
    }
}

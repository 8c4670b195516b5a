import BMSCore

/// Decodes bytes to a ``Frame``: scaling only. ``FrameValidator`` decides whether the bytes are believed.
public enum FrameDecoder {
    /// Decodes one window of ``FrameLayout/length`` bytes.
    ///
    /// - Precondition: `window` holds 58 bytes. Any content decodes to something; no arithmetic can overflow.
    @inline(__always)
    public static func decode(_ window: Span<UInt8>) -> Frame {
        precondition(window.count == FrameLayout.length)
        typealias Layout = FrameLayout
        return Frame(
            packVoltage: Millivolts(window[Layout.packVoltage]),
            current1: window.current(Layout.sign1, Layout.current1),
            current2: window.current(Layout.sign2, Layout.current2),
            current: window.current(Layout.signSum, Layout.currentSum),
            lowestVoltage: Millivolts(window[Layout.lowestVoltage]),
            lowestVoltageCell: window[Layout.lowestVoltageCell],
            highestVoltage: Millivolts(window[Layout.highestVoltage]),
            highestVoltageCell: window[Layout.highestVoltageCell],
            lowestTemperature: RawTemperature(window[Layout.lowestTemperature]),
            lowestTemperatureCell: window[Layout.lowestTemperatureCell],
            highestTemperature: RawTemperature(window[Layout.highestTemperature]),
            highestTemperatureCell: window[Layout.highestTemperatureCell],
            slotCell: window[Layout.slotCell],
            cellCount: window[Layout.cellCount],
            slotVoltage: Millivolts(window[Layout.slotVoltage]),
            slotTemperature: RawTemperature(window[Layout.slotTemperature]),
            status: StatusFlags(rawValue: window[Layout.status.offset]),
            energyInToday: WattHours(window[Layout.energyInToday]),
            energyStored: WattHours(window[Layout.energyStored]),
            energyOutToday: WattHours(window[Layout.energyOutToday]),
            soc: window[Layout.soc],
            lifetimeIn: WattHours(window[Layout.lifetimeIn]),
            lifetimeOut: WattHours(window[Layout.lifetimeOut]),
            keyByte: window[Layout.key.offset],
            keyValue: window[Layout.keyValue.offset],
            capacity: WattHours(window[Layout.capacity]),
            minimumVoltage: Millivolts(window[Layout.minimumVoltage]),
            maximumVoltage: Millivolts(window[Layout.maximumVoltage]),
            balanceVoltage: Millivolts(window[Layout.balanceVoltage]))
    }

    /// Decodes 58 bytes; `nil` for any other number of bytes.
    public static func decode(_ bytes: [UInt8]) -> Frame? {
        bytes.count == FrameLayout.length ? decode(bytes.span) : nil
    }
}

extension Span<UInt8> {
    /// Value of a field in its unit. Always inlined: with a constant field nothing is left of the loop.
    @inline(__always)
    subscript(field: FrameField) -> Int {
        var count = 0
        for index in field.offset..<(field.offset + field.length) {
            count = count << 8 | Int(self[index])
        }
        return count * field.scale
    }

    /// A signed current; `nil` where the sign says that there is no sensor.
    @inline(__always)
    func current(_ sign: FrameField, _ magnitude: FrameField) -> Milliamperes? {
        switch self[sign.offset] {
        case CurrentSign.absent: nil
        case CurrentSign.minus: Milliamperes(-self[magnitude])
        default: Milliamperes(self[magnitude])
        }
    }

    /// Low eight bits of the sum of the bytes before the last. Never inlined: in the caller, its vectors would be taken apart again for the
    /// fields.
    var frameSum: UInt8 {
        @inline(never)
        get {
            precondition(count == FrameLayout.length)
            var sum: UInt8 = 0
            for index in 0..<FrameLayout.sum.offset { sum &+= self[index] }
            return sum
        }
    }
}

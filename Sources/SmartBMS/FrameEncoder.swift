import BMSCore

/// Encodes a ``Frame`` to bytes, for the simulator and the tests. Nothing is ever sent to a BMS; its cable only sends.
public enum FrameEncoder {
    /// Encodes a frame with its sum. Values that a field cannot carry are clamped to its range.
    public static func encode(_ frame: Frame) -> [UInt8] {
        typealias Layout = FrameLayout
        var bytes = [UInt8](repeating: 0, count: Layout.length)
        func put(_ value: Int, _ field: FrameField) {
            var count = min(max(value, 0), field.maximum) / field.scale
            for index in stride(from: field.offset + field.length - 1, through: field.offset, by: -1) {
                bytes[index] = UInt8(truncatingIfNeeded: count)
                count >>= 8
            }
        }
        func put(_ current: Milliamperes?, _ sign: FrameField, _ field: FrameField) {
            let byte = current.map { $0.rawValue < 0 ? CurrentSign.minus : CurrentSign.plus } ?? CurrentSign.absent
            put(Int(byte), sign)
            put(current?.magnitude.rawValue ?? 0, field)
        }
        put(frame.packVoltage.rawValue, Layout.packVoltage)
        put(frame.current1, Layout.sign1, Layout.current1)
        put(frame.current2, Layout.sign2, Layout.current2)
        put(frame.current, Layout.signSum, Layout.currentSum)
        put(frame.lowestVoltage.rawValue, Layout.lowestVoltage)
        put(frame.lowestVoltageCell, Layout.lowestVoltageCell)
        put(frame.highestVoltage.rawValue, Layout.highestVoltage)
        put(frame.highestVoltageCell, Layout.highestVoltageCell)
        put(frame.lowestTemperature.count, Layout.lowestTemperature)
        put(frame.lowestTemperatureCell, Layout.lowestTemperatureCell)
        put(frame.highestTemperature.count, Layout.highestTemperature)
        put(frame.highestTemperatureCell, Layout.highestTemperatureCell)
        put(frame.slotCell, Layout.slotCell)
        put(frame.cellCount, Layout.cellCount)
        put(frame.slotVoltage.rawValue, Layout.slotVoltage)
        put(frame.slotTemperature.count, Layout.slotTemperature)
        put(Int(frame.status.rawValue), Layout.status)
        put(frame.energyInToday.rawValue, Layout.energyInToday)
        put(frame.energyStored.rawValue, Layout.energyStored)
        put(frame.energyOutToday.rawValue, Layout.energyOutToday)
        put(frame.soc, Layout.soc)
        put(frame.lifetimeIn.rawValue, Layout.lifetimeIn)
        put(frame.lifetimeOut.rawValue, Layout.lifetimeOut)
        put(Int(frame.keyByte), Layout.key)
        put(Int(frame.keyValue), Layout.keyValue)
        put(frame.capacity.rawValue, Layout.capacity)
        put(frame.minimumVoltage.rawValue, Layout.minimumVoltage)
        put(frame.maximumVoltage.rawValue, Layout.maximumVoltage)
        put(frame.balanceVoltage.rawValue, Layout.balanceVoltage)
        bytes[Layout.sum.offset] = bytes.span.frameSum
        return bytes
    }
}

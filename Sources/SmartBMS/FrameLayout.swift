import BMSCore

/// One field of the 58-byte frame: its place and the meaning of a count.
public struct FrameField: Sendable {
    /// Name as in docs/protocol.md.
    public let name: StaticString
    /// Zero-based offset of the first byte.
    public let offset: Int
    /// Bytes, most significant first: 1, 2 or 3.
    public let length: Int
    /// Amount of `unit` in one count.
    public let scale: Int
    /// Unit after scaling.
    public let unit: StaticString

    init(_ name: StaticString, at offset: Int, bytes length: Int, scale: Int = 1, unit: StaticString) {
        self.name = name
        self.offset = offset
        self.length = length
        self.scale = scale
        self.unit = unit
    }

    /// Largest value that the field can carry, in `unit`.
    public var maximum: Int { ((1 << (8 * length)) - 1) * scale }
}

/// The frame of the 123\SmartBMS, generation 2 and 3: 58 bytes, big-endian, no header, one sum byte at the end.
/// Source: the vendor's "UART data protocol" (firmware 3.3.11) and its driver; docs/protocol.md compares them.
public enum FrameLayout {
    /// Bytes of a frame.
    public static let length = 58

    /// Voltage of the whole pack.
    public static let packVoltage = FrameField("pack voltage", at: 0, bytes: 3, scale: 5, unit: "mV")
    /// Sign of sensor 1: `+`, `-`, or `X` where there is no such sensor.
    public static let sign1 = FrameField("sign of sensor 1", at: 3, bytes: 1, unit: "+ - X")
    /// Magnitude of sensor 1, inflow.
    public static let current1 = FrameField("current of sensor 1", at: 4, bytes: 2, scale: 125, unit: "mA")
    /// Sign of sensor 2.
    public static let sign2 = FrameField("sign of sensor 2", at: 6, bytes: 1, unit: "+ - X")
    /// Magnitude of sensor 2, outflow.
    public static let current2 = FrameField("current of sensor 2", at: 7, bytes: 2, scale: 125, unit: "mA")
    /// Sign of the battery current.
    public static let signSum = FrameField("sign of battery current", at: 9, bytes: 1, unit: "+ - X")
    /// Magnitude of the battery current, sensor 1 less sensor 2.
    public static let currentSum = FrameField("battery current", at: 10, bytes: 2, scale: 125, unit: "mA")
    /// Lowest cell voltage.
    public static let lowestVoltage = FrameField("lowest cell voltage", at: 12, bytes: 2, scale: 5, unit: "mV")
    /// Cell with the lowest voltage, from 1.
    public static let lowestVoltageCell = FrameField("its cell", at: 14, bytes: 1, unit: "cell")
    /// Highest cell voltage.
    public static let highestVoltage = FrameField("highest cell voltage", at: 15, bytes: 2, scale: 5, unit: "mV")
    /// Cell with the highest voltage.
    public static let highestVoltageCell = FrameField("its cell", at: 17, bytes: 1, unit: "cell")
    /// Lowest cell temperature, raw.
    public static let lowestTemperature = FrameField("lowest cell temperature", at: 18, bytes: 2, unit: "count")
    /// Cell with the lowest temperature.
    public static let lowestTemperatureCell = FrameField("its cell", at: 20, bytes: 1, unit: "cell")
    /// Highest cell temperature, raw.
    public static let highestTemperature = FrameField("highest cell temperature", at: 21, bytes: 2, unit: "count")
    /// Cell with the highest temperature.
    public static let highestTemperatureCell = FrameField("its cell", at: 23, bytes: 1, unit: "cell")
    /// Cell that this frame carries; 0 or a number above the count means none.
    public static let slotCell = FrameField("slot", at: 24, bytes: 1, unit: "cell")
    /// Number of cells.
    public static let cellCount = FrameField("cell count", at: 25, bytes: 1, unit: "cells")
    /// Voltage of the slot's cell.
    public static let slotVoltage = FrameField("slot voltage", at: 26, bytes: 2, scale: 5, unit: "mV")
    /// Temperature of the slot's cell, raw.
    public static let slotTemperature = FrameField("slot temperature", at: 28, bytes: 2, unit: "count")
    /// Permissions and alarms, ``StatusFlags``.
    public static let status = FrameField("status", at: 30, bytes: 1, unit: "bits")
    /// Energy charged today.
    public static let energyInToday = FrameField("energy in today", at: 31, bytes: 3, unit: "Wh")
    /// Energy in the pack.
    public static let energyStored = FrameField("energy stored", at: 34, bytes: 3, unit: "Wh")
    /// Energy discharged today.
    public static let energyOutToday = FrameField("energy out today", at: 37, bytes: 3, unit: "Wh")
    /// State of charge.
    public static let soc = FrameField("state of charge", at: 40, bytes: 1, unit: "%")
    /// Energy charged since installation.
    public static let lifetimeIn = FrameField("lifetime energy in", at: 41, bytes: 3, scale: 1000, unit: "Wh")
    /// Energy discharged since installation.
    public static let lifetimeOut = FrameField("lifetime energy out", at: 44, bytes: 3, scale: 1000, unit: "Wh")
    /// Key + 25; below 25 the hour of the device's clock (old firmware).
    public static let key = FrameField("key", at: 47, bytes: 1, unit: "key + 25")
    /// Value of the key, or the clock's minute.
    public static let keyValue = FrameField("value of the key", at: 48, bytes: 1, unit: "by key")
    /// Configured capacity.
    public static let capacity = FrameField("capacity", at: 49, bytes: 2, scale: 100, unit: "Wh")
    /// Setting V-min.
    public static let minimumVoltage = FrameField("Vmin", at: 51, bytes: 2, scale: 5, unit: "mV")
    /// Setting V-max.
    public static let maximumVoltage = FrameField("Vmax", at: 53, bytes: 2, scale: 5, unit: "mV")
    /// Setting V-balance (generation 2: V-bypass).
    public static let balanceVoltage = FrameField("Vbalance", at: 55, bytes: 2, scale: 5, unit: "mV")
    /// Low eight bits of the sum of all bytes before it.
    public static let sum = FrameField("sum", at: 57, bytes: 1, unit: "sum")

    /// All fields in wire order; they cover each byte exactly once.
    public static let fields = [
        packVoltage, sign1, current1, sign2, current2, signSum, currentSum,
        lowestVoltage, lowestVoltageCell, highestVoltage, highestVoltageCell,
        lowestTemperature, lowestTemperatureCell, highestTemperature, highestTemperatureCell,
        slotCell, cellCount, slotVoltage, slotTemperature, status,
        energyInToday, energyStored, energyOutToday, soc, lifetimeIn, lifetimeOut, key, keyValue,
        capacity, minimumVoltage, maximumVoltage, balanceVoltage, sum,
    ]
}

/// Sign byte of a current.
enum CurrentSign {
    static let plus = UInt8(ascii: "+")
    static let minus = UInt8(ascii: "-")
    static let absent = UInt8(ascii: "X")

    static func isValid(_ byte: UInt8) -> Bool { byte == plus || byte == minus || byte == absent }
}

public import BMSCore
public import SmartBMS

/// Frames that every rule accepts, to be changed one field at a time.
public enum FrameFixture {
    /// 16 LFP cells at rest near 3.31 V, 14.8 kWh (280 Ah), 19 to 22 degC, charged with 10 A by one sensor.
    public static func frame(_ change: (inout Frame) -> Void = { _ in }) -> Frame {
        guard var frame = FrameDecoder.decode([UInt8](repeating: 0, count: FrameLayout.length)) else {
            fatalError("58 bytes decode to a frame")
        }
        frame.cellCount = 16
        frame.current1 = Milliamperes(10_000)
        frame.current2 = nil
        frame.current = Milliamperes(10_000)
        frame.lowestVoltageCell = 3
        frame.highestVoltageCell = 11
        frame.setCells(low: 3305, high: 3320)
        frame.lowestTemperature = RawTemperature(293)
        frame.lowestTemperatureCell = 1
        frame.highestTemperature = RawTemperature(297)
        frame.highestTemperatureCell = 16
        frame.slotCell = 1
        frame.slotVoltage = Millivolts(3310)
        frame.slotTemperature = RawTemperature(294)
        frame.status = [.chargeAllowed, .dischargeAllowed]
        frame.energyStored = WattHours(7400)
        frame.soc = 50
        frame.capacity = WattHours(14_800)
        frame.minimumVoltage = Millivolts(2900)
        frame.maximumVoltage = Millivolts(3650)
        frame.balanceVoltage = Millivolts(3400)
        change(&frame)
        return frame
    }

    /// The bytes of such a frame.
    public static func bytes(_ change: (inout Frame) -> Void = { _ in }) -> [UInt8] {
        FrameEncoder.encode(frame(change))
    }

    /// A window with a corrected sum byte.
    public static func withSum(_ window: [UInt8]) -> [UInt8] {
        var window = window
        window[FrameLayout.sum.offset] = window[..<FrameLayout.sum.offset].reduce(0, &+)
        return window
    }

    /// Random bytes with three valid signs and a right sum.
    public static func randomWindow(using random: inout SeededRandom) -> [UInt8] {
        var window = random.bytes(FrameLayout.length)
        for sign in [FrameLayout.sign1, FrameLayout.sign2, FrameLayout.signSum] {
            window[sign.offset] = Array("+-X".utf8)[Int.random(in: 0..<3, using: &random)]
        }
        return withSum(window)
    }
}

extension Frame {
    /// Sets the lowest and highest cell in mV, and a pack voltage halfway.
    public mutating func setCells(low: Int, high: Int) {
        lowestVoltage = Millivolts(low)
        highestVoltage = Millivolts(high)
        packVoltage = Millivolts((low + high) * cellCount / 10 * 5)
    }
}

extension Timestamp {
    /// A time in seconds after an arbitrary start.
    public static func seconds(_ seconds: Double) -> Timestamp {
        Timestamp(milliseconds: 1_000_000 + Int64((seconds * 1000).rounded()))
    }
}

extension FrameStream {
    /// The next good frame; refused ones are skipped.
    public mutating func nextFrame() -> Frame? {
        while let window = next() {
            if case .success(let frame) = window { return frame }
        }
        return nil
    }
}

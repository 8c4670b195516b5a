import BMSCore
import SmartBMS
import Testing
import TestSupport

@Suite("Temperatures, chemistry and derived values")
struct QuantityTests {
    @Test("A raw temperature is cut to the range of the wire")
    func rawTemperature() {
        #expect(RawTemperature(70_000).count == 65_535)
        #expect(RawTemperature(-1).count == 0)
    }

    @Test(
        "Counts become degrees by either rule",
        arguments: [
            (259, -10_037, -17_000), (271, 247, -5_000), (276, 4_532, 0), (296, 21_672, 20_000), (308, 31_956, 32_000),
            (341, 60_237, 65_000), (370, 85_090, 94_000), (0, -232_000, -276_000),
        ])
    func degrees(count: Int, measured: Int, paper: Int) {
        #expect(TemperatureScale.measured.temperature(RawTemperature(count)) == Millidegrees(measured))
        #expect(TemperatureScale.paper.temperature(RawTemperature(count)) == Millidegrees(paper))
    }

    @Test("The inverse conversion gives every count again", arguments: TemperatureScale.allCases)
    func inverse(scale: TemperatureScale) {
        for count in [0, 1, 211, 65_535] + Array(230...380) {
            let raw = RawTemperature(count)
            #expect(scale.count(scale.temperature(raw)) == raw)
        }
    }

    @Test(
        "The inverse conversion gives the nearest count and stays within the field",
        arguments: [
            (TemperatureScale.measured, 0, 271), (.measured, 300, 271), (.measured, 675, 271), (.measured, 676, 272),
            (.measured, -300_000, 0), (.measured, 90_000_000, 65_535), (.paper, -501, 275), (.paper, -499, 276),
            (.paper, 500, 277),
        ])
    func nearest(scale: TemperatureScale, millidegrees: Int, count: Int) {
        #expect(scale.count(Millidegrees(millidegrees)) == RawTemperature(count))
    }

    @Test("The configured chemistry beats the inferred one")
    func configuredChemistry() {
        var options = SnapshotBuilder.Options()
        options.chemistry = .lto
        var decoding = SnapshotBuilder(options)
        for second in 0..<2 { decoding.take(FrameFixture.frame(), at: .seconds(Double(second))) }
        #expect(decoding.snapshot.chemistry == .lto)
    }

    private func snapshot(_ change: @escaping (inout Frame) -> Void = { _ in }) -> PackSnapshot {
        var snapshot = PackSnapshot()
        let frame = FrameFixture.frame(change)
        snapshot.measurements = frame.measurements()
        snapshot.settings = frame.settings
        snapshot.chemistry = .lfp
        return snapshot
    }

    @Test("Charge is energy by nominal voltage")
    func charge() {
        let snapshot = snapshot()
        #expect(snapshot.nominalPackVoltage == Millivolts(52_800))
        #expect(snapshot.capacity == MilliampereHours(280_303))
        #expect(snapshot.charge.stored == MilliampereHours(140_151))
        #expect(snapshot.charge.consumed == MilliampereHours(-140_152))
    }

    @Test("Consumed charge is never above 0, though more may be stored than configured")
    func overfull() {
        #expect(snapshot { $0.energyStored = WattHours(16_000) }.charge.consumed == .zero)
    }

    @Test(
        "Power is voltage x current, exact, and absent without a sensor",
        arguments: [
            (51_560, -125_125, -6_451_445), (53_000, 0, 0), (26_760, 39_000, 1_043_640), (53_000, nil, nil),
        ])
    func power(voltage: Int, current: Int?, expected: Int?) {
        let snapshot = snapshot {
            $0.packVoltage = Millivolts(voltage)
            $0.current = current.map { Milliamperes($0) }
        }
        #expect(snapshot.charge.power == expected.map { Milliwatts($0) })
    }

    @Test(
        "Time to go is known only while discharging noticeably, up to 30 days",
        arguments: [
            (10_000, nil), (0, nil), (-500, nil), (-625, 807_269), (-70_125, 7_194), (nil, nil),
        ])
    func timeToGo(current: Int?, expected: Int?) {
        #expect(snapshot { $0.current = current.map { Milliamperes($0) } }.charge.timeToGo == expected)
        #expect(
            snapshot {
                $0.current = Milliamperes(-505)
                $0.energyStored = WattHours(200_000)
            }.charge.timeToGo == nil)
    }

    @Test("Before the first frame no value is derived")
    func unknown() {
        let nothing = PackSnapshot()
        #expect(nothing.capacity == nil && nothing.charge.stored == nil && nothing.charge.consumed == nil)
        #expect(nothing.charge.power == nil && nothing.charge.timeToGo == nil && nothing.nominalPackVoltage == nil)
    }

    @Test(
        "A nominal voltage from the keys counts only between Vmin and Vmax",
        arguments: [
            (3200, 3200), (2900, 3300), (3650, 3300), (500, 3300), (5500, 3300),
        ])
    func nominal(key: Int, used: Int) {
        var snapshot = snapshot()
        snapshot.cellSettings.nominal = Millivolts(key)
        #expect(snapshot.nominalVoltage == Millivolts(used))
    }

    @Test("Cell settings from the keys stay while keys are away, until the number of cells changes")
    func keysAway() {
        var decoding = SnapshotBuilder()
        let bytes: [Int: UInt8] = [2: 0x02, 3: 0x58, 4: 0x02, 5: 0x80]
        for second in 0..<45 {
            let frame = FrameFixture.frame {
                $0.keyByte = UInt8(25 + second % 19)
                $0.keyValue = bytes[second % 19] ?? 0
            }
            decoding.take(frame, at: .seconds(Double(second)))
        }
        let capacity = decoding.snapshot.capacity
        let silent = FrameFixture.frame { $0.keyByte = 0 }
        for second in 45..<200 { decoding.take(silent, at: .seconds(Double(second))) }
        #expect(decoding.snapshot.keys.lowVoltage == nil)
        #expect(decoding.snapshot.cellSettings.low == Millivolts(3000))
        #expect(decoding.snapshot.cellSettings.nominal == Millivolts(3200))
        #expect(decoding.snapshot.capacity == capacity, "a capacity in Ah must not flip with the cable")
        let other = FrameFixture.frame {
            $0.cellCount = 17
            $0.keyByte = 0
        }
        for second in 200..<210 { decoding.take(other, at: .seconds(Double(second))) }
        #expect(decoding.snapshot.cellSettings == CellSettings())
    }

    @Test("A damaged V-full cannot make another chemistry of the pack")
    func fullVoltageDamage() {
        var decoding = SnapshotBuilder()
        // V-full reads 2.655 V, which would be LTO, permitted to charge in frost.
        let bytes: [Int: UInt8] = [17: 0x02, 18: 0x13]
        for second in 0..<45 {
            let frame = FrameFixture.frame {
                $0.keyByte = UInt8(25 + second % 19)
                $0.keyValue = bytes[second % 19] ?? 0
            }
            decoding.take(frame, at: .seconds(Double(second)))
        }
        #expect(decoding.snapshot.keys.fullVoltage == Millivolts(2655))
        #expect(decoding.snapshot.chemistry == .lfp)
    }

    @Test(
        "Fixed decimals round half away from zero and never show -0",
        arguments: [
            (3452, 3, "3.452"), (3452, 2, "3.45"), (3455, 2, "3.46"), (-3455, 2, "-3.46"), (-4, 2, "0.00"), (0, 0, "0"),
            (-499, 0, "0"), (-500, 0, "-1"), (1005, 2, "1.01"), (50, 1, "0.1"), (49, 1, "0.0"),
            (Int.min, 0, "-9223372036854776"),
            (12, 9, "0.012"), (1499, -3, "1"),
        ])
    func fixed(thousandths: Int, decimals: Int, text: String) {
        #expect(FixedPoint.text(thousandths: thousandths, decimals: decimals) == text)
    }
}

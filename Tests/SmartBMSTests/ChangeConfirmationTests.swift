import BMSCore
import SmartBMS
import Testing
import TestSupport

@Suite("Frame gate")
struct ChangeConfirmationTests {
    private func settled() -> SnapshotBuilder {
        var decoding = SnapshotBuilder()
        for second in 0..<3 { decoding.take(FrameFixture.frame(), at: .seconds(Double(second))) }
        return decoding
    }

    @Test("The first settings need two equal frames in a row")
    func firstSettings() {
        var decoding = SnapshotBuilder()
        let other = FrameFixture.frame { $0.capacity = WattHours(100) }
        #expect(decoding.take(FrameFixture.frame(), at: .seconds(0)) == .refused(.settings))
        #expect(decoding.take(other, at: .seconds(1)) == .refused(.settings))
        #expect(decoding.take(FrameFixture.frame(), at: .seconds(2)) == .refused(.settings))
        #expect(decoding.snapshot.settings == nil)
        #expect(decoding.take(FrameFixture.frame(), at: .seconds(3)) == .measured)
        #expect(decoding.snapshot.settings == FrameFixture.frame().settings)
    }

    static let settings: [Damage] = [
        Damage("cell count", .settings) {
            $0.cellCount = 17
            $0.setCells(low: 3305, high: 3320)
        },
        Damage("Vmin", .settings) { $0.minimumVoltage = Millivolts(2950) },
        Damage("Vmax", .settings) { $0.maximumVoltage = Millivolts(3700) },
        Damage("Vbalance", .settings) { $0.balanceVoltage = Millivolts(3450) },
        Damage("capacity", .settings) { $0.capacity = WattHours(14_900) },
    ]

    @Test("A changed setting needs five equal frames", arguments: settings)
    func changedSettings(change: Damage) {
        var decoding = settled()
        let old = decoding.snapshot.settings
        let changed = FrameFixture.frame(change.change)
        for second in 3..<7 {
            #expect(decoding.take(changed, at: .seconds(Double(second))) == .refused(.settings))
            #expect(decoding.snapshot.settings == old)
        }
        #expect(decoding.take(changed, at: .seconds(7)) == .measured)
        #expect(decoding.snapshot.settings == changed.settings)
    }

    @Test("A frame with the old settings starts the count again")
    func interrupted() {
        var decoding = settled()
        let changed = FrameFixture.frame { $0.capacity = WattHours(100) }
        for second in 3..<7 { decoding.take(changed, at: .seconds(Double(second))) }
        #expect(decoding.take(FrameFixture.frame(), at: .seconds(7)) == .measured)
        #expect(decoding.take(changed, at: .seconds(8)) == .refused(.settings))
    }

    static let jumps: [(name: String, change: @Sendable (inout Frame) -> Void, isJump: Bool)] = [
        ("highest +300 mV", { $0.highestVoltage = Millivolts(3620) }, false),
        ("highest +305 mV", { $0.highestVoltage = Millivolts(3625) }, true),
        ("lowest -500 mV", { $0.lowestVoltage = Millivolts(2805) }, false),
        ("lowest -505 mV", { $0.lowestVoltage = Millivolts(2800) }, true),
        ("warmest +17 counts", { $0.highestTemperature = RawTemperature(314) }, false),
        ("warmest +18 counts", { $0.highestTemperature = RawTemperature(315) }, true),
        ("coldest -17 counts", { $0.lowestTemperature = RawTemperature(276) }, false),
        ("coldest -18 counts", { $0.lowestTemperature = RawTemperature(275) }, true),
    ]

    @Test(
        "A reading that moves further than a second allows waits for a second frame near it", arguments: jumps.indices)
    func jump(index: Int) {
        let row = Self.jumps[index]
        var decoding = settled()
        let frame = FrameFixture.frame(row.change)
        #expect(decoding.take(frame, at: .seconds(3)) == (row.isJump ? .refused(.jump) : .measured), "\(row.name)")
        #expect(decoding.take(frame, at: .seconds(4)) == .measured)
        #expect(decoding.snapshot.measurements == frame.measurements())
    }

    @Test("Two jumps to different places do not confirm each other")
    func differentJumps() {
        var decoding = settled()
        #expect(
            decoding.take(FrameFixture.frame { $0.setCells(low: 3305, high: 3700) }, at: .seconds(3)) == .refused(.jump)
        )
        #expect(
            decoding.take(FrameFixture.frame { $0.setCells(low: 3305, high: 4500) }, at: .seconds(4)) == .refused(.jump)
        )
        #expect(decoding.take(FrameFixture.frame(), at: .seconds(5)) == .measured)
    }

    @Test("A return from a single jump discards the jump")
    func forgottenJump() {
        var decoding = settled()
        let jump = FrameFixture.frame { $0.setCells(low: 3305, high: 3700) }
        decoding.take(jump, at: .seconds(3))
        decoding.take(FrameFixture.frame(), at: .seconds(4))
        #expect(decoding.take(jump, at: .seconds(5)) == .refused(.jump))
    }

    @Test("A confirmed cell count is another pack, whose voltages are not a jump")
    func otherPack() {
        var decoding = settled()
        let other = FrameFixture.frame {
            $0.cellCount = 24
            $0.setCells(low: 2200, high: 2300)
        }
        for second in 3..<7 { #expect(decoding.take(other, at: .seconds(Double(second))) == .refused(.settings)) }
        #expect(decoding.take(other, at: .seconds(7)) == .measured)
    }

    @Test("A confirmed cell count drops the cells above it, and grows with unknown ones")
    func cellCount() {
        var decoding = settled()
        for cell in 1...16 {
            decoding.take(FrameFixture.frame { $0.slotCell = cell }, at: .seconds(Double(2 + cell)))
        }
        #expect(decoding.snapshot.cells.compactMap { $0 }.count == 16)
        func change(to count: Int, from second: Int) {
            for offset in 0..<5 {
                let frame = FrameFixture.frame {
                    $0.cellCount = count
                    $0.highestTemperatureCell = 1
                    $0.setCells(low: 3305, high: 3320)
                }
                decoding.take(frame, at: .seconds(Double(second + offset)))
            }
        }
        change(to: 12, from: 20)
        #expect(decoding.snapshot.cells.count == 12)
        #expect(decoding.snapshot.cells.compactMap { $0 }.count == 12)
        change(to: 16, from: 30)
        #expect(decoding.snapshot.cells.count == 16)
        #expect(decoding.snapshot.cells.compactMap { $0 }.count == 12)
    }

    @Test("Single damaged frames never change the settings, whatever their bytes", arguments: [1, 2, 3] as [UInt64])
    func damage(seed: UInt64) {
        var random = SeededRandom(seed)
        var receiver = PackDecoder(rules: .shapeOnly)
        for second in [0.0, 1] { receiver.feed(FrameFixture.bytes(), at: .seconds(second)) }
        let settings = receiver.snapshot.settings
        for second in 1...2_000 {
            var bytes = FrameFixture.bytes()
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                bytes[Int.random(in: 0..<57, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            receiver.feed(FrameFixture.withSum(bytes), at: .seconds(Double(second * 2)))
            #expect(receiver.snapshot.settings == settings, "seed \(seed), step \(second)")
            receiver.feed(FrameFixture.bytes(), at: .seconds(Double(second * 2 + 1)))
        }
    }
}

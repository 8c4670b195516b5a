@testable import BMSCore
@testable import SmartBMS
import Testing
import TestSupport

@Suite("Key values")
struct KeyCollectorTests {
    private static let full: [Int: UInt8] = [
        0: 97, 1: 99, 2: 0x02, 3: 0x58, 4: 0x02, 5: 0x94, 6: 0x33, 7: 0x0B, 8: 0x02, 9: 0x0B, 10: 0, 11: 0x12, 12: 0x34,
        13: 1, 14: 0, 15: 1, 16: 0x30, 17: 0x02, 18: 0xB3,
    ]

    private func frame(_ key: Int, _ value: UInt8) -> Frame {
        FrameFixture.frame {
            $0.keyByte = UInt8(key + 25)
            $0.keyValue = value
        }
    }

    /// A collector after whole cycles of the given bytes, one a second from 0 on.
    private func collector(_ bytes: [Int: UInt8], seconds: Int) -> KeyCollector {
        var collector = KeyCollector()
        for second in 0..<seconds {
            collector.add(frame(second % 19, bytes[second % 19] ?? 0), at: .seconds(Double(second)))
        }
        return collector
    }

    @Test("A full cycle gives every value in its unit")
    func values() {
        var expected = KeyValues()
        expected.stateOfHealth = 97
        expected.chargeEfficiency = 99
        expected.lowVoltage = Millivolts(3000)
        expected.nominalVoltage = Millivolts(3300)
        expected.firmware = "3.3.11"
        expected.cycles = 523
        expected.chargedEnergy = WattHours(4_660_000)
        expected.dischargedEnergy = WattHours(65_537_000)
        expected.secondStatus = [.chargeRelayClosed, .loadRelayClosed]
        expected.fullVoltage = Millivolts(3455)
        #expect(collector(Self.full, seconds: 20).values(at: .seconds(20)) == expected)
    }

    @Test("Before the cycle ends no value is known")
    func openCycle() {
        #expect(collector(Self.full, seconds: 19).values(at: .seconds(19)) == KeyValues())
    }

    @Test("An old high byte never joins a low byte of the next cycle")
    func oneCycle() {
        var collector = collector(Self.full, seconds: 9)
        // Key 9 is lost; the next cycle has other bytes, and its key 8 is lost.
        for second in 10..<19 { collector.add(frame(second, Self.full[second] ?? 0), at: .seconds(Double(second))) }
        for key in 0..<19 where key != 8 { collector.add(frame(key, 0xFF), at: .seconds(Double(19 + key))) }
        collector.add(frame(0, 97), at: .seconds(38))
        #expect(collector.values(at: .seconds(38)).cycles == nil)
    }

    @Test("A value whose cycle lost a byte stays that of the cycle before")
    func lostByte() {
        var collector = collector(Self.full, seconds: 19)
        for key in 0..<19 where key != 9 { collector.add(frame(key, 0x11), at: .seconds(Double(19 + key))) }
        collector.add(frame(0, 97), at: .seconds(38))
        #expect(collector.values(at: .seconds(38)).cycles == 523)
    }

    @Test("A changed value is used when two cycles have brought it")
    func confirmation() {
        var collector = collector(Self.full, seconds: 20)
        var wrong = Self.full
        (wrong[17], wrong[8]) = (0x03, 0x03)
        // A damaged key comes, and then the right one again.
        for second in 20..<39 {
            collector.add(frame(second % 19, wrong[second % 19] ?? 0), at: .seconds(Double(second)))
        }
        #expect(collector.values(at: .seconds(39)).fullVoltage == Millivolts(3455))
        #expect(collector.values(at: .seconds(39)).cycles == 523)
        for second in 39..<58 {
            collector.add(frame(second % 19, Self.full[second % 19] ?? 0), at: .seconds(Double(second)))
        }
        #expect(collector.values(at: .seconds(58)).fullVoltage == Millivolts(3455))
        // The setting changes.
        for second in 58..<96 {
            collector.add(frame(second % 19, wrong[second % 19] ?? 0), at: .seconds(Double(second)))
        }
        #expect(collector.values(at: .seconds(96)).fullVoltage == Millivolts(0x03B3 * 5))
    }

    @Test("A silence in which a cycle may pass ends the cycle", arguments: [(9.0, 0x0211), (9.5, nil), (20.0, nil)])
    func gap(seconds: Double, cycles: Int?) {
        var collector = collector(Self.full, seconds: 9)
        collector.add(frame(9, 0x11), at: .seconds(8 + seconds))
        collector.add(frame(0, 97), at: .seconds(9 + seconds))
        #expect(collector.values(at: .seconds(9 + seconds)).cycles == cycles)
    }

    @Test("A percentage above 100 is void", arguments: zip([0, 100, 101, 255] as [UInt8], [0, 100, nil, nil]))
    func percent(byte: UInt8, value: Int?) {
        var bytes = Self.full
        bytes[0] = byte
        bytes[1] = byte
        let values = collector(bytes, seconds: 20).values(at: .seconds(20))
        #expect(values.stateOfHealth == value)
        #expect(values.chargeEfficiency == value)
    }

    @Test("A voltage that no cell can have is void", arguments: [0, 0x0063, 0x0064, 0x044C, 0x044D, 0xFFFF])
    func voltage(count: Int) {
        var bytes = Self.full
        bytes[17] = UInt8(count >> 8)
        bytes[18] = UInt8(count & 255)
        let full = collector(bytes, seconds: 20).values(at: .seconds(20)).fullVoltage
        #expect(full == ((500...5500).contains(count * 5) ? Millivolts(count * 5) : nil))
    }

    @Test("A value expires 60 s after its byte came")
    func expiry() {
        let collector = collector(Self.full, seconds: 20)
        // Key 16 came at 16 s.
        #expect(collector.values(at: .seconds(76)).secondStatus != nil)
        #expect(collector.values(at: .seconds(76.001)).secondStatus == nil)
        #expect(collector.values(at: .seconds(77)).fullVoltage != nil)
    }

    @Test("The clock of old firmware is never taken for a key, at any hour and minute")
    func clock() {
        var collector = KeyCollector()
        for minute in 0..<(24 * 60) {
            let time = FrameFixture.frame {
                $0.keyByte = UInt8(minute / 60)
                $0.keyValue = UInt8(minute % 60)
            }
            for second in 0..<2 { collector.add(time, at: .seconds(Double(minute * 60 + second * 30))) }
        }
        #expect(!collector.isTrusted)
    }

    @Test("Minutes in the first byte, 25 to 43, are never taken for keys")
    func minutes() {
        var collector = KeyCollector()
        for second in 0..<7200 {
            let time = FrameFixture.frame {
                $0.keyByte = UInt8(second / 60 % 60)
                $0.keyValue = 12
            }
            collector.add(time, at: .seconds(Double(second)))
            #expect(collector.values(at: .seconds(Double(second))) == KeyValues())
        }
        #expect(!collector.isTrusted)
    }

    @Test("Keys above 18 are not stored and do not prove that there are keys")
    func unknownKeys() {
        var collector = KeyCollector()
        for second in 0..<100 { collector.add(frame(19 + second % 200, 1), at: .seconds(Double(second))) }
        #expect(!collector.isTrusted)
    }

    @Test("Generation 3 has keys, generation 2 has none", arguments: Generation.allCases)
    func generation(generation: Generation) {
        var options = SnapshotBuilder.Options()
        options.generation = generation
        var decoding = SnapshotBuilder(options)
        for second in 0..<45 {
            decoding.take(frame(second % 19, Self.full[second % 19] ?? 0), at: .seconds(Double(second)))
        }
        #expect((decoding.snapshot.keys.stateOfHealth == 97) == (generation == .three))
    }
}

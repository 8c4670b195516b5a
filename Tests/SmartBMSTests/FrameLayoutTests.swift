import BMSCore
import SmartBMS
import Testing
import TestSupport

@Suite("Frame layout")
struct FrameLayoutTests {
    @Test("The fields cover each of the 58 bytes exactly once, in wire order")
    func coverage() {
        let covered = FrameLayout.fields.flatMap { $0.offset..<($0.offset + $0.length) }
        #expect(covered == Array(0..<58))
    }

    @Test("A field's maximum has all bits of the field, in its unit")
    func maximum() {
        #expect(FrameLayout.status.maximum == 255)
        #expect(FrameLayout.currentSum.maximum == 65_535 * 125)
        #expect(FrameLayout.lifetimeIn.maximum == 16_777_215_000)
    }

    /// An absent sensor has no magnitude and zero has no sign, so the test first makes those two canonical.
    @Test("Encoding a decoded random frame gives its bytes again", arguments: [1, 2, 3] as [UInt64])
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed)
        for _ in 0..<RandomCases.count(2_000) {
            var window = FrameFixture.randomWindow(using: &random)
            for sign in [3, 6, 9] {
                if window[sign] == UInt8(ascii: "X") { window.replaceSubrange(sign + 1...sign + 2, with: [0, 0]) }
                if window[sign + 1] == 0 && window[sign + 2] == 0 && window[sign] == UInt8(ascii: "-") {
                    window[sign] = UInt8(ascii: "+")
                }
            }
            window = FrameFixture.withSum(window)
            let frame = try #require(FrameDecoder.decode(window))
            #expect(FrameEncoder.encode(frame) == window, "seed \(seed)")
        }
    }

    @Test("Only 58 bytes decode", arguments: [0, 1, 57, 59, 116])
    func length(count: Int) {
        #expect(FrameDecoder.decode([UInt8](repeating: 0, count: count)) == nil)
    }

    @Test("A sensor marked X is absent, whatever its magnitude bytes are")
    func absentSensor() throws {
        var window = FrameFixture.bytes()
        window.replaceSubrange(6...8, with: [UInt8(ascii: "X"), 0x12, 0x34])
        #expect(try #require(FrameDecoder.decode(window)).current2 == nil)
    }

    @Test("The encoder clamps what a field cannot carry")
    func clamping() throws {
        let bytes = FrameFixture.bytes {
            $0.soc = 300
            $0.packVoltage = Millivolts(-5)
            $0.current = Milliamperes(-99_000_000)
        }
        let frame = try #require(FrameDecoder.decode(bytes))
        #expect(frame.soc == 255)
        #expect(frame.packVoltage == .zero)
        #expect(frame.current == Milliamperes(-65_535 * 125))
    }

    @Test(
        "Below 25 byte 47 is a clock, from 25 on a key",
        arguments: zip([0, 23, 24, 25, 43, 255], [nil, nil, nil, 0, 18, 230]))
    func key(byte: Int, key: Int?) {
        #expect(FrameFixture.frame { $0.keyByte = UInt8(byte) }.key == key)
    }
}

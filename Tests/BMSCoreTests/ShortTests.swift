import BMSCore
import Testing

@Suite("Amounts in little room")
struct ShortTests {
    private struct Sample {
        @Short var voltage = Millivolts.zero
        @ShortIfAny var current: Milliamperes?
        @Octet var cell = 0
    }

    @Test("What fits is kept as it is", arguments: [-2_147_483_647, -125, 0, 5, 16_777_215 * 5, 2_147_483_647])
    func kept(amount: Int) {
        var sample = Sample()
        sample.voltage = Millivolts(amount)
        sample.current = Milliamperes(amount)
        #expect(sample.voltage == Millivolts(amount))
        #expect(sample.current == Milliamperes(amount))
    }

    @Test("What does not fit is cut to the nearest that does, and never to no amount")
    func cut() {
        var sample = Sample(voltage: Millivolts(.max), current: Milliamperes(.min), cell: 300)
        #expect(sample.voltage == Millivolts(Int(Int32.max)))
        #expect(sample.current == Milliamperes(Int(Int32.min) + 1))
        #expect(sample.cell == 255)
        sample.current = Milliamperes(Int(Int32.min))
        #expect(sample.current == Milliamperes(Int(Int32.min) + 1))
        sample.current = nil
        sample.cell = -1
        #expect(sample.current == nil)
        #expect(sample.cell == 0)
    }
}

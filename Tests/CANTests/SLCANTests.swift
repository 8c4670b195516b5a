import TestSupport
import TestThreads
import Testing

@testable import CANFrames

@Suite("SLCAN", .calculates)
struct SLCANTests {
    private static func events(_ text: String) -> [SLCANEvent] {
        var reader = SLCANReader()
        return text.utf8.compactMap { reader.take($0) }
    }

    @Test("a frame is the line that an independent reader took")
    func line() throws {
        let frame = try #require(CANFrame(id: 0x351, data: [0x14, 0x02, 0xFA, 0x00, 0xFA, 0x00, 0xBD, 0x01]))
        #expect(SLCAN.line(frame) == "t35181402FA00FA00BD01\r")
        let empty = try #require(CANFrame(id: 0x7, data: []))
        #expect(SLCAN.line(empty) == "t0070\r")
    }

    @Test("each frame is read back", arguments: RandomCases.seeds(1...50))
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed)
        for _ in 0..<50 {
            let data = random.bytes(Int.random(in: 0...8, using: &random))
            let frame = try #require(CANFrame(id: UInt16.random(in: 0...0x7FF, using: &random), data: data))
            #expect(Self.events(SLCAN.line(frame)) == [.frame(frame)])
            #expect(Self.events(String(SLCAN.line(frame).dropLast()) + "1A2B\r") == [.frame(frame)], "with a time")
            #expect(Self.events("z" + SLCAN.line(frame).lowercased()) == [.frame(frame)], "after an answer")
        }
    }

    @Test(
        "what is no data frame of 11 bits is no frame",
        arguments: [
            "", "t", "t3", "t305", "t3059", "t30580011", "t3051G0", "t3051000", "t80010", "tZZZ100", "T0000030510",
            "r3050",
            "t30 100", "x", "V1013", "N1234", "z", "Z", "é", "F1", "F1G", "F123",
        ])
    func none(line: String) { #expect(Self.events(line + "\r") == []) }

    @Test("a line that is too long is skipped, and the next one is read")
    func long() throws {
        let frame = try #require(CANFrame(id: 0x305, data: [1]))
        #expect(Self.events(String(repeating: "t3051", count: 1000) + "\rt305101\r") == [.frame(frame)])
    }

    @Test("a refusal ends what was begun, and flags are read")
    func answers() {
        #expect(Self.events("t35\u{07}t3050\r").count == 2)
        #expect(
            Self.events("F20\rFA6\rF00\r") == [
                .flags([.passive]), .flags(SLCANFlags(rawValue: 0xA6)), .flags([]),
            ])
    }

    @Test("any bytes do no harm", arguments: RandomCases.seeds(1...50))
    func hostile(seed: UInt64) {
        var random = SeededRandom(seed)
        var reader = SLCANReader()
        let letters = Array("tTrRzZF0123456789aF\r\r\u{07}".utf8)
        for _ in 0..<5_000 {
            let byte = random.oneIn(4) ? random.bytes(1)[0] : letters.randomElement(using: &random) ?? 0
            if case .frame(let frame) = reader.take(byte) { #expect(frame.data.count <= 8 && frame.id <= 0x7FF) }
        }
    }
}

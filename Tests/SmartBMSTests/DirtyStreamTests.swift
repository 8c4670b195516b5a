import BMSCore
import SmartBMS
import Testing
import TestSupport

@Suite("A damaged stream")
struct DirtyStreamTests {
    private struct Line: Decodable {
        /// Reads as `[ms, hex]`.
        var reads: [[UInt8]]
        var isGood: Bool

        init(from decoder: any Decoder) throws {
            let object = try decoder.container(keyedBy: Key.self)
            isGood = try object.decode(Int.self, forKey: .good) == 1
            var chunks = try object.nestedUnkeyedContainer(forKey: .chunks)
            reads = []
            while !chunks.isAtEnd {
                var chunk = try chunks.nestedUnkeyedContainer()
                _ = try chunk.decode(Int.self)
                reads.append(Fixtures.bytes(hex: try chunk.decode(String.self)) ?? [])
            }
        }

        private enum Key: String, CodingKey {
            case good
            case chunks = "t_chunks"
        }
    }

    private let lines: [Line]
    private let good: [Frame]

    init() throws {
        lines = try Fixtures.objects(of: "stream-dirty.jsonl")
        let clean = try Fixtures.lines(of: "stream-clean.hex").map { Fixtures.bytes(hex: $0) ?? [] }
        good = zip(clean, lines).filter { $1.isGood }.compactMap { FrameDecoder.decode($0.0) }
    }

    private var reads: [[UInt8]] { lines.flatMap(\.reads) }

    private func frames(_ reads: [[UInt8]], _ rules: FrameValidator) -> [Frame] {
        var stream = FrameStream(rules: rules)
        return reads.flatMap { read -> [Frame] in
            stream.push(read)
            var found: [Frame] = []
            while let frame = stream.nextFrame() { found.append(frame) }
            return found
        }
    }

    @Test("The fixture holds 115 good frames")
    func fixture() {
        #expect(lines.count == 180)
        #expect(good.count == 115)
    }

    @Test(
        "In its own chunks the stream gives exactly the good frames",
        arguments: [FrameValidator.shapeOnly, FrameValidator()])
    func ownChunks(rules: FrameValidator) {
        #expect(frames(reads, rules) == good)
    }

    @Test(
        "Byte by byte the stream gives exactly the good frames",
        arguments: [FrameValidator.shapeOnly, FrameValidator()])
    func singleBytes(rules: FrameValidator) {
        #expect(frames(reads.flatMap { $0 }.map { [$0] }, rules) == good)
    }

    @Test(
        "In one piece the stream gives exactly the good frames",
        arguments: [FrameValidator.shapeOnly, FrameValidator()])
    func onePiece(rules: FrameValidator) {
        #expect(frames([reads.flatMap { $0 }], rules) == good)
    }

    @Test(
        "In any chunking the stream gives exactly the good frames",
        arguments: [FrameValidator.shapeOnly, FrameValidator()])
    func anyChunking(rules: FrameValidator) {
        let bytes = reads.flatMap { $0 }
        for seed in RandomCases.seeds(1...100) {
            var random = SeededRandom(seed)
            var pieces: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...(random.oneIn(5) ? 300 : 40), using: &random)
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            #expect(frames(pieces, rules) == good, "seed \(seed)")
        }
    }

    @Test("Every byte belongs to an accepted frame, is dropped, or waits in a buffer of less than a frame")
    func balance() {
        let bytes = reads.flatMap { $0 }
        var stream = FrameStream()
        stream.push(bytes)
        while stream.nextFrame() != nil {}
        let waiting = bytes.count - stream.counters.framesAccepted * 58 - stream.counters.bytesDropped
        #expect((0..<58).contains(waiting))
        #expect(stream.counters.framesAccepted == 115)
        #expect(stream.counters.resyncs > 20)
    }
}

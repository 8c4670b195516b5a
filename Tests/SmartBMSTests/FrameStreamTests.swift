import BMSCore
import SmartBMS
import Testing
import TestSupport
import TestThreads

@Suite("Frame stream", .calculates)
struct FrameStreamTests {
    private func run(_ bytes: [UInt8], rules: FrameValidator = FrameValidator()) -> (
        frames: Int, counters: LinkCounters
    ) {
        var stream = FrameStream(rules: rules)
        stream.push(bytes)
        var count = 0
        while stream.nextFrame() != nil { count += 1 }
        return (count, stream.counters)
    }

    @Test("Noise before the first frame counts in bytes, not in refusals or resyncs")
    func noiseFirst() {
        let (frames, counters) = run([0, 0x2B, 0x58, 1, 2] + FrameFixture.bytes())
        #expect(frames == 1)
        #expect(counters.bytesDropped == 5)
        #expect(counters.framesRejected == 0)
        #expect(counters.resyncs == 0)
    }

    @Test("Two frames in one read are two frames")
    func glued() {
        let (frames, counters) = run(FrameFixture.bytes() + FrameFixture.bytes())
        #expect(frames == 2)
        #expect(counters.bytesDropped == 0)
    }

    @Test("A cut frame costs itself alone and one resync", arguments: 1..<58)
    func cut(length: Int) {
        let good = FrameFixture.bytes()
        let (frames, counters) = run(good + Array(good.prefix(length)) + good + good)
        #expect(frames == 3)
        #expect(counters.bytesDropped == length)
        #expect(counters.resyncs == 1)
        #expect(counters.framesRejected == 1)
    }

    @Test("A frame shifted by extra bytes is found", arguments: 1...60)
    func shifted(extra: Int) {
        let good = FrameFixture.bytes()
        let (frames, counters) = run(good + [UInt8](repeating: 0x2B, count: extra) + good)
        #expect(frames == 2)
        #expect(counters.bytesDropped == extra)
    }

    @Test("A frame with a wrong sum is refused and counted once")
    func wrongSum() {
        var bad = FrameFixture.bytes()
        bad[40] += 1
        let (frames, counters) = run(FrameFixture.bytes() + bad + FrameFixture.bytes())
        #expect(frames == 2)
        #expect(counters.rejections == [.sum: 1])
        #expect(counters.bytesDropped == 58)
    }

    @Test("A frame without sign bytes is counted for its signs if a frame was due")
    func wrongSigns() {
        var bad = FrameFixture.bytes()
        bad[3] = 0
        let (frames, counters) = run(FrameFixture.bytes() + FrameFixture.withSum(bad) + FrameFixture.bytes())
        #expect(frames == 2)
        #expect(counters.rejections == [.signs: 1])
    }

    @Test("Each refusal is counted under its own reason", arguments: Damage.shape + Damage.plausibility)
    func counted(damage: Damage) {
        let (frames, counters) = run(FrameFixture.bytes() + FrameFixture.bytes(damage.change) + FrameFixture.bytes())
        #expect(frames == 2)
        #expect(counters.rejections == [damage.rejection: 1])
        #expect(counters[damage.rejection] == 1)
        #expect(counters.framesRejected == 1)
    }

    @Test("The last refused frame is kept for diagnosis")
    func lastRejected() {
        var stream = FrameStream()
        stream.push(FrameFixture.bytes { $0.soc = 120 } + FrameFixture.bytes())
        #expect(stream.nextFrame() != nil)
        #expect(stream.lastRejected?.rejection == .soc)
        #expect(stream.lastRejected?.frame?.soc == 120)
    }

    @Test("58 zero bytes, again and again, are not a frame")
    func zeros() {
        let (frames, counters) = run([UInt8](repeating: 0, count: 58 * 20))
        #expect(frames == 0)
        #expect(counters.framesRejected == 0)
    }

    @Test("A megabyte of noise holds no frame and leaves less than a frame buffered", arguments: [1, 2] as [UInt64])
    func megabyte(seed: UInt64) {
        var random = SeededRandom(seed)
        var stream = FrameStream(rules: .shapeOnly)
        var pushed = 0
        while pushed < 1 << 20 {
            let chunk = random.bytes(Int.random(in: 1...9000, using: &random))
            stream.push(chunk)
            pushed += chunk.count
            #expect(stream.nextFrame() == nil, "seed \(seed)")
            #expect(pushed - stream.counters.bytesDropped < 58, "seed \(seed)")
        }
        stream.push(FrameFixture.bytes())
        #expect(stream.nextFrame() == FrameFixture.frame())
    }

    @Test("After a reset a half frame is forgotten and counted as dropped")
    func reset() {
        var stream = FrameStream()
        stream.push(Array(FrameFixture.bytes().prefix(30)))
        #expect(stream.nextFrame() == nil)
        stream.reset()
        stream.push(FrameFixture.bytes())
        #expect(stream.nextFrame() == FrameFixture.frame())
        #expect(stream.counters.bytesDropped == 30)
    }
}

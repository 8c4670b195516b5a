import BMSCore
import MQTTBridge

/// One frame through the whole bridge: bytes in, all messages that are due out, nothing sent.
enum StepBenchmark {
    static func run() {
        var options = BridgeOptions()
        options.limitsInterval = 0
        let count = 2_000
        let frames = SampleFrames.make(count).map(FrameEncoder.encode)
        var bridge = Bridge(options, packs: [PackOptions(id: "garage")])
        var time: Int64 = 0
        func now() -> Moment {
            time += 1000
            return Moment(monotonic: Timestamp(milliseconds: time), wall: 1_795_000_000_000 + time)
        }
        _ = bridge.connected(canExpire: true, at: now())
        var messages = 0
        let seconds = Stopwatch.best(of: 3) {
            messages = 0
            for frame in frames { messages += bridge.receive(frame, pack: 0, at: now()).messages.count }
        }
        let tenths = Int(seconds / Double(count) * 1e7)
        print(
            "| one frame through the whole bridge, \(messages * 100 / count) messages for 100 frames | \(tenths / 10).\(tenths % 10) us |"
        )
        let ticks = Stopwatch.best(of: 3) {
            for _ in frames {
                time -= 900
                _ = bridge.tick(at: now())
            }
        }
        let tick = Int(ticks / Double(count) * 1e7)
        print("| one tick without a frame | \(tick / 10).\(tick % 10) us |")
    }
}

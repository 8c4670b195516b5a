import MQTT
import BMSCore
import SmartBMS
import BatteryEngine
import MQTTBridge

/// Time of one frame through the whole bridge: bytes in, all messages that are due out, nothing sent.
enum StepBenchmark {
    private static let count = 2_000

    static func run() {
        var options = BridgeOptions()
        options.limitsInterval = 0
        measure("one frame to its limits document", options, secondsLater: 0)
        measureRested("one frame to its limits document", options)
        measure("one frame through the whole bridge, a second after the one before", options, secondsLater: 1)
        options.limitsInterval = BridgeOptions().limitsInterval
        measure("the same with the default heartbeats", options, secondsLater: 1)
        measureCommands(options)
    }

    /// Measures a ceiling of the discharge current, with all messages that follow from it.
    private static func measureCommands(_ options: BridgeOptions) {
        let payloads = (0..<count).map { Array("\(100 - $0 % 50).5".utf8) }
        measure("one command", per: "for 100", options, secondsLater: 1) { bridge, index, now in
            let topic = "bms/garage/set/maxDischargeCurrent"
            return bridge.receive(MQTTMessage(topic, payloads[index]), at: now)
        }
    }

    private static func measure(_ name: String, _ options: BridgeOptions, secondsLater: Int64) {
        measure(name, per: "for 100 frames", options, secondsLater: secondsLater) { bridge, index, now in
            bridge.receive(frames[index], pack: 0, at: now)
        }
    }

    private static let frames = SampleFrames.make(count).map(FrameEncoder.encode)

    /// Measures a frame after a pause, as between frames, in which other work has used the caches.
    private static func measureRested(_ name: String, _ options: BridgeOptions) {
        for milliseconds in [1, 30] as [Int32] {
            var harness = Harness(options)
            let times = frames.prefix(400).map { frame in
                pause(milliseconds: milliseconds)
                let start = ContinuousClock.now
                _ = harness.bridge.receive(frame, pack: 0, at: harness.now(0))
                return (ContinuousClock.now - start).components.attoseconds / 100_000_000_000
            }.sorted()
            let tenths = times[times.count / 2]
            print("| \(name), after \(milliseconds) ms of sleep, median | \(tenths / 10).\(tenths % 10) us |")
        }
    }

    /// A connected bridge with some frames of its pack.
    private struct Harness {
        var bridge: Bridge
        private var time: Int64 = 0

        init(_ options: BridgeOptions) {
            bridge = Bridge(options, packs: [PackOptions(id: "garage")])
            _ = bridge.connected(canExpire: true, at: now(1000))
            for frame in frames.prefix(50) { _ = bridge.receive(frame, pack: 0, at: now(1000)) }
        }

        mutating func now(_ milliseconds: Int64) -> Moment {
            time += milliseconds
            return Moment(monotonic: Timestamp(milliseconds: time), wall: 1_795_000_000_000 + time)
        }
    }

    private static func measure(
        _ name: String, per: String, _ options: BridgeOptions, secondsLater: Int64,
        _ step: (inout Bridge, Int, Moment) -> Outbox
    ) {
        var harness = Harness(options)
        var messages = 0
        let seconds = Stopwatch.best(of: 5) {
            messages = 0
            for index in 0..<count {
                let now = harness.now(1000 * secondsLater)
                messages += step(&harness.bridge, index, now).messages.count
            }
        }
        let tenths = Int(seconds / Double(count) * 1e7)
        print("| \(name), \(messages * 100 / count) messages \(per) | \(tenths / 10).\(tenths % 10) us |")
    }
}

import BMSCore
import SmartBMS
import CMosquitto
import TestSupport

/// Time from the last byte of a frame, or from a command, to the limits at a subscriber. A bare libmosquitto program takes turns with the
/// bridge: it has the same trigger and publishes as many bytes in the same way. Each has a process of its own, and both have one broker,
/// one receiver and one run.
enum LatencyBenchmark {
    private static let samples = 500
    private static let frameSamples = 150

    static func run() {
        let broker = BrokerFixture()
        guard broker.start(), let decoder = Receiver(port: broker.port) else {
            print("| latency | skipped: mosquitto is not installed |")
            return
        }
        let (pty, barePTY) = (PtyPair(), PtyPair())
        guard let bridge = bridge(broker, pty), let bare = BareClient("frames", broker, [barePTY.path]) else {
            print("| latency | skipped: no bms-mqtt or no C compiler |")
            return
        }
        _ = bridge.read(until: "reading")
        let frames = SampleFrames.make(frameSamples + 10).map(FrameEncoder.encode)
        decoder.subscribe("bms/bench/limits")
        for frame in frames.prefix(10) {
            pty.write(frame)
            pause(milliseconds: 950)
            decoder.drain()
        }
        let size = decoder.size
        tell(bare, size, decoder)
        // The same client publishes and receives in one process, for a comparison with such figures.
        decoder.subscribe("bench/loop")
        var times = Times()
        // A BMS sends one frame a second; of more frames a bridge does not publish each.
        for index in 0..<frameSamples {
            times.add("publish to receive in one process", pause(milliseconds: 450)) {
                decoder.publish("bench/loop", [UInt8](repeating: UInt8(ascii: "x"), count: size))
                return decoder.wait(seconds: 2)
            }
            pause(milliseconds: 50)
            times.add("bare libmosquitto, the same trigger and the same bytes", decoder.drain()) {
                barePTY.write([frames[10 + index][57]])
                return decoder.wait(seconds: 2)
            }
            pause(milliseconds: 450)
            pty.write(Array(frames[10 + index].dropLast()))
            pause(milliseconds: 3)
            times.add("frame's last byte to limits at a subscriber", decoder.drain()) {
                pty.write([frames[10 + index][57]])
                return decoder.wait(seconds: 2)
            }
        }
        times.report(aim: "1.3", yardstick: 1, measured: 2)
    }

    /// Time from a command to the limits that obey it: five hundred ceilings of the discharge current, each half an ampere below the one
    /// before, at the five a second that a pack accepts. This takes two minutes.
    static func runCommands() {
        let broker = BrokerFixture()
        guard broker.start(), let decoder = Receiver(port: broker.port) else {
            print("| commands | skipped: mosquitto is not installed |")
            return
        }
        let pty = PtyPair()
        guard let bridge = bridge(broker, pty), let bare = BareClient("commands", broker) else {
            print("| commands | skipped: no bms-mqtt or no C compiler |")
            return
        }
        _ = bridge.read(until: "reading")
        decoder.subscribe("bms/bench/limits")
        // No two frames in a row are equal, because a repeated frame counts as silence.
        let frames = SampleFrames.make(19)
        var fed = 0
        func feed() {
            var large = frames[fed % frames.count]
            fed += 1
            large.capacity = WattHours(6_000_000)
            pty.write(FrameEncoder.encode(large))
        }
        for _ in 0..<8 {
            feed()
            pause(milliseconds: 950)
            decoder.drain()
        }
        tell(bare, decoder.size, decoder)
        var times = Times()
        for index in 0..<samples {
            pause(milliseconds: 100)
            if index.isMultiple(of: 4) { feed() }
            pause(milliseconds: 5)
            let tenths = 8_000 - 5 * index
            let text = Array("\(tenths / 10).\(tenths % 10)".utf8)
            times.add("bare libmosquitto, command to a message of the same size", decoder.drain()) {
                decoder.publish("bare/command", text)
                return decoder.wait(seconds: 2)
            }
            pause(milliseconds: 100)
            times.add("command to limits at a subscriber", decoder.drain()) {
                decoder.publish("bms/bench/set/maxDischargeCurrent", text)
                return decoder.wait(seconds: 2)
            }
        }
        times.report(aim: "2", yardstick: 0, measured: 1)
    }

    /// Time from the start of the program until it reads, and from the first byte, at a frame a second, to the first limits.
    static func runStart() {
        let broker = BrokerFixture()
        guard broker.start(), let decoder = Receiver(port: broker.port) else {
            print("| start | skipped: mosquitto is not installed |")
            return
        }
        decoder.subscribe("bms/bench/limits")
        let frames = SampleFrames.make(10).map(FrameEncoder.encode)
        let pty = PtyPair()
        let start = ContinuousClock.now
        guard let bridge = bridge(broker, pty) else {
            print("| start | skipped: no bms-mqtt beside this program |")
            return
        }
        _ = bridge.read(until: "reading")
        let reading = ContinuousClock.now
        for frame in frames {
            pty.write(frame)
            if decoder.wait(seconds: 1) { break }
        }
        print("| start to reading | \(milliseconds(reading - start)) ms |")
        print(
            "| first byte to first limits at a subscriber, aim 1500 | \(milliseconds(ContinuousClock.now - reading)) ms |"
        )
        _ = bridge.id
    }

    private static func milliseconds(_ time: Duration) -> Int64 {
        time.components.seconds * 1000 + time.components.attoseconds / 1_000_000_000_000_000
    }

    /// Makes the bare program send as many bytes as the bridge.
    private static func tell(_ bare: BareClient, _ size: Int, _ decoder: Receiver) {
        decoder.publish("bare/size", Array("\(size)".utf8))
        decoder.subscribe("bare/limits")
        print("| size of the limits document | \(size) bytes |")
    }

    /// Starts a bridge that publishes limits when they change and at its heartbeat; its program is next to this one.
    private static func bridge(_ broker: BrokerFixture, _ pty: PtyPair) -> ChildProcess? {
        let file = broker.folder.write(
            """
            mqtt: { host: 127.0.0.1, port: \(broker.port) }
            publish: { limits: 0 }
            stateDirectory: \(broker.folder.path)/state
            packs:
              - id: bench
                source: serial:\(pty.path)
                sensor: 2000
            """, "config.yaml")
        let folder = CommandLine.arguments[0].split(separator: "/").dropLast().joined(separator: "/")
        let root = CommandLine.arguments[0].hasPrefix("/") ? "/" : ""
        return ChildProcess("\(root)\(folder)/bms-mqtt", ["run", "--config", file])
    }
}

/// Times in microseconds, by name.
private struct Times {
    private var all: [(name: String, times: [Int])] = []

    /// Measures a body, after the preparation in the second argument.
    mutating func add(_ name: String, _ prepared: Void, _ body: () -> Bool) {
        let start = ContinuousClock.now
        let isDone = body()
        let time = (ContinuousClock.now - start).components
        let microseconds =
            isDone ? Int(time.seconds) * 1_000_000 + Int(time.attoseconds / 1_000_000_000_000) : 2_000_000
        if let index = all.firstIndex(where: { $0.name == name }) {
            all[index].times.append(microseconds)
        } else {
            all.append((name, [microseconds]))
        }
    }

    func report(aim: String, yardstick: Int, measured: Int) {
        for (name, times) in all {
            let sorted = times.sorted()
            print(
                "| \(name), \(sorted.count) times | median \(median(sorted)) us, 99th percentile \(sorted[sorted.count * 99 / 100]) us |"
            )
        }
        let ratio = median(all[measured].times.sorted()) * 100 / max(1, median(all[yardstick].times.sorted()))
        print(
            "| ratio of the medians, aim \(aim) or less | \(ratio / 100).\(ratio % 100 < 10 ? "0" : "")\(ratio % 100) |"
        )
    }

    private func median(_ sorted: [Int]) -> Int { sorted[sorted.count / 2] }
}

/// A bare client on this thread, without the project's own code.
private final class Receiver {
    private let client: OpaquePointer
    fileprivate var count = 0
    /// Size of the last message, bytes.
    fileprivate(set) var size = 0

    init?(port: Int) {
        mosquitto_lib_init()
        guard let client = mosquitto_new("bench", true, nil) else { return nil }
        self.client = client
        mosquitto_user_data_set(client, Unmanaged.passUnretained(self).toOpaque())
        mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1)
        mosquitto_message_callback_set(client, countMessage)
        guard mosquitto_connect(client, "127.0.0.1", Int32(port), 60) == 0 else { return nil }
        for _ in 0..<10 { mosquitto_loop(client, 20, 1) }
    }

    deinit { mosquitto_destroy(client) }

    func subscribe(_ topic: String) {
        mosquitto_subscribe(client, nil, topic, 0)
        for _ in 0..<10 { mosquitto_loop(client, 20, 1) }
    }

    func publish(_ topic: String, _ payload: [UInt8]) {
        mosquitto_publish(client, nil, topic, Int32(payload.count), payload, 0, false)
    }

    func drain() { mosquitto_loop(client, 0, 1) }

    /// Waits for one more message.
    func wait(seconds: Double) -> Bool {
        let before = count
        let end = Deadline(seconds: seconds)
        while count == before, !end.isOver { mosquitto_loop(client, Int32(seconds * 1000), 1) }
        return count > before
    }
}

private func countMessage(
    _ client: OpaquePointer?, _ context: UnsafeMutableRawPointer?, _ message: UnsafePointer<mosquitto_message>?
) {
    guard let context, let message else { return }
    let decoder = Unmanaged<Receiver>.fromOpaque(context).takeUnretainedValue()
    decoder.count += 1
    decoder.size = Int(message.pointee.payloadlen)
}

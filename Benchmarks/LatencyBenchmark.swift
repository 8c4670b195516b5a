import BMSCore
import CMosquitto
import Glibc
import TestSupport

/// From the last byte of a frame to its limits at a subscriber, beside a bare libmosquitto loop: publish, and wait until
/// the same subscriber has it. One broker, one receiver, one run.
enum LatencyBenchmark {
    private static let samples = 1000

    static func run() {
        let broker = BrokerFixture()
        guard broker.start(), let receiver = Receiver(port: broker.port) else {
            print("| latency | skipped: mosquitto is not installed |")
            return
        }
        receiver.subscribe("bench/bare")
        let document = [UInt8](repeating: UInt8(ascii: "x"), count: 2000)
        let bare = measure(prepare: { _ in }) { _ in
            receiver.publish("bench/bare", document)
            return receiver.wait(seconds: 2)
        }
        let pty = PtyPair()
        guard let bridge = bridge(broker, pty) else { return }
        _ = bridge.read(until: "reading")
        let frames = SampleFrames.make(samples + 50).map(FrameEncoder.encode)
        receiver.subscribe("bms/bench/limits")
        for frame in frames.prefix(50) {
            pty.write(frame)
            _ = receiver.wait(seconds: 0.05)
        }
        let bridged = measure(
            prepare: { index in
                pty.write(Array(frames[50 + index].dropLast()))
                pause(milliseconds: 3)
                receiver.drain()
            }
        ) { index in
            pty.write([frames[50 + index][57]])
            return receiver.wait(seconds: 2)
        }
        report("bare libmosquitto, publish to receive", bare)
        report("frame's last byte to limits at a subscriber", bridged)
        print("| median overhead of the bridge | \(bridged[bridged.count / 2] - bare[bare.count / 2]) us |")
    }

    /// From a command to the limits that obey it: a thousand ceilings of the discharge current, each half an ampere below
    /// the one before, at the five a second that a pack takes. Takes four minutes.
    static func runCommands() {
        let broker = BrokerFixture()
        guard broker.start(), let receiver = Receiver(port: broker.port) else {
            print("| commands | skipped: mosquitto is not installed |")
            return
        }
        let pty = PtyPair()
        guard let bridge = bridge(broker, pty) else { return }
        _ = bridge.read(until: "reading")
        receiver.subscribe("bms/bench/limits")
        let frame = SampleFrames.make(1)[0]
        func feed() {
            var large = frame
            large.capacity = WattHours(6_000_000)
            pty.write(FrameEncoder.encode(large))
        }
        for _ in 0..<8 {
            feed()
            _ = receiver.wait(seconds: 0.2)
        }
        let obeyed = measure(
            prepare: { index in
                pause(milliseconds: 195)
                if index.isMultiple(of: 4) { feed() }
                pause(milliseconds: 5)
                receiver.drain()
            }
        ) { index in
            let tenths = 8_000 - 5 * index
            receiver.publish("bms/bench/set/maxDischargeCurrent", Array("\(tenths / 10).\(tenths % 10)".utf8))
            return receiver.wait(seconds: 2)
        }
        report("command to limits at a subscriber", obeyed)
    }

    /// A bridge that publishes limits when they change and at its heartbeat; the program lies beside this one.
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

    /// Sorted microseconds.
    private static func measure(prepare: (Int) -> Void, _ body: (Int) -> Bool) -> [Int] {
        (0..<samples).map { index in
            // Idle in between, as a frame a second leaves it.
            pause(milliseconds: 10)
            prepare(index)
            let start = ContinuousClock.now
            guard body(index) else { return 2_000_000 }
            let time = (ContinuousClock.now - start).components
            return Int(time.seconds) * 1_000_000 + Int(time.attoseconds / 1_000_000_000_000)
        }.sorted()
    }

    private static func report(_ name: String, _ sorted: [Int]) {
        let median = sorted[sorted.count / 2]
        let tail = sorted[sorted.count * 99 / 100]
        print("| \(name), \(sorted.count) times | median \(median) us, 99th percentile \(tail) us |")
    }

    private static func pause(milliseconds: Int32) {
        var entry = pollfd(fd: -1, events: 0, revents: 0)
        poll(&entry, 1, milliseconds)
    }
}

/// A bare client on this thread, without anything of ours.
private final class Receiver {
    private let client: OpaquePointer
    fileprivate var count = 0

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
    guard let context else { return }
    Unmanaged<Receiver>.fromOpaque(context).takeUnretainedValue().count += 1
}

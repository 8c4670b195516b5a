import BMSCore
import ChargeLimits

/// One pack on its way from bytes to topics. No I/O: it fills an ``Outbox``.
struct PackChannel: Sendable {
    let options: PackOptions
    private let bridge: BridgeOptions
    private var receiver: PackReceiver
    private var calculator: LimitCalculator
    private var publisher: PackPublisher
    private var history = PackHistory()
    private var refusals = RefusalWatch()
    private var watch = PackWatch()
    private(set) var limits: Limits?
    /// Every other pack of the bank is full.
    var otherPacksAreFull = true

    init(_ options: PackOptions, _ bridge: BridgeOptions, memory: LimitMemory?, at now: Timestamp) {
        self.options = options
        self.bridge = bridge
        receiver = PackReceiver(rules: options.rules, options: options.tracker)
        calculator = LimitCalculator(options.limits, memory: memory, at: now)
        publisher = PackPublisher(options, bridge)
    }

    /// Takes bytes and publishes at once what they changed.
    mutating func receive(_ bytes: some Sequence<UInt8>, at now: Moment, into outbox: inout Outbox) {
        let outcomes = receiver.receive(bytes, at: now.monotonic)
        guard !outcomes.isEmpty else { return }
        let isGood = outcomes.contains { outcome in
            if case .refused = outcome { return false }
            return true
        }
        advance(at: now, hasFrame: isGood, into: &outbox)
    }

    /// Time passed.
    mutating func tick(at now: Moment, into outbox: inout Outbox) { advance(at: now, hasFrame: false, into: &outbox) }

    /// What was learned of this pack.
    func memory(at now: Timestamp) -> LimitMemory? { calculator.memory(at: now) }

    /// The pack rests after a full charge, by fresh data.
    var isFull: Bool { limits?.state == .full || limits?.state == .float }

    /// The source was closed or opened.
    mutating func sourceChanged() { receiver.reset() }

    /// The broker knows nothing of this pack (any more).
    mutating func connected(canExpire: Bool, at now: Moment, into outbox: inout Outbox) {
        publisher.connected(view(at: now.monotonic), canExpire: canExpire, at: now, into: &outbox)
    }

    /// Home Assistant has started.
    mutating func born(at now: Moment) { publisher.born(at: now) }

    private mutating func advance(at now: Moment, hasFrame: Bool, into outbox: inout Outbox) {
        let snapshot = receiver.snapshot
        var context = LimitContext()
        context.otherPacksAreFull = otherPacksAreFull
        context.hour = now.hour
        limits = calculator.step(snapshot, at: now.monotonic, context)
        if hasFrame, snapshot.measuredAt == now.monotonic, let frame = snapshot.frame {
            history.note(frame, limits, at: now.monotonic)
        }
        for sentence in refusals.step(snapshot.counters, receiver.lastRejected, at: now.monotonic) {
            outbox.say(.warning, "pack \(options.id): \(sentence)")
            outbox.send(publisher.event("framesRefused", sentence, at: now))
        }
        for news in watch.step(snapshot, limits, isConfigured: options.tracker.chemistry != nil) {
            outbox.say(news.level, "pack \(options.id): \(news.text)")
            outbox.send(publisher.event(news.kind, news.text, at: now))
        }
        publisher.publish(view(at: now.monotonic), hasFrame: hasFrame, at: now, into: &outbox)
    }

    private func view(at now: Timestamp) -> PackView {
        let snapshot = receiver.snapshot
        return PackView(
            options: options, snapshot: snapshot,
            freshness: options.tracker.freshness.freshness(of: snapshot.linkAt, at: now), limits: limits,
            history: history, now: now)
    }
}

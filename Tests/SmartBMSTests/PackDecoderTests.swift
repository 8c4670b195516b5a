import BMSCore
import SmartBMS
import Testing
import TestSupport

@Suite("Pack receiver")
struct PackDecoderTests {
    private func settled() -> PackDecoder {
        var receiver = PackDecoder()
        for second in [-1.0, 0] { receiver.feed(FrameFixture.bytes(), at: .seconds(second)) }
        return receiver
    }

    private func knowledge(_ receiver: PackDecoder) -> PackSnapshot {
        var snapshot = receiver.snapshot
        snapshot.counters = LinkCounters()
        snapshot.damagedAt = nil
        (snapshot.heardAt, snapshot.refusal) = (nil, nil)
        return snapshot
    }

    @Test("A frame that the rules refuse changes no value", arguments: Damage.shape + Damage.plausibility)
    func refusedByRules(damage: Damage) {
        var receiver = settled()
        let before = knowledge(receiver)
        #expect(receiver.receive(FrameFixture.bytes(damage.change), at: .seconds(1)) == [.refused(damage.rejection)])
        #expect(knowledge(receiver) == before)
        #expect(receiver.snapshot.refusal == damage.rejection)
        #expect(receiver.snapshot.damagedAt == nil)
        #expect(receiver.counters[damage.rejection] == 1)
    }

    static let history: [Damage] = [
        Damage("highest cell jumps", .jump) { $0.setCells(low: 3305, high: 3625) },
        Damage("the state of charge jumps", .jump) { $0.soc = 0 },
        Damage("the stored energy jumps", .jump) { $0.energyStored = WattHours(0) },
        Damage("the current jumps", .jump) { $0.current = Milliamperes(-1_875_000) },
        Damage("the inflow jumps", .jump) { $0.current1 = Milliamperes(600_000) },
        Damage("a sensor goes", .jump) { $0.current = nil },
        Damage("settings change", .settings) { $0.capacity = WattHours(20_000) },
    ]

    @Test("A frame that the gate refuses changes no value and counts as rejected", arguments: history)
    func refusedByGate(damage: Damage) {
        var receiver = settled()
        let before = knowledge(receiver)
        #expect(receiver.receive(FrameFixture.bytes(damage.change), at: .seconds(1)) == [.refused(damage.rejection)])
        #expect(knowledge(receiver) == before)
        // The very first frame was refused, too, because it waited for an equal one.
        #expect(receiver.counters.framesAccepted == 1)
        #expect(receiver.counters.framesRejected == 2)
        #expect(receiver.counters.bytesDropped == 2 * 58)
    }

    @Test("Every reason to refuse can be produced from bytes")
    func complete() {
        let produced = Set((Damage.shape + Damage.plausibility + Self.history).map(\.rejection))
        #expect(produced.union([.signs, .sum, .stuck, .heldBack]) == Set(Rejection.allCases))
    }

    @Test("A line that claims to be one frame is decoded as one", arguments: [0, 57, 59, 60, 116])
    func wholeFrame(count: Int) {
        var receiver = settled()
        let bytes = Array((FrameFixture.bytes() + FrameFixture.bytes()).prefix(count))
        #expect(receiver.receiveFrame(bytes, at: .seconds(1)) == nil)
        #expect(receiver.counters.framesAccepted == 1)
    }

    @Test("Lines with a frame each cause no resync")
    func lines() {
        var receiver = settled()
        for second in 1...5 {
            #expect(receiver.receiveFrame(FrameFixture.bytes(), at: .seconds(Double(second))) == .measured)
        }
        #expect(receiver.counters.resyncs == 0)
    }

    @Test(
        "A line that fails the rules is counted and kept for diagnosis", arguments: Damage.shape + Damage.plausibility)
    func badLine(damage: Damage) {
        var receiver = settled()
        let outcome = receiver.receiveFrame(FrameFixture.bytes(damage.change), at: .seconds(1))
        #expect(outcome == .refused(damage.rejection))
        #expect(receiver.counters[damage.rejection] == 1)
        #expect(receiver.lastRejected?.rejection == damage.rejection)
    }

    @Test("A reset discards half a frame and keeps all values")
    func reset() {
        var receiver = settled()
        receiver.feed(Array(FrameFixture.bytes().prefix(20)), at: .seconds(1))
        let before = knowledge(receiver)
        receiver.reset()
        #expect(knowledge(receiver) == before)
        #expect(receiver.receive(FrameFixture.bytes(), at: .seconds(2)) == [.measured])
    }
}

extension PackDecoder {
    /// Receives bytes whose outcome does not matter.
    mutating func feed(_ bytes: [UInt8], at now: Timestamp) { _ = receive(bytes, at: now) }
}

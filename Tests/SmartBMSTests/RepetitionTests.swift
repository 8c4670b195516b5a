import BMSCore
import SmartBMS
import TestSupport
import Testing

@Suite("A sender that repeats one frame")
struct RepetitionTests {
    private func receiver(_ stuck: Int64? = 20_000) -> PackDecoder {
        var options = SnapshotBuilder.Options()
        options.confirmation.stuck = stuck
        return PackDecoder(options: options)
    }

    /// Outcomes of frames, one each second from `start`.
    private func feed(
        _ receiver: inout PackDecoder, _ seconds: ClosedRange<Int>, _ change: (inout Frame, Int) -> Void = { _, _ in }
    ) -> [SnapshotBuilder.Outcome] {
        seconds.flatMap { second in
            receiver.receive(FrameFixture.bytes { change(&$0, second) }, at: .seconds(Double(second)))
        }
    }

    @Test("Equal frames count for 20 s, then none of them does, and data is as old as the first")
    func stuck() {
        var receiver = receiver()
        #expect(feed(&receiver, 0...20).dropFirst().allSatisfy { $0 == .measured })
        #expect(feed(&receiver, 21...300).allSatisfy { $0 == .refused(.stuck) })
        #expect(receiver.snapshot.linkAt == .seconds(0))
        #expect(receiver.snapshot.measuredAt == .seconds(0))
        #expect(receiver.counters[.stuck] == 280)
        #expect(FreshnessTimes().freshness(of: receiver.snapshot.linkAt, at: .seconds(21)) == .stale)
    }

    static let signs: [(String, @Sendable (inout Frame, Int) -> Void)] = [
        ("the cell of the frame", { $0.slotCell = $1 % 16 + 1 }),
        ("the key", { $0.keyByte = UInt8(25 + $1 % 19) }),
        ("the minute of an old clock", { $0.keyValue = UInt8($1 / 20 % 60) }),
        ("the current", { $0.current = Milliamperes($1 % 2 * 125) }),
    ]

    @Test("One byte that changes is enough for a live sender", arguments: signs)
    func alive(name: String, change: @Sendable (inout Frame, Int) -> Void) {
        var receiver = receiver()
        #expect(feed(&receiver, 0...300, change).dropFirst().allSatisfy { $0 == .measured })
    }

    @Test("The first frame that differs is used at once, and permission must be given again")
    func recovery() {
        var receiver = receiver()
        _ = feed(&receiver, 0...100)
        #expect(feed(&receiver, 101...101) { frame, _ in frame.soc = 51 } == [.measured])
        #expect(receiver.snapshot.linkAt == .seconds(101))
        #expect(!receiver.snapshot.permissions.contains(.chargeAllowed))
        _ = feed(&receiver, 102...102) { frame, _ in frame.soc = 52 }
        #expect(receiver.snapshot.permissions.contains(.chargeAllowed))
    }

    @Test("After a silence the count starts again")
    func silence() {
        var receiver = receiver()
        _ = feed(&receiver, 0...20)
        #expect(feed(&receiver, 90...100).dropFirst(5).allSatisfy { $0 == .measured })
    }

    @Test("Frames without cell communication never count as repeated, because their status holds all limits at 0")
    func noCommunication() {
        var receiver = receiver()
        let outcomes = feed(&receiver, 0...100) { frame, _ in frame.status = .noCellCommunication }
        #expect(outcomes.dropFirst().allSatisfy { $0 == .statusOnly })
    }

    @Test("Without the check equal frames count without end")
    func off() {
        var receiver = receiver(nil)
        #expect(feed(&receiver, 0...300).dropFirst().allSatisfy { $0 == .measured })
    }
}

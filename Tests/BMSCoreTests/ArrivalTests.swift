import BMSCore
import TestSupport
import Testing

/// A frame carries no time: how it arrives decides how old it may be.
@Suite("Arrival of frames")
struct ArrivalTests {
    private static let frame = FrameFixture.bytes()

    private static func burst(_ count: Int) -> [UInt8] { (0..<count).flatMap { _ in frame } }

    /// A receiver that heard a frame in each of the seconds 0 to 5.
    private func settled() -> PackReceiver {
        var receiver = PackReceiver()
        for second in 0...5 { receiver.feed(Self.frame, at: .seconds(Double(second))) }
        return receiver
    }

    /// Seconds between the measurement that the receiver believes and the truth.
    private func age(_ receiver: PackReceiver, at now: Double) -> Double? {
        receiver.snapshot.linkAt.map { Double(Timestamp.seconds(now) - $0) / 1000 }
    }

    @Test("A frame is as old as its first byte")
    func firstByte() {
        var receiver = settled()
        receiver.feed(Array(Self.frame[..<20]), at: .seconds(6))
        receiver.feed(Array(Self.frame[20...]), at: .seconds(8))
        #expect(receiver.snapshot.linkAt == .seconds(6))
    }

    @Test("A frame that takes 37 s to arrive makes nothing live")
    func slow() {
        var receiver = PackReceiver()
        var second = 0.0
        for byte in Self.burst(3) {
            second += 0.65
            receiver.feed([byte], at: .seconds(second))
            #expect(receiver.snapshot.linkAt == nil)
        }
        #expect(receiver.counters[.heldBack] == 3)
    }

    @Test("Of N frames in one read the first is N - 1 s old", arguments: 2...4)
    func several(count: Int) {
        var receiver = settled()
        let outcomes = receiver.receive(Self.burst(count), at: .seconds(8))
        #expect(outcomes == Array(repeating: .measured, count: count))
        #expect(receiver.snapshot.linkAt == .seconds(8))
        let cells = receiver.snapshot.cells.compactMap { $0?.time }
        #expect(cells.allSatisfy { $0 <= .seconds(8) })
    }

    @Test("Bytes are as old as whoever read them says")
    func age() {
        var receiver = settled()
        _ = receiver.receive(Self.frame, age: 2_000, at: .seconds(8))
        #expect(receiver.snapshot.linkAt == .seconds(6))
        _ = receiver.receive(Self.frame, age: 3_001, at: .seconds(11))
        #expect(receiver.snapshot.linkAt == .seconds(6))
        #expect(receiver.counters[.heldBack] == 1)
    }

    @Test("After a gap above hold frames that come in one burst count for nothing", arguments: [2, 5, 41, 70])
    func burst(count: Int) {
        var receiver = settled()
        let before = receiver.snapshot.linkAt
        let outcomes = receiver.receive(Self.burst(count), at: .seconds(9))
        #expect(outcomes == Array(repeating: .refused(.heldBack), count: count))
        #expect(receiver.snapshot.linkAt == before)
        // The rest of the burst, in reads of its own.
        for step in 1...20 {
            receiver.feed(Self.burst(3), at: .seconds(9 + Double(step) * 0.01))
            #expect(receiver.snapshot.linkAt == before)
        }
        #expect(receiver.receive(Self.frame, at: .seconds(10.2)) == [.measured])
    }

    @Test("After a gap above hold the first frame that arrives alone counts")
    func alone() {
        var receiver = settled()
        #expect(receiver.receive(Self.frame, at: .seconds(9)) == [.measured])
        #expect(receiver.receive(Self.frame, at: .seconds(10)) == [.measured])
    }

    @Test("After a gap above stale, and at the start, a frame alone needs another at the pace of a BMS")
    func confirmed() {
        for before in [settled(), PackReceiver()] {
            var receiver = before
            let link = receiver.snapshot.linkAt
            receiver.feed(Self.frame, at: .seconds(40))
            // What follows at once was held back with it.
            receiver.feed(Self.burst(30), at: .seconds(40.01))
            #expect(receiver.snapshot.linkAt == link)
            receiver.feed(Self.frame, at: .seconds(41))
            receiver.feed(Self.frame, at: .seconds(42))
            #expect(receiver.snapshot.linkAt == .seconds(42))
        }
    }

    @Test("Permission after a silence rests on the frame that confirms and the one before it")
    func permission() {
        var receiver = settled()
        receiver.feed(Self.frame, at: .seconds(40))
        #expect(receiver.snapshot.linkAt == .seconds(5))
        receiver.feed(Self.frame, at: .seconds(41))
        #expect(receiver.snapshot.linkAt == .seconds(41))
        #expect(receiver.snapshot.permissions.contains(.chargeAllowed))
    }

    @Test("A server that hands on two or three frames at a time is served", arguments: [2, 3])
    func bundles(count: Int) {
        var receiver = PackReceiver()
        for second in stride(from: count, through: 60, by: count) {
            receiver.feed(Self.burst(count), at: .seconds(Double(second)))
        }
        #expect(age(receiver, at: 60) == 0)
    }

    @Test("A server that hands on seven frames at a time is not: nothing tells that they are not older")
    func largeBundles() {
        var receiver = settled()
        for second in stride(from: 12, through: 60, by: 7) {
            receiver.feed(Self.burst(7), at: .seconds(Double(second)))
        }
        #expect(age(receiver, at: 60) == 55)
    }

    @Test("A frame of a burst takes permissions away and gives none")
    func careful() {
        var receiver = settled()
        let no = FrameFixture.bytes { $0.status = [] }
        receiver.feed(no + no, at: .seconds(9))
        #expect(receiver.snapshot.permissions == [])
        let yes = Self.burst(5)
        receiver.feed(yes, at: .seconds(9.01))
        #expect(receiver.snapshot.permissions == [])
    }

    @Test(
        "Whatever is held back for however long, nothing live is older than 10 s",
        arguments: 1...20 as ClosedRange<UInt64>)
    func heldBack(seed: UInt64) {
        var random = SeededRandom(seed)
        var receiver = PackReceiver()
        /// Each frame carries its second in the stored energy, so that its age can be told.
        func frame(_ second: Int) -> [UInt8] {
            FrameFixture.bytes { $0.energyStored = WattHours(10_000 + second % 400) }
        }
        func told(_ receiver: PackReceiver, _ now: Int) -> Int {
            ((now - (receiver.snapshot.frame?.energyStored.rawValue ?? 0) + 10_000) % 400 + 400) % 400
        }
        var second = 0
        var waiting: [[UInt8]] = []
        while second < 1_500 {
            let isHeld = random.oneIn(20)
            let length = isHeld ? Int.random(in: 1...90, using: &random) : 1
            for _ in 0..<length {
                second += 1
                waiting.append(frame(second))
            }
            // What waited comes in pieces of any size, a few milliseconds apart.
            var bytes = waiting.flatMap { $0 }[...]
            waiting = []
            var step = 0.0
            while !bytes.isEmpty {
                let piece = bytes.prefix(random.oneIn(2) ? 58 : Int.random(in: 1...4096, using: &random))
                bytes = bytes.dropFirst(piece.count)
                receiver.feed(Array(piece), at: .seconds(Double(second) + step))
                step += 0.002
                let now = Timestamp.seconds(Double(second) + step)
                if FreshnessTimes().freshness(of: receiver.snapshot.linkAt, at: now).isLive {
                    #expect(told(receiver, second) <= 10, "seed \(seed), second \(second)")
                }
            }
        }
        #expect(receiver.counters.framesAccepted > 150)
    }
}

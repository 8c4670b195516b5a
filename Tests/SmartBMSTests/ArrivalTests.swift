import BMSCore
import SmartBMS
import TestSupport
import TestThreads
import Testing

/// Tests of a frame's age, which follows from the way in which it arrives, because a frame carries no time.
@Suite("Arrival of frames", .calculates)
struct ArrivalTests {
    private static let frame = FrameFixture.bytes()

    private static func burst(_ count: Int) -> [UInt8] { (0..<count).flatMap { _ in frame } }

    /// A receiver with a frame in each of the seconds 0 to 5.
    private func settled() -> PackDecoder {
        var receiver = PackDecoder()
        for second in 0...5 { receiver.feed(Self.frame, at: .seconds(Double(second))) }
        return receiver
    }

    /// Seconds between the last accepted measurement and the present.
    private func age(_ receiver: PackDecoder, at now: Double) -> Double? {
        receiver.snapshot.linkAt.map { Double(Timestamp.seconds(now) - $0) / 1000 }
    }

    @Test("A frame is as old as its first byte")
    func firstByte() {
        var receiver = settled()
        receiver.feed(Array(Self.frame[..<20]), at: .seconds(6))
        receiver.feed(Array(Self.frame[20...]), at: .seconds(8))
        #expect(receiver.snapshot.linkAt == .seconds(6))
    }

    @Test("A frame that takes 37 s to arrive does not make the data live")
    func slow() {
        var receiver = PackDecoder()
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

    @Test("Bytes have the age that their reader gives")
    func age() {
        var receiver = settled()
        _ = receiver.receive(Self.frame, age: 2_000, at: .seconds(8))
        #expect(receiver.snapshot.linkAt == .seconds(6))
        _ = receiver.receive(Self.frame, age: 3_001, at: .seconds(11))
        #expect(receiver.snapshot.linkAt == .seconds(6))
        #expect(receiver.counters[.heldBack] == 1)
    }

    @Test("After a gap above hold the frames of a burst are not used", arguments: [2, 5, 41, 70])
    func burst(count: Int) {
        var receiver = settled()
        let before = receiver.snapshot.linkAt
        let outcomes = receiver.receive(Self.burst(count), at: .seconds(9))
        #expect(outcomes == Array(repeating: .refused(.heldBack), count: count))
        #expect(receiver.snapshot.linkAt == before)
        // The rest of the burst comes in reads of its own.
        for step in 1...20 {
            receiver.feed(Self.burst(3), at: .seconds(9 + Double(step) * 0.01))
            #expect(receiver.snapshot.linkAt == before)
        }
        // Six frames in a row must come alone, because a pause in the burst looks like one.
        for second in 10...14 {
            receiver.feed(Self.frame, at: .seconds(Double(second)))
            #expect(receiver.snapshot.linkAt == before)
        }
        #expect(receiver.receive(Self.frame, at: .seconds(15)) == [.measured])
    }

    @Test("After a gap above hold the first frame that arrives alone is used, with the age of the missing ones")
    func alone() {
        var receiver = settled()
        for second in 9...13 {
            #expect(receiver.receive(Self.frame, at: .seconds(Double(second))) == [.measured])
            #expect(receiver.snapshot.linkAt == .seconds(Double(second - 3)))
        }
        #expect(receiver.receive(Self.frame, at: .seconds(14)) == [.measured])
        #expect(receiver.snapshot.linkAt == .seconds(14), "nothing is on its way")
    }

    @Test("A frame followed by others at once is not alone, because a burst may come in two reads")
    func notAlone() {
        var receiver = settled()
        receiver.feed(Self.frame, at: .seconds(9))
        #expect(receiver.snapshot.linkAt == .seconds(6))
        receiver.feed(Self.burst(3), at: .seconds(9.1))
        #expect(receiver.snapshot.linkAt == .seconds(6) && receiver.counters[.heldBack] == 3)
    }

    @Test("When the missing frames have come, no frame has an added age")
    func complete() {
        var receiver = settled()
        receiver.feed(Self.frame, at: .seconds(9))
        #expect(receiver.snapshot.linkAt == .seconds(6))
        receiver.feed(Self.burst(4), at: .seconds(9.7))
        #expect(receiver.snapshot.linkAt.map { (Timestamp.seconds(9) ... .seconds(9.7)).contains($0) } == true)
    }

    @Test("After a gap above stale a frame alone needs five more on the beat")
    func confirmed() {
        var receiver = settled()
        receiver.feed(Self.frame, at: .seconds(40))
        // Frames that follow at once were held back with it.
        receiver.feed(Self.burst(30), at: .seconds(40.01))
        for second in 41...44 { receiver.feed(Self.frame, at: .seconds(Double(second))) }
        #expect(receiver.snapshot.linkAt == .seconds(5))
        receiver.feed(Self.frame, at: .seconds(45))
        #expect(receiver.snapshot.linkAt == .seconds(45))
    }

    @Test("At the start a second frame is enough, at any rate, but not after a burst", arguments: [0.1, 0.5, 1, 2.9])
    func start(seconds: Double) {
        var receiver = PackDecoder()
        receiver.feed(Self.frame, at: .seconds(1))
        #expect(receiver.receive(Self.frame, at: .seconds(1 + seconds)) == [.measured])
        var late = PackDecoder()
        late.feed(Self.frame, at: .seconds(1))
        late.feed(Self.frame, at: .seconds(8))
        #expect(late.snapshot.linkAt == nil, "many are missing")
        for first in [Self.burst(25), Self.frame + Self.burst(25)] {
            var receiver = PackDecoder()
            receiver.feed(first, at: .seconds(1))
            for step in 1...4 { receiver.feed(Self.frame, at: .seconds(1 + Double(step) * seconds)) }
            #expect(receiver.snapshot.linkAt == nil)
        }
    }

    @Test(
        "In doubt, frames that come alone after a pause are not used while others follow them",
        arguments: [0.3, 0.6, 1, 2.5, 4, 9])
    func pause(seconds: Double) {
        var receiver = settled()
        receiver.feed(Self.burst(3), at: .seconds(26))
        var now = 26.0
        for _ in 0..<20 {
            now += seconds
            #expect(receiver.receive(Self.frame, at: .seconds(now)) == [.refused(.heldBack)])
            receiver.feed(Self.burst(2), at: .seconds(now + 0.01))
        }
        #expect(receiver.snapshot.linkAt == .seconds(5))
    }

    @Test(
        "Frames every few seconds are as old as the missing ones, and in the end data is not live",
        arguments: [4.3, 7, 9.9])
    func trickle(seconds: Double) {
        var receiver = settled()
        for step in 1...100 {
            let now = 5 + Double(step) * seconds
            receiver.feed(Self.frame, at: .seconds(now))
            // The truth is the number of frames that were sent and have come.
            let truth = Timestamp.seconds(Double(5 + step))
            #expect(receiver.snapshot.linkAt.map { $0 <= truth } == true, "step \(step)")
        }
        #expect(!FreshnessTimes().freshness(of: receiver.snapshot.linkAt, at: .seconds(5 + 100 * seconds)).isLive)
    }

    @Test("More frames at once than the time allows were held back")
    func surplus() {
        var receiver = settled()
        receiver.feed(Self.burst(12), at: .seconds(6))
        #expect(receiver.snapshot.linkAt == .seconds(5))
        #expect(receiver.counters[.heldBack] == 12)
    }

    @Test("Data from a cable that loses every second frame, or two of three, is live", arguments: [2, 3])
    func loss(every: Int) {
        var receiver = PackDecoder()
        receiver.feed(Self.burst(20), at: .seconds(0))
        for second in stride(from: every, through: 60, by: every) {
            receiver.feed(Self.frame, at: .seconds(Double(second) + (second % 2 == 0 ? 0.1 : 0)))
        }
        #expect(age(receiver, at: 60.1).map { $0 < 0.2 } == true)
    }

    @Test(
        "Data that comes slower than it is sent grows older, and in the end is not live",
        arguments: [1.1, 1.4, 2.5, 2.7])
    func offBeat(seconds: Double) {
        var receiver = settled()
        for step in 1...200 {
            let now = 5 + Double(step) * seconds
            receiver.feed(Self.frame, at: .seconds(now))
            let truth = Timestamp.seconds(Double(5 + step) + 0.5)
            #expect(receiver.snapshot.linkAt.map { $0 <= truth } == true, "step \(step)")
        }
        #expect(!FreshnessTimes().freshness(of: receiver.snapshot.linkAt, at: .seconds(5 + 200 * seconds)).isLive)
    }

    @Test(
        "Data from a server that reads its port at times of its own is live after at most half a minute",
        arguments: [0.25, 0.7, 0.75, 1.5, 2.5])
    func grid(seconds: Double) {
        var receiver = PackDecoder()
        receiver.feed(Self.burst(20), at: .seconds(0))
        var handedOver = 0
        for step in 1...Int(200 / seconds) {
            let now = Double(step) * seconds + 0.33
            let frames = Int(now) - handedOver
            handedOver = Int(now)
            if frames > 0 { receiver.feed(Self.burst(frames), at: .seconds(now)) }
            if now > 35 { #expect(age(receiver, at: now).map { $0 < 4 } == true, "second \(now)") }
        }
    }

    @Test("Data from a server that cuts frames anywhere is live after at most half a minute")
    func cut() {
        var receiver = PackDecoder()
        receiver.feed(Self.burst(20), at: .seconds(0))
        var handedOver = 0
        for step in 1...100 {
            let now = Double(step) * 1.3
            // A frame takes 0.24 s to arrive.
            let bytes = Int(now) * 58 + Int(min(1, (now - Double(Int(now))) / 0.24) * 58)
            let piece = Self.burst((bytes - handedOver) / 58 + 2)
            receiver.feed(Array(piece[(handedOver % 58)..<(handedOver % 58 + bytes - handedOver)]), at: .seconds(now))
            handedOver = bytes
            if now > 40 { #expect(age(receiver, at: now).map { $0 < 4 } == true, "second \(now)") }
        }
    }

    @Test("Damage accounts for the gap in which it came alone")
    func noise() {
        var receiver = settled()
        receiver.feed(Self.frame, at: .seconds(13.4))
        receiver.feed([UInt8](repeating: 0x11, count: 1_800) + Self.frame, at: .seconds(14))
        #expect(age(receiver, at: 14).map { $0 > 6 } == true)
    }

    @Test("Damaged frames have come, too, so no frame is missing on a line that damages many")
    func damaged() {
        var receiver = settled()
        var bad = Self.frame
        bad[20] ^= 1
        for second in 6...9 { receiver.feed(bad, at: .seconds(Double(second))) }
        receiver.feed(Self.frame, at: .seconds(10))
        #expect(receiver.snapshot.linkAt == .seconds(10))
    }

    @Test("Permission after a silence needs the confirming frame and those before it")
    func permission() {
        var receiver = settled()
        receiver.feed(Self.frame, at: .seconds(40))
        #expect(receiver.snapshot.linkAt == .seconds(5))
        for second in 41...44 { receiver.feed(Self.frame, at: .seconds(Double(second))) }
        #expect(receiver.snapshot.linkAt == .seconds(5))
        receiver.feed(Self.frame, at: .seconds(45))
        #expect(receiver.snapshot.linkAt == .seconds(45))
        #expect(receiver.snapshot.permissions.contains(.chargeAllowed))
    }

    @Test("Data from a server that sends two or three frames at a time is live", arguments: [2, 3])
    func bundles(count: Int) {
        var receiver = PackDecoder()
        // Each read is a little late, because clocks differ.
        for step in 1...60 / count {
            receiver.feed(Self.burst(count), at: .seconds(Double(step * count) + Double(step) * 0.001))
        }
        #expect(age(receiver, at: 60.1).map { $0 < 0.2 } == true)
    }

    @Test("Frames from a server that sends seven at a time are not used, because they may be older")
    func largeBundles() {
        var receiver = settled()
        for second in stride(from: 12, through: 60, by: 7) {
            receiver.feed(Self.burst(7), at: .seconds(Double(second)))
        }
        #expect(age(receiver, at: 60) == 55)
    }

    @Test("A frame of a burst withdraws permissions and gives none")
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
        "With frames held back for any time, live data is never older than 10 s",
        arguments: RandomCases.seeds(1...20))
    func heldBack(seed: UInt64) {
        var random = SeededRandom(seed)
        var receiver = PackDecoder()
        /// A frame with its second in the stored energy, so that its age can be computed.
        func frame(_ second: Int) -> [UInt8] {
            FrameFixture.bytes { $0.energyStored = WattHours(10_000 + second % 400) }
        }
        func told(_ receiver: PackDecoder, _ now: Int) -> Int {
            ((now - (receiver.snapshot.measurements?.energyStored.rawValue ?? 0) + 10_000) % 400 + 400) % 400
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
            // Waiting bytes come in pieces of any size, a few milliseconds apart.
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

    @Test(
        "With held-back frames in any pieces and pauses, of a working BMS or a dead one, live data is never older than 10 s",
        arguments: RandomCases.seeds(1...40), [3.0, 9.0])
    func pauses(seed: UInt64, longestPause: Double) {
        var random = SeededRandom(seed)
        var receiver = PackDecoder()
        var (now, sent) = (0.0, 0)
        var waiting: [Int] = []
        var isDead = false
        /// A frame with the second of its measurement in the stored energy.
        func frame(_ second: Int) -> [UInt8] { FrameFixture.bytes { $0.energyStored = WattHours(10_000 + second) } }
        func pass(_ seconds: Double) {
            now += seconds
            while Double(sent + 1) <= now {
                sent += 1
                if !isDead { waiting.append(sent) }
            }
        }
        func look(_ what: String) {
            guard FreshnessTimes().freshness(of: receiver.snapshot.linkAt, at: .seconds(now)).isLive else { return }
            let measured = (receiver.snapshot.measurements?.energyStored.rawValue ?? 0) - 10_000
            #expect(now - Double(measured) <= 10.01, "seed \(seed), \(what), second \(now)")
        }
        func handOver(_ count: Int) {
            let piece = waiting.prefix(count)
            waiting.removeFirst(piece.count)
            if !piece.isEmpty { receiver.feed(piece.flatMap(frame), at: .seconds(now)) }
            look("handed over")
        }
        var wasLive = 0
        for _ in 0..<12 {
            isDead = false
            for _ in 0..<Int.random(in: 15...40, using: &random) {
                pass(1)
                handOver(waiting.count)
            }
            if FreshnessTimes().freshness(of: receiver.snapshot.linkAt, at: .seconds(now)).isLive { wasLive += 1 }
            pass(Double.random(in: 3.1...90, using: &random))
            isDead = random.oneIn(2)
            look("held back")
            while !waiting.isEmpty {
                pass(Double.random(in: 0.3...longestPause, using: &random))
                look("after a pause")
                handOver(random.oneIn(2) ? 1 : Int.random(in: 1...20, using: &random))
            }
            // A dead BMS comes back when all waiting frames have been delivered.
            now = now.rounded(.up)
        }
        #expect(wasLive == 12)
    }
}

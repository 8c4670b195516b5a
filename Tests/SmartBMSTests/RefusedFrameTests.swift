import BMSCore
import SmartBMS
import TestSupport
import TestThreads
import Testing

@Suite("Withdrawn permissions in refused frames")
struct RefusedFrameTests {
    private static let both: StatusFlags = [.chargeAllowed, .dischargeAllowed]
    private static let refusals = Damage.shape + Damage.plausibility + PackDecoderTests.history

    /// A receiver with three good frames, at 0, 1 and 2 s.
    private func settled(_ rules: FrameValidator = FrameValidator()) -> PackDecoder {
        var receiver = PackDecoder(rules: rules)
        for second in 0...2 { receiver.feed(FrameFixture.bytes(), at: .seconds(Double(second))) }
        return receiver
    }

    @Test(
        "A withdrawn permission counts at once, whichever check refuses the frame, and does not make data newer",
        arguments: refusals)
    func lowers(damage: Damage) {
        var receiver = settled()
        let before = receiver.snapshot
        #expect(before.permissions == Self.both)
        receiver.feed(
            FrameFixture.bytes {
                damage.change(&$0)
                $0.status = [.dischargeAllowed, .tooWarm]
            }, at: .seconds(3))
        let after = receiver.snapshot
        #expect(after.permissions == .dischargeAllowed)
        #expect(after.newestStatus == [.dischargeAllowed, .tooWarm])
        #expect(after.carefulStatus == [.chargeAllowed, .tooWarm])
        #expect(after.alarms == [])
        #expect(after.refusal == damage.rejection)
        #expect(after.heardAt == .seconds(3))
        #expect(
            after.linkAt == before.linkAt && after.measuredAt == before.measuredAt
                && after.measurements == before.measurements)
    }

    @Test("A frame with another number of cells, and without cell communication, withdraws permissions, too")
    func otherPack() {
        var rules = FrameValidator()
        rules.plausibility?.expectedCells = 16
        var receiver = settled(rules)
        receiver.feed(
            FrameFixture.bytes {
                $0.cellCount = 15
                $0.status = [.noCellCommunication, .chargeAllowed, .dischargeAllowed]
            }, at: .seconds(3))
        #expect(receiver.snapshot.refusal == .cellCount)
        #expect(receiver.snapshot.alarms.union(receiver.snapshot.newestStatus).contains(.noCellCommunication))
        #expect(receiver.snapshot.permissions == [])
    }

    /// Letters of frames, one a second: `g` good and permitting, `n` good and forbidding, `r` refused and forbidding, `y` refused and
    /// permitting; below each of them the permission after it.
    @Test(
        "One refused frame costs its own second, two cost a frame more, and a refused frame never permits",
        arguments: [
            ("gggrg", "-++-+"), ("gggrrg", "-++---"), ("gggrrgg", "-++---+"), ("gggrgrg", "-++-+-+"),
            ("gggyg", "-++++"),
            ("nnnygg", "-----+"), ("nnnyyyg", "-------"), ("gggnyyg", "-++---+"), ("gggryyyg", "-++----+"),
            ("rgg", "--+"),
            ("rggrg", "--+-+"), ("rrrgg", "----+"), ("yyygg", "----+"),
        ])
    func letters(frames: String, expected: String) {
        var receiver = PackDecoder()
        var result = ""
        for (second, letter) in frames.enumerated() {
            receiver.feed(
                FrameFixture.bytes {
                    if "nr".contains(letter) { $0.status = [] }
                    if "ry".contains(letter) { $0.soc = 101 }
                }, at: .seconds(Double(second)))
            result += receiver.snapshot.permissions == Self.both ? "+" : "-"
        }
        #expect(result == expected)
    }

    @Test(
        "An alarm shows after two of three frames, even if all are refused for minutes, and ends by good ones only")
    func alarm() {
        var receiver = settled()
        func feed(_ second: Int, _ status: StatusFlags, refused: Bool) {
            receiver.feed(
                FrameFixture.bytes {
                    $0.status = status
                    if refused { $0.highestTemperature = RawTemperature(380) }
                }, at: .seconds(Double(second)))
        }
        feed(3, .tooWarm, refused: true)
        #expect(receiver.snapshot.alarms == [])
        for second in 4...100 {
            feed(second, .tooWarm, refused: true)
            #expect(receiver.snapshot.alarms == .tooWarm)
        }
        for second in 101...110 { feed(second, Self.both, refused: true) }
        #expect(receiver.snapshot.alarms == .tooWarm)
        feed(111, Self.both, refused: false)
        #expect(receiver.snapshot.alarms == .tooWarm)
        #expect(receiver.snapshot.permissions == [])
        feed(112, Self.both, refused: false)
        #expect(receiver.snapshot.alarms == [])
        #expect(receiver.snapshot.permissions == Self.both)
        #expect(receiver.snapshot.refusal == nil)
    }

    @Test(
        "Before the first good frame, in a silence and after it, a withdrawn permission counts and a given one does not"
    )
    func withoutGoodFrames() {
        var receiver = PackDecoder()
        let no = FrameFixture.bytes { ($0.soc, $0.status) = (101, .chargeAllowed) }
        receiver.feed(no, at: .seconds(0))
        #expect(receiver.snapshot.linkAt == nil)
        #expect(receiver.snapshot.carefulStatus == .dischargeAllowed)
        for second in 1...4 { receiver.feed(FrameFixture.bytes(), at: .seconds(Double(second))) }
        #expect(receiver.snapshot.permissions == Self.both)
        receiver.feed(no, at: .seconds(100))
        #expect(receiver.snapshot.permissions == .chargeAllowed)
        #expect(receiver.snapshot.linkAt == .seconds(4))
        // The silence counts, not the time of the last refused frame, so good frames must give the permission again.
        for second in 101...104 {
            receiver.feed(FrameFixture.bytes(), at: .seconds(Double(second)))
            #expect(receiver.snapshot.linkAt == .seconds(4))
        }
        receiver.feed(FrameFixture.bytes(), at: .seconds(105))
        #expect(receiver.snapshot.permissions == Self.both)
    }

    @Test("A refused line of a filter counts like a refused frame of the stream")
    func filter() {
        var receiver = settled()
        let outcome = receiver.receiveFrame(
            FrameFixture.bytes { ($0.minimumVoltage, $0.status) = (Millivolts(0), .chargeAllowed) }, at: .seconds(3))
        #expect(outcome == .refused(.thresholds))
        #expect(receiver.snapshot.permissions == .chargeAllowed)
        #expect(receiver.snapshot.damagedAt == nil)
    }

    @Test("A frame with a wrong sum or wrong signs changes nothing")
    func noise() {
        var receiver = settled()
        var bytes = FrameFixture.bytes { $0.status = [] }
        bytes[57] &+= 1
        #expect(receiver.receiveFrame(bytes, at: .seconds(3)) == nil)
        bytes = FrameFixture.bytes { $0.status = [] }
        bytes[3] = 0
        #expect(receiver.receiveFrame(FrameFixture.withSum(bytes), at: .seconds(3)) == nil)
        #expect(receiver.snapshot.permissions == Self.both)
        #expect(receiver.snapshot.heardAt == .seconds(2))
    }

    @Test("The bytes of a refused frame are not damage of the line, but noise after it is")
    func damage() {
        var receiver = settled()
        let refused = FrameFixture.bytes { $0.soc = 101 }
        for second in 3...5 { receiver.feed(refused + FrameFixture.bytes(), at: .seconds(Double(second))) }
        #expect(receiver.snapshot.damagedAt == nil)
        #expect(receiver.snapshot.linkAt == .seconds(5))
        receiver.feed(refused + [UInt8](repeating: 0, count: 60), at: .seconds(6))
        #expect(receiver.snapshot.damagedAt == .seconds(6))
    }
}

@Suite("Refused frames in random histories", .calculates)
struct RefusedFramePropertyTests {
    /// A status byte that permits both currents in most cases.
    private func status(_ random: inout SeededRandom, otherOnceIn count: Int) -> StatusFlags {
        random.oneIn(count) ? StatusFlags(rawValue: UInt8.random(in: 0...255, using: &random)) : .permissions
    }

    @Test(
        "Refused frames give no permission and no newer data than good frames without them",
        arguments: RandomCases.seeds(1...40))
    func neverRaise(seed: UInt64) {
        var random = SeededRandom(seed)
        // Histories are short, because in a long one the bits are soon held as ones that flicker.
        let lowered = (0..<20).reduce(0) { sum, _ in sum + neverRaise(steps: 40, &random) }
        #expect(lowered > 20)
    }

    /// Runs a history of frames.
    ///
    /// - Returns: the number of times that refused frames withdrew a permission.
    private func neverRaise(steps: Int, _ random: inout SeededRandom) -> Int {
        // A refused frame also shows the rate of frames, which must make no difference here.
        var options = SnapshotBuilder.Options()
        options.judgesArrival = false
        var (hearing, deaf) = (PackDecoder(options: options), PackDecoder(options: options))
        let refusals = Damage.shape + Damage.plausibility
        var milliseconds: Int64 = 0
        var lowered = 0
        var refusedInRow = 0
        for step in 0..<steps {
            let isSilent = random.oneIn(50) && refusedInRow == 0
            milliseconds += isSilent ? Int64.random(in: 1000..<70_000, using: &random) : 1000
            let now = Timestamp(milliseconds: milliseconds)
            let isRefused = step > 3 && !isSilent && refusedInRow < 3 && random.oneIn(2)
            refusedInRow = isRefused ? refusedInRow + 1 : 0
            let status = status(&random, otherOnceIn: 6)
            if isRefused {
                let before = hearing.snapshot
                let damage = refusals[Int.random(in: 0..<refusals.count, using: &random)]
                hearing.feed(
                    FrameFixture.bytes {
                        $0.status = status.subtracting(.noCellCommunication)
                        damage.change(&$0)
                    }, at: now)
                let after = hearing.snapshot
                #expect(after.refusal == damage.rejection)
                #expect(after.permissions.isSubset(of: before.permissions))
                #expect(after.permissions.isSubset(of: status))
                #expect(after.alarms.isSuperset(of: before.alarms))
                #expect(after.newestStatus.careful.isSuperset(of: before.newestStatus.careful))
                #expect(after.linkAt == before.linkAt && after.measuredAt == before.measuredAt)
                #expect(
                    after.measurements == before.measurements && after.cells == before.cells
                        && after.keys == before.keys)
            } else {
                let bytes = FrameFixture.bytes { $0.status = status }
                hearing.feed(bytes, at: now)
                deaf.feed(bytes, at: now)
            }
            let (more, less) = (deaf.snapshot, hearing.snapshot)
            #expect(less.permissions.isSubset(of: more.permissions))
            #expect(less.alarms.isSuperset(of: more.alarms))
            #expect(less.newestStatus.careful.isSuperset(of: more.newestStatus.careful))
            if less.permissions != more.permissions { lowered += 1 }
        }
        return lowered
    }

    @Test(
        "Damaged frames with a right sum cost two frames at most, themselves included",
        arguments: RandomCases.seeds(1...40))
    func cost(seed: UInt64) {
        var random = SeededRandom(seed)
        var receiver = PackDecoder()
        for second in 0...2 { receiver.feed(FrameFixture.bytes(), at: .seconds(Double(second))) }
        var without = 0
        for second in 3..<700 {
            // Damaged frames come alone, minutes apart: more than five in ten minutes would count as flicker.
            let isDamaged = second % 130 == 0
            var bytes = FrameFixture.bytes { $0.keyByte = UInt8(25 + second % 19) }
            if isDamaged {
                for _ in 0..<3 {
                    bytes[Int.random(in: 10..<57, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                bytes = FrameFixture.withSum(bytes)
            }
            receiver.feed(bytes, at: .seconds(Double(second)))
            without = receiver.snapshot.permissions == .permissions ? 0 : without + 1
            #expect(without <= 2)
            #expect(receiver.snapshot.alarms == [])
        }
        #expect(without == 0)
    }
}

import BMSCore
import BatteryEngine
import SmartBMS
import TestSupport
import TestThreads
import Testing

@testable import CANFrames

@Suite("Sending limits on a CAN bus", .calculates)
struct CANSenderTests {
    @Test(
        "a set goes out each second: the constant frame, the limits at once, the others 10 ms apart",
        arguments: CANProtocol.allCases)
    func sets(kind: CANProtocol) throws {
        var harness = CANHarness.running(kind)
        harness.pass(10_000)
        let starts = harness.sent.filter { $0.frame.id == 0x351 }.map(\.at)
        #expect(starts.count == 10)
        #expect(zip(starts, starts.dropFirst()).allSatisfy { $1 - $0 == 1000 }, "\(starts)")
        let report = try #require(harness.report)
        let frames = kind.frames(report)
        let set = harness.sent.prefix(frames.count)
        #expect(set.first?.frame.id == 0x35E)
        #expect(set.dropFirst().first?.frame == frames.first)
        #expect(Set(set.map(\.frame)) == Set(frames))
        let times = set.dropFirst().map { $0.at - set[0].at }
        #expect(times == (0..<times.count).map { Int64($0) * 10 })
        #expect(harness.figures.state == .sending && harness.figures.faults == 0)
        #expect(harness.warnings.isEmpty)
    }

    @Test("limits are on the bus in the millisecond in which the BMS's frame came")
    func latency() {
        var harness = CANHarness.running()
        harness.pass(20_000)
        #expect(harness.sent.filter { $0.frame.id == 0x351 }.allSatisfy { $0.at % 1000 == 0 })
    }

    @Test("a BMS that is a little fast, slow or silent leaves no gap above 1.1 s, and no set follows within 0.9 s")
    func pace() {
        var harness = CANHarness.running()
        var random = SeededRandom(7)
        harness.isCableIn = false
        for _ in 0..<30 {
            // No frame at all now and then.
            harness.pass(Int64.random(in: 850...1_250, using: &random))
            if !random.oneIn(4) { harness.step(.bytes(FrameFixture.bytes(), pack: 0, age: 0)) }
        }
        let starts = harness.sent.filter { $0.frame.id == 0x351 }.map(\.at)
        let gaps = zip(starts, starts.dropFirst()).map { $1 - $0 }
        #expect(gaps.allSatisfy { (900...1_100).contains($0) }, "\(gaps)")
    }

    @Test("without data charge ends after 10 s and everything after 60 s; a new frame begins again")
    func stale() throws {
        var harness = CANHarness.running(resolution: 10)
        harness.isCableIn = false
        let end = harness.milliseconds
        harness.pass(90_000)
        let limits = harness.sent.filter { $0.frame.id == 0x351 }
        let lastCharge = try #require(limits.last { $0.frame.number(2) > 0 })
        #expect(lastCharge.at - end <= 11_000)
        #expect(limits.filter { $0.at - end > 11_500 }.allSatisfy { $0.frame.number(2) == 0 && $0.frame.number(4) > 0 })
        let last = try #require(harness.sent.last)
        #expect((58_500...61_500).contains(last.at - end), "\(last.at - end)")
        #expect(harness.figures.state == .silent)
        harness.clear()
        harness.isCableIn = true
        harness.pass(10_000)
        #expect(harness.figures.state == .sending)
    }

    @Test("a bridge that makes no reports any more is silent after 3 s, whatever the last report said")
    func hung() throws {
        var harness = CANHarness.running()
        let end = harness.milliseconds
        harness.pass(10_000, isBridgeAlive: false)
        let last = try #require(harness.sent.last)
        #expect(last.at - end < 3_300)
        #expect(harness.notices.count { $0.text.contains("silent, so that an inverter stops") } == 1)
    }

    @Test("nothing is sent before limits are known, and nothing while the bus is closed")
    func nothing() {
        var harness = CANHarness()
        harness.hear(.opened)
        harness.pass(800)
        #expect(harness.sent.isEmpty && harness.figures.state == .silent)
        harness = CANHarness()
        harness.pass(5_000)
        #expect(harness.sent.isEmpty && harness.figures.state == .closed)
    }

    @Test("a set that was held up is not finished later: its rest is old")
    func heldUp() throws {
        var harness = CANHarness.running()
        harness.pass(250)
        let begun = harness.sent.count
        harness.milliseconds += 5_000
        let wake = harness.milliseconds
        harness.turn()
        #expect(harness.sent.count == begun, "the report is 5 s old")
        harness.pass(2_000)
        #expect(harness.sent.dropFirst(begun).first?.frame.id == 0x35E)
        #expect(harness.sent.dropFirst(begun).allSatisfy { $0.at > wake })
    }

    @Test("the rest of a set that a short pause held up is dropped, too")
    func shortPause() {
        var harness = CANHarness.running()
        harness.pass(250)
        harness.clear()
        harness.milliseconds += 1_500
        harness.turn()
        #expect(harness.sent.prefix(2).map(\.frame.id) == [0x35E, 0x351])
        #expect(harness.figures.faults == 1)
    }

    @Test(
        "while nobody acknowledges, one constant frame waits in the controller, and a new set follows when it gets through"
    )
    func unacknowledged() throws {
        var harness = CANHarness.running(resolution: 10)
        harness.isConfirming = false
        harness.pass(9_000)
        // The beginning of a set. The controller tries it by itself; no limits wait behind it.
        #expect(harness.sent.map(\.frame.id) == [0x35E])
        #expect(harness.figures.state == .unacknowledged && harness.figures.faults == 1)
        #expect(harness.figures.complaint?.contains("nobody acknowledges") == true)
        // It may be lost: after a while there is another.
        harness.pass(51_000)
        #expect((5...7).contains(harness.sent.count), "\(harness.sent.count)")
        #expect(harness.sent.allSatisfy { $0.frame.id == 0x35E })
        #expect(harness.warnings.count == 1 && harness.figures.faults == 1)
    }

    @Test("frames that waited come out before a new set goes in, however many they are", arguments: 0...4)
    func waiting(confirmed: Int) throws {
        var harness = CANHarness.running(resolution: 10)
        harness.isConfirming = false
        harness.pass(45_000)
        let count = harness.sent.count
        #expect(count == 5)
        harness.clear()
        for _ in 0..<confirmed { harness.hear(.confirmed) }
        harness.turn()
        #expect(harness.sent.isEmpty, "a set behind \(count - confirmed) old frames would wait with them")
        // The bus breaks again, and what waits is constant still.
        harness.pass(900)
        #expect(harness.sent.allSatisfy { $0.frame.id == 0x35E })
        for _ in confirmed..<count { harness.hear(.confirmed) }
        harness.isConfirming = true
        harness.turn()
        harness.pass(10)
        let report = try #require(harness.report)
        let frames = harness.sent.suffix(4).map(\.frame)
        #expect(frames.contains(CANProtocol.victron.frames(report)[0]), "\(frames)")
        harness.pass(1_500)
        #expect(harness.figures.state == .sending && harness.figures.complaint == nil)
    }

    @Test("limits that fall do not wait for the next second")
    func fall() throws {
        var harness = CANHarness.running()
        harness.pass(700)
        harness.clear()
        harness.isCableIn = false
        harness.pass(40)
        harness.step(.bytes(FrameFixture.bytes { $0.status = [.dischargeAllowed] }, pack: 0, age: 0))
        let fell = harness.milliseconds
        harness.pass(50)
        let limits = try #require(harness.sent.first { $0.frame.id == 0x351 })
        #expect(limits.at - fell <= 1 && limits.frame.number(2) == 0)
        harness.pass(1_000)
        #expect(harness.sent.count { $0.frame.id == 0x351 } <= 2)
    }

    @Test("a tick just before the BMS's frame does not make the frame wait for a second")
    func phase() throws {
        var harness = CANHarness.running()
        harness.isCableIn = false
        for second in 0..<10 {
            harness.pass(950)
            harness.step(.time)
            harness.pass(50)
            harness.step(.bytes(FrameFixture.bytes(), pack: 0, age: 0))
            let came = harness.milliseconds
            harness.pass(2)
            let last = try #require(harness.sent.last { $0.frame.id == 0x351 })
            // The first sets come in step with the frames by a tenth of a second each.
            if second > 3 { #expect(last.at == came || last.at == came + 1) }
        }
    }

    @Test("a frame that was not handed over, because the program was held up, ends its set")
    func skipped() {
        var harness = CANHarness.running()
        harness.pass(250)
        harness.hear(.skipped)
        harness.clear()
        harness.turn()
        #expect(harness.sent.prefix(2).map(\.frame.id) == [0x35E, 0x351] && harness.figures.faults == 1)
    }

    @Test("a frame is sent when the one before was confirmed, and not earlier")
    func oneAtATime() {
        var harness = CANHarness.running()
        harness.isConfirming = false
        harness.pass(1_000)
        #expect(harness.sent.map(\.frame.id) == [0x35E])
        harness.hear(.confirmed)
        harness.turn()
        #expect(harness.sent.map(\.frame.id) == [0x35E, 0x351])
    }

    @Test("a full queue loses the rest of the set, and is tried again each second", arguments: [true, false])
    func full(confirms: Bool) {
        var harness = CANHarness.running(confirms: confirms)
        harness.isFull = true
        harness.pass(20_000)
        #expect(harness.sent.isEmpty)
        #expect((18...21).contains(harness.attempts.count), "\(harness.attempts.count)")
        #expect(harness.attempts.allSatisfy { $0.id == 0x35E })
        #expect(harness.figures.state == .unacknowledged && harness.figures.faults == 1)
        harness.isFull = false
        harness.pass(4_000)
        #expect(harness.figures.state == .sending)
        #expect(harness.sent.contains { $0.frame.id == 0x351 })
    }

    @Test("bus off is said once, ends all but attempts, and is over with the first frame that gets through")
    func busOff() {
        var harness = CANHarness.running()
        harness.isConfirming = false
        harness.hear(.busOff)
        harness.hear(.unacknowledged)
        harness.hear(.busOff)
        harness.pass(10_000)
        #expect(harness.figures.state == .busOff && harness.figures.faults == 1)
        #expect(harness.warnings.count == 1 && harness.warnings[0].contains("has left the bus"))
        #expect(harness.sent.allSatisfy { $0.frame.id == 0x35E })
        harness.isConfirming = true
        harness.hear(.restarted)
        harness.pass(1_500)
        #expect(harness.figures.state == .sending)
    }

    @Test("a bus that closes is said with its remedy; an open one begins with a whole set")
    func closed() throws {
        var harness = CANHarness.running()
        harness.pass(250)
        harness.hear(.closed("the interface is down", retryIn: 2))
        harness.clear()
        harness.pass(3_000)
        #expect(harness.sent.isEmpty && harness.figures.state == .closed && harness.figures.faults == 1)
        #expect(harness.figures.complaint == "the interface is down: an inverter hears no limits")
        harness.hear(.opened)
        harness.turn()
        #expect(harness.sent.prefix(2).map(\.frame.id) == [0x35E, 0x351])
        #expect(harness.figures.complaint == nil)
    }

    @Test("keep-alives are counted and shown, and their absence never stops the frames")
    func keepAlive() throws {
        var harness = CANHarness.running(resolution: 10)
        #expect(harness.figures.hearsInverter == nil)
        for id: UInt16 in 0x305...0x307 {
            let frame = try #require(CANFrame(id: id, data: [UInt8](repeating: 0, count: 8)))
            harness.hear(.frame(frame))
        }
        #expect(harness.figures.keepAlives == 3 && harness.figures.hearsInverter == true)
        harness.pass(700_000)
        #expect(harness.figures.hearsInverter == false)
        #expect(harness.sent.count { $0.frame.id == 0x351 } == 700)
        #expect(harness.notices.count { $0.text.contains("no keep-alive") } == 1)
        #expect(harness.warnings.isEmpty)
    }

    @Test("another sender of a battery's frames is said once, shown, and forgotten after ten seconds of silence")
    func other() throws {
        var harness = CANHarness.running()
        let frame = try #require(CANFrame(id: 0x351, data: [0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0x7F, 0, 0]))
        for _ in 0..<20 {
            harness.hear(.frame(frame))
            harness.pass(1_000)
        }
        #expect(harness.figures.others == 20)
        #expect(harness.warnings.count == 1 && harness.warnings[0].contains("somebody else sends"))
        #expect(harness.figures.complaint?.contains("somebody else sends") == true)
        harness.pass(11_000)
        #expect(harness.figures.complaint == nil)
    }

    /// Random events and times: what is sent is always of the newest report, never above its limits, and never of an old one.
    @Test("nothing that happens on a bus raises a limit or sends an old one", arguments: RandomCases.seeds(1...30))
    func hostile(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let kind = CANProtocol.allCases.randomElement(using: &random) ?? .victron
        var harness = CANHarness.running(kind, confirms: Bool.random(using: &random), resolution: 10)
        for _ in 0..<100 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0: harness.hear(.confirmed)
            case 1: harness.hear(.refused)
            case 2: harness.hear(.unacknowledged)
            case 3: harness.hear(.busOff)
            case 4: harness.hear(.restarted)
            case 5: harness.hear(.closed("gone", retryIn: 1))
            case 6: harness.hear(.opened)
            case 7: harness.isConfirming.toggle()
            case 8: harness.isFull.toggle()
            default:
                let data = random.bytes(Int.random(in: 0...8, using: &random))
                let id = Bool.random(using: &random) ? UInt16.random(in: 0x300...0x390, using: &random) : 0x351
                let frame = try #require(CANFrame(id: id, data: data))
                harness.hear(.frame(frame))
            }
            let high = Int.random(in: 3_300...3_700, using: &random)
            harness.isCableIn = !random.oneIn(5)
            harness.clear()
            let isAlive = !random.oneIn(10)
            for _ in 0..<Int.random(in: 1...20, using: &random) {
                harness.pass(100, isBridgeAlive: isAlive) { $0.setCells(low: 3_290, high: high) }
                for (_, frame) in harness.sent {
                    #expect(harness.known.contains { $0.frames.contains(frame) }, "seed \(seed): \(frame)")
                }
                harness.clear()
            }
        }
    }
}

@testable import BMSCore
@testable import SmartBMS
import Testing
import TestSupport

@Suite("Votes on status bits")
struct StatusVoteTests {
    /// Frames with the bit as `+`, without it as `-`; then the state of the bit after each.
    @Test(
        "Permission is lost at once and gained with two of three",
        arguments: [
            ("+", "-"), ("++", "-+"), ("+-+", "--+"), ("+--+", "----"), ("-+", "--"), ("-++", "--+"),
            ("+++-", "-++-"), ("+++-+", "-++-+"), ("+++--+", "-++---"), ("+++--++", "-++---+"),
        ])
    func permission(frames: String, expected: String) {
        var vote = StatusVote()
        let result = frames.map { sign -> Character in
            vote.add(sign == "+" ? .dischargeAllowed : [])
            return vote.permissions == .dischargeAllowed ? "+" : "-"
        }
        #expect(String(result) == expected)
    }

    @Test(
        "An alarm appears and ends with two of three",
        arguments: [
            ("+", "-"), ("++", "-+"), ("+-+", "--+"), ("+--", "---"), ("+++-", "-+++"), ("+++--", "-+++-"),
            ("+++-+", "-++++"),
        ])
    func alarm(frames: String, expected: String) {
        var vote = StatusVote()
        let result = frames.map { sign -> Character in
            vote.add(sign == "+" ? .tooWarm : [])
            return vote.majority.contains(.tooWarm) ? "+" : "-"
        }
        #expect(String(result) == expected)
    }

    @Test("Bits do not share votes")
    func separateBits() {
        var vote = StatusVote()
        vote.add(.tooWarm)
        vote.add(.tooCold)
        #expect(vote.majority == [])
    }

    @Test(
        "After a silence of more than 10 s permission must be given again", arguments: [(10.0, true), (10.001, false)])
    func silence(seconds: Double, isKept: Bool) {
        var decoding = SnapshotBuilder()
        for second in 0..<3 {
            decoding.take(FrameFixture.frame { $0.status.insert(.tooWarm) }, at: .seconds(Double(second)))
        }
        #expect(decoding.snapshot.permissions.contains(.chargeAllowed))
        #expect(decoding.snapshot.alarms == .tooWarm)
        decoding.take(FrameFixture.frame(), at: .seconds(2 + seconds))
        #expect(decoding.snapshot.permissions.contains(.chargeAllowed) == isKept)
        #expect(decoding.snapshot.alarms == (isKept ? .tooWarm : []))
        decoding.take(FrameFixture.frame(), at: .seconds(3 + seconds))
        #expect(decoding.snapshot.permissions.contains(.chargeAllowed))
    }

    @Test("The first two frames together give the first permission")
    func first() {
        var decoding = SnapshotBuilder()
        decoding.take(FrameFixture.frame(), at: .seconds(0))
        #expect(!decoding.snapshot.permissions.contains(.chargeAllowed))
        decoding.take(FrameFixture.frame(), at: .seconds(1))
        #expect(decoding.snapshot.permissions.contains(.chargeAllowed))
        #expect(decoding.snapshot.permissions.contains(.dischargeAllowed))
    }

    @Test("A first frame long before the second does not give it permission")
    func firstTooOld() {
        var decoding = SnapshotBuilder()
        decoding.take(FrameFixture.frame(), at: .seconds(0))
        #expect(decoding.take(FrameFixture.frame(), at: .seconds(11)) == .measured)
        #expect(!decoding.snapshot.permissions.contains(.chargeAllowed))
    }

    @Test("A refused frame has no vote")
    func refused() {
        var decoding = SnapshotBuilder()
        let denied = FrameFixture.frame { $0.status = [] }
        for second in 0..<3 { decoding.take(denied, at: .seconds(Double(second))) }
        let jump = FrameFixture.frame { $0.setCells(low: 3305, high: 3625) }
        #expect(decoding.take(jump, at: .seconds(3)) == .refused(.jump))
        decoding.take(FrameFixture.frame(), at: .seconds(4))
        #expect(!decoding.snapshot.permissions.contains(.chargeAllowed))
    }

    @Test("The newest status is kept without a vote, for values that must act at once")
    func newest() {
        var decoding = SnapshotBuilder()
        for second in 0..<3 { decoding.take(FrameFixture.frame(), at: .seconds(Double(second))) }
        decoding.take(FrameFixture.frame { $0.status = .cellTooHigh }, at: .seconds(3))
        #expect(decoding.snapshot.newestStatus == .cellTooHigh)
        #expect(decoding.snapshot.alarms == [])
    }
}

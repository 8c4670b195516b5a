@testable import BMSCore
@testable import SmartBMS
import TestSupport
import Testing

@Suite("Status bits that flicker")
struct FlickerTests {
    /// A decoding with a frame each second.
    private struct Line {
        var decoding = SnapshotBuilder()
        var second = 0.0

        mutating func frames(_ count: Int, _ status: StatusFlags = .permissions, refused: Bool = false) {
            for _ in 0..<count {
                second += 1
                if refused {
                    decoding.refuse(status, for: .soc, at: .seconds(second))
                } else {
                    decoding.take(FrameFixture.frame { $0.status = status }, at: .seconds(second))
                }
            }
        }

        /// Lets the bits fall a number of times, once in a number of seconds.
        mutating func falls(_ count: Int, to status: StatusFlags, every seconds: Int = 10, refused: Bool = false) {
            for _ in 0..<count {
                frames(1, status, refused: refused)
                frames(seconds - 1)
            }
        }
    }

    static let bits: [(StatusFlags, StatusFlags)] = [
        (.chargeAllowed, [.dischargeAllowed]), (.dischargeAllowed, [.chargeAllowed]),
        (.cellTooLow, [.chargeAllowed, .dischargeAllowed, .cellTooLow]),
        (.cellTooHigh, [.chargeAllowed, .dischargeAllowed, .cellTooHigh]),
        (.tooCold, [.chargeAllowed, .dischargeAllowed, .tooCold]),
        (.tooWarm, [.chargeAllowed, .dischargeAllowed, .tooWarm]),
        (.noCellCommunication, [.chargeAllowed, .dischargeAllowed, .noCellCommunication]),
    ]

    @Test(
        "The sixth fall within ten minutes holds a bit for five minutes of good frames", arguments: bits,
        [false, true])
    func held(bit: (flag: StatusFlags, fallen: StatusFlags), refused: Bool) {
        var line = Line()
        // Permissions come from 0 at the start, which is not a fall.
        line.frames(5)
        line.falls(5, to: bit.fallen, every: 100, refused: refused)
        #expect(line.decoding.snapshot.heldStatus == [])
        #expect(line.decoding.snapshot.permissions == .permissions)
        line.falls(1, to: bit.fallen, every: 60, refused: refused)
        var snapshot = line.decoding.snapshot
        #expect(snapshot.heldStatus == bit.flag)
        #expect(snapshot.newestStatus == StatusFlags.permissions.lowered(bit.flag))
        let expected = bit.flag == .noCellCommunication ? [] : StatusFlags.permissions.subtracting(bit.flag)
        #expect(snapshot.permissions == expected)
        #expect(snapshot.alarms == bit.flag.intersection(.alarms))
        #expect(
            snapshot.alarms.union(snapshot.newestStatus).contains(.noCellCommunication)
                == (bit.flag == .noCellCommunication))
        line.frames(241)
        #expect(line.decoding.snapshot.heldStatus == bit.flag)
        line.frames(1)
        snapshot = line.decoding.snapshot
        #expect(snapshot.heldStatus == [])
        #expect(snapshot.permissions == .permissions && snapshot.alarms == [])
    }

    @Test("Five falls, and six in more than ten minutes, do not hold a bit")
    func seldom() {
        var line = Line()
        line.frames(5)
        line.falls(20, to: [], every: 121)
        #expect(line.decoding.snapshot.heldStatus == [])
        line.frames(600)
        line.falls(5, to: [])
        #expect(line.decoding.snapshot.heldStatus == [])
        #expect(line.decoding.snapshot.permissions == .permissions)
    }

    @Test("A bit that stays fallen does not flicker")
    func steady() {
        var line = Line()
        line.frames(5)
        line.frames(1000, [.chargeAllowed])
        #expect(line.decoding.snapshot.heldStatus == [])
        #expect(line.decoding.snapshot.permissions == .chargeAllowed)
    }

    @Test("A fall or a silence starts the five minutes again, and refused frames do not count for them")
    func calm() {
        var line = Line()
        line.frames(5)
        line.falls(6, to: [.dischargeAllowed])
        line.frames(280)
        line.falls(1, to: [.dischargeAllowed])
        line.frames(290)
        #expect(line.decoding.snapshot.heldStatus == .chargeAllowed)
        line.second += 11
        line.frames(300)
        #expect(line.decoding.snapshot.heldStatus == .chargeAllowed)
        line.frames(1)
        #expect(line.decoding.snapshot.heldStatus == [])
        var other = Line()
        other.frames(5)
        other.falls(6, to: [.dischargeAllowed])
        other.frames(400, refused: true)
        #expect(other.decoding.snapshot.heldStatus == .chargeAllowed)
    }

    @Test("A clock that jumps releases no bit early")
    func clock() {
        var line = Line()
        line.frames(5)
        line.falls(6, to: [])
        line.second -= 5000
        line.frames(300)
        #expect(line.decoding.snapshot.heldStatus == .permissions)
        line.second += 5000
        line.frames(300)
        #expect(line.decoding.snapshot.heldStatus == .permissions)
        line.frames(1)
        #expect(line.decoding.snapshot.heldStatus == [])
    }
}

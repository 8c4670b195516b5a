import BMSCore
import SmartBMS
import Testing
import TestSupport

@Suite("Frames without cell communication")
struct CommErrorTests {
    private static let junk: @Sendable (inout Frame) -> Void = {
        $0.status = [.noCellCommunication, .chargeAllowed, .dischargeAllowed]
        $0.setCells(low: 0, high: 300_000)
        $0.soc = 255
        $0.cellCount = 200
        $0.slotCell = 3
        $0.capacity = .zero
        $0.lowestVoltageCell = 0
    }

    private func settled() -> SnapshotBuilder {
        var decoding = SnapshotBuilder()
        for second in 0..<3 { decoding.take(FrameFixture.frame(), at: .seconds(Double(second))) }
        return decoding
    }

    @Test("Only their status is used, while measurements, settings and cells stay")
    func statusOnly() {
        var decoding = settled()
        let before = decoding.snapshot
        #expect(decoding.take(FrameFixture.frame(Self.junk), at: .seconds(3)) == .statusOnly)
        let after = decoding.snapshot
        #expect(after.measurements == before.measurements)
        #expect(after.measuredAt == before.measuredAt)
        #expect(after.settings == before.settings)
        #expect(after.cells == before.cells)
        #expect(after.linkAt == .seconds(3))
        #expect(after.alarms.union(after.newestStatus).contains(.noCellCommunication))
    }

    @Test("Random bytes in such a frame do not make the rules refuse it")
    func junkPasses() {
        var receiver = PackDecoder()
        #expect(receiver.receive(FrameFixture.bytes(Self.junk), at: .seconds(0)) == [.refused(.heldBack)])
        #expect(receiver.receive(FrameFixture.bytes(Self.junk), at: .seconds(1)) == [.statusOnly])
    }

    @Test("Permission is lost at once, even if its bits are set")
    func permission() {
        var decoding = settled()
        #expect(
            decoding.snapshot.permissions.contains(.chargeAllowed)
                && decoding.snapshot.permissions.contains(.dischargeAllowed))
        decoding.take(FrameFixture.frame(Self.junk), at: .seconds(3))
        #expect(!decoding.snapshot.permissions.contains(.chargeAllowed))
        #expect(!decoding.snapshot.permissions.contains(.dischargeAllowed))
    }

    @Test("Key values expire while no other frames come")
    func keysExpire() {
        var decoding = SnapshotBuilder()
        for second in 0..<45 {
            let frame = FrameFixture.frame {
                $0.keyByte = UInt8(25 + second % 19)
                $0.keyValue = 90
            }
            decoding.take(frame, at: .seconds(Double(second)))
        }
        #expect(decoding.snapshot.keys.secondStatus != nil)
        for second in 45..<160 { decoding.take(FrameFixture.frame(Self.junk), at: .seconds(Double(second))) }
        #expect(decoding.snapshot.keys == KeyValues())
    }

    @Test("Before the first measuring frame such frames prove the link alone")
    func first() {
        var decoding = SnapshotBuilder()
        decoding.take(FrameFixture.frame(Self.junk), at: .seconds(0))
        #expect(decoding.snapshot.measurements == nil)
        #expect(decoding.snapshot.settings == nil)
        #expect(decoding.snapshot.linkAt == .seconds(0))
    }
}

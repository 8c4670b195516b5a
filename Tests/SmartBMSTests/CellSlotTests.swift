import BMSCore
import SmartBMS
import Testing
import TestSupport

@Suite("Cell slots")
struct CellSlotTests {
    private func cells(_ change: @escaping (inout Frame) -> Void) -> [Int] {
        var decoding = SnapshotBuilder()
        let frame = FrameFixture.frame(change)
        decoding.take(frame, at: .seconds(0))
        #expect(decoding.take(frame, at: .seconds(1)) == .measured)
        #expect(decoding.snapshot.cells.count == 16)
        return decoding.snapshot.cells.indices.filter { decoding.snapshot.cells[$0] != nil }.map { $0 + 1 }
    }

    @Test("Only a cell number of the pack is a cell", arguments: [(0, []), (1, [1]), (16, [16]), (17, []), (255, [])])
    func number(slot: Int, seen: [Int]) {
        #expect(cells { $0.slotCell = slot } == seen)
    }

    @Test(
        "A slot outside lowest..highest is dropped, unless it is one count away",
        arguments: [
            (3295, []), (3300, [1]), (3325, [1]), (3330, []),
        ])
    func voltage(millivolts: Int, seen: [Int]) {
        #expect(cells { $0.slotVoltage = Millivolts(millivolts) } == seen)
    }

    @Test(
        "A slot outside coldest..warmest is dropped, unless it is one count away",
        arguments: [
            (291, []), (292, [1]), (298, [1]), (299, []),
        ])
    func temperature(count: Int, seen: [Int]) {
        #expect(cells { $0.slotTemperature = RawTemperature(count) } == seen)
    }

    @Test(
        "A reading is shown for three turns of the slot, 48 s on 16 cells", arguments: [(48.0, true), (48.001, false)])
    func age(seconds: Double, isShown: Bool) {
        var decoding = SnapshotBuilder()
        decoding.take(FrameFixture.frame(), at: .seconds(0))
        decoding.take(FrameFixture.frame(), at: .seconds(1))
        #expect((decoding.snapshot.reading(ofCell: 1, at: .seconds(1 + seconds)) != nil) == isShown)
    }

    @Test("A cell that does not exist or was not seen has no reading", arguments: [-1, 0, 2, 16, 17, 255])
    func absent(number: Int) {
        var decoding = SnapshotBuilder()
        decoding.take(FrameFixture.frame(), at: .seconds(0))
        decoding.take(FrameFixture.frame(), at: .seconds(1))
        #expect(decoding.snapshot.reading(ofCell: number, at: .seconds(1)) == nil)
    }
}

@testable import ChargeLimits

import BMSCore
import SmartBMS
import Testing
import TestSupport

@Suite("Status bits")
struct StatusBitsTests {
    static let both: StatusFlags = [.chargeAllowed, .dischargeAllowed]

    private static let bounds: [(StatusFlags, [String: Int])] = [
        (both, [:]),
        ([.dischargeAllowed], ["ccl chargePermission": 0, "cvl chargePermission": 16 * 3380]),
        ([.chargeAllowed], ["dcl dischargePermission": 0]),
        (both.union(.cellTooHigh), ["ccl alarmHighCell": 0, "cvl alarmHighCell": 16 * 3300]),
        (both.union(.cellTooLow), ["dcl alarmLowCell": 0]),
        (both.union(.tooCold), ["ccl alarmCold": 0]),
        (both.union(.tooWarm), ["ccl alarmHot": 0, "dcl alarmHot": 0]),
        (both.union(.socUncalibrated), [:]),
        (
            both.union(.noCellCommunication),
            ["ccl cellCommunication": 0, "dcl cellCommunication": 0, "cvl cellCommunication": 16 * 3300]
        ),
    ]

    @Test("Each bit bounds its own limits alone", arguments: bounds)
    func bits(status: StatusFlags, expected: [String: Int]) {
        var bits = StatusBits()
        let values = bits.evaluate(input(status: status))
        #expect(
            Dictionary(uniqueKeysWithValues: values.map { ("\($0.limit.rawValue) \($0.name)", $0.value) }) == expected)
    }

    private static let losses: [(StatusFlags, LimitKind)] = [
        ([.dischargeAllowed], LimitKind.ccl), ([.chargeAllowed], .dcl), (both.union(.cellTooHigh), .ccl),
        (both.union(.cellTooLow), .dcl), (both.union(.tooCold), .ccl), (both.union(.tooWarm), .ccl),
        (both.union(.tooWarm), .dcl),
        ([.noCellCommunication], .ccl), ([.noCellCommunication], .dcl), (both.union(.noCellCommunication), .dcl),
    ]

    @Test("A bit that takes current away acts in the step that brings it", arguments: losses)
    func atOnce(status: StatusFlags, kind: LimitKind) throws {
        var bench = Bench()
        bench.run(0...20)
        #expect(try #require(bench.limits).value(kind) > 0)
        bench.feed(at: 21) { $0.status = status }
        let limits = try #require(bench.limits)
        #expect(limits.value(kind) == 0)
        #expect(limits.reason(kind).hasPrefix("the BMS") == true)
    }

    @Test("Two frames within one millisecond are two frames")
    func sameMoment() {
        var bench = Bench()
        bench.run(0...20)
        bench.feed(at: 21)
        let limits = bench.feed(at: 21) { $0.status = [] }
        #expect(limits?.ccl == .zero)
        #expect(limits?.dcl == .zero)
    }

    @Test("Random bytes in a frame without cell communication change no constraint by measurements")
    func junk() throws {
        var bench = Bench()
        bench.run(0...20)
        let names: Set = ["highestCell", "lowestCell", "cold", "hot", "target", "cellRating"]
        let before = try #require(bench.limits).constraints.filter { names.contains($0.fullName) }
        bench.feed(at: 21) {
            $0.status = .noCellCommunication
            $0.setCells(low: 0, high: 5000)
            $0.lowestTemperature = RawTemperature(0)
        }
        let after = try #require(bench.limits).constraints.filter { names.contains($0.fullName) }
        #expect(Set(after) == Set(before))
    }

    @Test("Returned permission raises limits with the second frame, and by slew")
    func gain() throws {
        var bench = Bench()
        bench.run(0...20)
        bench.run(21...30) { $0.status = [] }
        #expect(bench.limits?.dcl == .zero)
        #expect(bench.feed(at: 31)?.dcl == .zero)
        bench.feed(at: 32)
        let risen = try #require(bench.limits).dcl
        #expect(risen > .zero)
        // 2 % of 280 Ah a second.
        #expect(risen <= Milliamperes(5_606))
    }

    @Test(
        "A refused frame hides neither a refusal to charge nor the end of a charge", arguments: [true, false])
    func wrapped(isEnd: Bool) {
        let plain = Cause.chargeRefused(isEndOfCharge: isEnd)
        let wrapped = Cause.inRefusedFrame(plain, .packVoltage)
        #expect(plain.isEndOfCharge == isEnd)
        #expect(wrapped.isEndOfCharge == isEnd)
        #expect(Bound.ccl(.zero, .chargePermission, wrapped).stopsCharging == !isEnd)
        #expect(Cause.inRefusedFrame(.tooCold, .packVoltage).isEndOfCharge == nil)
    }
}

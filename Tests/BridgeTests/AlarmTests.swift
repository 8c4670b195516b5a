import BMSCore
import SmartBMS
import ChargeLimits
import TestSupport
import Testing

@testable import BatteryEngine
@testable import MQTTBridge

@Suite("Alarms of the limits")
struct AlarmTests {
    private func level(_ alarm: AlarmName, latches: Set<LimitMemory.Latch> = [], isStale: Bool = false) -> AlarmLevel? {
        var receiver = PackDecoder()
        for second in 0..<10 {
            _ = receiver.receive(FrameFixture.bytes(), at: Timestamp(milliseconds: Int64(second) * 1000))
        }
        let options = PackOptions(id: "garage")
        let report = BatteryReport(
            Shared(options.identity), PackFigures(Shared(options), receiver.snapshot, latches: latches),
            at: Timestamp(milliseconds: isStale ? 100_000 : 9_000))
        return AlarmTable.rows.first { $0.alarm == alarm }?.level(report)
    }

    @Test("A latched deep discharge is an internal failure, and unknown while data is stale")
    func deepDischarge() {
        #expect(level(.internalFailure) == AlarmLevel.none)
        #expect(level(.internalFailure, latches: [.empty, .deepChargeAllowed]) == AlarmLevel.none)
        #expect(level(.internalFailure, latches: [.deepDischarge]) == .alarm)
        #expect(level(.internalFailure, latches: [.deepDischarge], isStale: true) == nil)
    }

    @Test("A contradicted chemistry is an internal failure; the cold curve is a warning only where it ends the charge")
    func bounds() {
        let cause = Cause.nothingKnown
        #expect(Bound.ccl(.zero, .chemistry, cause).alarm?.name == .internalFailure)
        #expect(Bound.ccl(.zero, .cold, cause).alarm?.name == .lowChargeTemperature)
        #expect(Bound.ccl(Milliamperes(1), .cold, cause).alarm == nil)
        #expect(Bound.dcl(.zero, .cold, cause).alarm == nil)
        #expect(Bound.ccl(.zero, .deepDischarge, cause).alarm == nil)
    }

    @Test("Every alarm has one row")
    func rows() { #expect(Set(AlarmTable.rows.map(\.alarm)) == Set(AlarmName.allCases)) }

    @Test("A deep discharge and a ceiling without calibration are reported once each")
    func told() {
        var watch = PackEventDetector()
        var receiver = PackDecoder()
        for second in 0..<10 {
            let bytes = FrameFixture.bytes { $0.status.insert(.socUncalibrated) }
            _ = receiver.receive(bytes, at: Timestamp(milliseconds: Int64(second) * 1000))
        }
        func kinds(_ latches: Set<LimitMemory.Latch>, _ hasMaximumSoc: Bool) -> [String] {
            watch.step(
                receiver.snapshot, nil, isConfigured: true, latches: latches, hasMaximumSoc: hasMaximumSoc
            ).map(\.kind)
        }
        #expect(kinds([], false) == [])
        #expect(kinds([.deepDischarge], true) == ["deepDischarge", "maximumSoc"])
        #expect(kinds([.deepDischarge], true) == [])
        #expect(kinds([], true) == [])
        #expect(kinds([.deepDischarge], true) == ["deepDischarge"])
    }
}

@testable import ChargeLimits

import BMSCore
import SmartBMS
import Testing
import TestSupport

@Suite("End of charge")
struct ChargeEndTests {
    /// A frame of a full pack.
    private static let full: @Sendable (inout Frame) -> Void = {
        $0.setCells(low: 3400, high: 3405)
        $0.current = Milliamperes(2_000)
        $0.soc = 100
    }

    private func cvl(_ bench: Bench) -> Int { bench.limits?.cvl.rawValue ?? 0 }

    @Test("From target to float there is no step: 1 mV a second on 16 cells")
    func ease() throws {
        var bench = Bench()
        bench.run(0...121, Self.full)
        #expect(bench.limits?.state == .full)
        var last = cvl(bench)
        for second in 122...1000 {
            // The boards rest as soon as the voltage comes down.
            bench.feed(at: Double(second)) {
                Self.full(&$0)
                $0.setCells(low: 3380, high: 3390)
                $0.current = .zero
            }
            #expect(last - cvl(bench) <= 10)
            last = cvl(bench)
        }
        #expect(last == 16 * 3380)
        #expect(bench.limits?.state == .float)
        #expect(bench.limits?.reason(.cvl) == "full: resting at 54.08 V")
    }

    @Test("Without float the voltage stays at the target")
    func noFloat() {
        var bench = Bench { $0.floats = false }
        bench.run(0...2000, Self.full)
        #expect(bench.limits?.state == .full)
        #expect(cvl(bench) == 54_880)
    }

    @Test("Float waits for the other packs of the bank")
    func bank() {
        var bench = Bench()
        for second in 0...2000 {
            _ = bench.receiver.receive(FrameFixture.bytes(Self.full), at: .seconds(Double(second)))
            var context = LimitContext()
            context.otherPacksAreFull = false
            bench.limits = bench.calculator.step(bench.receiver.snapshot, at: .seconds(Double(second)), context)
        }
        #expect(bench.limits?.state == .full)
        #expect(cvl(bench) == 54_880)
        bench.run(2001...3000, Self.full)
        #expect(bench.limits?.state == .float)
    }

    @Test("A resting pack is charged to the top once more on request")
    func request() {
        var bench = Bench()
        bench.run(0...1200, Self.full)
        #expect(bench.limits?.state == .float)
        bench.calculator.commands.chargeMode = .full
        bench.run(1201...1270, Self.full)
        #expect(bench.limits?.state == .absorption)
        #expect(cvl(bench) == 54_880)
    }

    @Test("A pack that discharged is charged to the target at once, without a throttle by float")
    func morning() {
        var bench = Bench()
        bench.run(0...1200, Self.full)
        bench.run(1201...1300) {
            $0.setCells(low: 3300, high: 3305)
            $0.current = Milliamperes(-5_000)
            $0.soc = 90
        }
        #expect(bench.limits?.state == .bulk)
        #expect(cvl(bench) == 54_880)
    }

    @Test("The end of charge by a BMS in normal mode eases down as well, and the reason names it")
    func normalMode() {
        var bench = Bench()
        bench.run(0...10) {
            Self.full(&$0)
            $0.current = Milliamperes(30_000)
        }
        bench.feed(at: 11) {
            Self.full(&$0)
            $0.status = .dischargeAllowed
        }
        #expect(bench.limits?.ccl == .zero)
        #expect(bench.limits?.state == .full)
        #expect(cvl(bench) >= 54_860)
        #expect(
            bench.limits?.reason(.ccl) == "the BMS does not permit charging (in normal mode a full pack ends it so)")
    }
}

@Suite("Heat and balancing")
struct HotBoardsTests {
    private func bound(_ boards: inout HotBoards, _ degrees: Int, high: Int = 3390) -> Int? {
        let input = input(
            {
                $0.setCells(low: high - 10, high: high)
                $0.packVoltage = Millivolts(high * 16 - 100)
                $0.lowestTemperature = RawTemperature(276 + degrees)
                $0.highestTemperature = RawTemperature(276 + degrees)
            }, scale: .paper)
        return boards.bound(.cvl, input)
    }

    @Test("From Tmax - 1 K - board rise on no cell may reach Vbalance, until it is 3 K cooler")
    func latch() {
        var boards = HotBoards()
        #expect(bound(&boards, 41) == nil)
        #expect(bound(&boards, 42) == 16 * 3388 - 100)
        #expect(bound(&boards, 39) == 16 * 3388 - 100)
        #expect(bound(&boards, 38) == nil)
    }

    @Test("One frame of heat sets nothing, and one frame without it releases nothing")
    func oneFrame() {
        var boards = HotBoards()
        func isBound(_ before: Int, _ newest: Int) -> Bool {
            func frame(_ degrees: Int) -> LimitInput {
                input({ $0.lowestTemperature = RawTemperature(276 + degrees) }, scale: .paper)
            }
            var both = frame(newest)
            both.before = frame(before).measured
            return boards.bound(.cvl, both) != nil
        }
        #expect(!isBound(41, 43) && !isBound(43, 41))
        #expect(isBound(43, 43) && isBound(43, 37) && isBound(37, 43))
        #expect(!isBound(37, 37))
    }

    @Test("A warm board does not prove a warm cell for 15 minutes after balancing")
    func warmBoards() {
        var window = TemperatureWindow()
        func limit(high: Int, warmest: Int, elapsed: Double) -> Int {
            let input = input(
                {
                    $0.setCells(low: 3380, high: high)
                    $0.lowestTemperature = RawTemperature(276 + 38)
                    $0.highestTemperature = RawTemperature(276 + warmest)
                }, elapsed: elapsed, scale: .paper)
            return window.bound(.ccl, "hot", input) ?? -1
        }
        #expect(limit(high: 3405, warmest: 50, elapsed: 1) == 50_000, "judged as 43 degC")
        for _ in 0..<179 { _ = limit(high: 3380, warmest: 50, elapsed: 5) }
        #expect(limit(high: 3380, warmest: 50, elapsed: 1) == 50_000)
        #expect(limit(high: 3380, warmest: 50, elapsed: 5) == 12_000)
    }

    @Test(
        "A reading that flickers lowers a limit, and raises it after 30 minutes, or 5 if it is more than two counts better"
    )
    func flicker() {
        var window = TemperatureWindow()
        func limit(_ count: Int) -> Int {
            window.bound(.ccl, "cold", input { $0.lowestTemperature = RawTemperature(count) }) ?? -1
        }
        let high = limit(276)
        let low = limit(275)
        #expect(low < high)
        for second in 0..<200 { #expect(limit(second.isMultiple(of: 2) ? 276 : 275) == low) }
        for _ in 0..<1799 { #expect(limit(276) == low) }
        #expect(limit(276) == high)
        #expect(limit(275) == low)
        for _ in 0..<299 { #expect(limit(279) == low) }
        #expect(limit(279) > high, "more than two counts for five minutes")
    }
}

@Suite("Reserve")
struct ReserveTests {
    @Test(
        "At the reserve no discharge is allowed until the pack is 3 % above it; without a configured reserve none is kept"
    )
    func hysteresis() {
        var reserve = StateOfChargeReserve()
        func bound(_ soc: Int, _ percent: Int = 20) -> Int? {
            reserve.bound(.dcl, input({ $0.soc = soc }, configure: { $0.reserveSoc = percent }))
        }
        #expect(bound(21) == nil)
        #expect(bound(20) == 0)
        #expect(bound(22) == 0)
        #expect(bound(23) == nil)
        #expect(bound(0, 0) == nil)
    }
}

import BMSCore
import SmartBMS
import TestSupport
import TestThreads
import Testing

@testable import ChargeLimits

@Suite("Packs in parallel", .calculates)
struct BankTests {
    @Test("equal packs with equal currents give the sum of their limits")
    func equal() {
        var bench = BankBench(4)
        bench.run(120, [-50, -50, -50, -50])
        #expect(bench.amperes == [200, 400])
    }

    @Test("the pack with the larger share reaches its limit first, and the reason names it")
    func share() {
        var bench = BankBench(2)
        bench.run(300, [-60, -30])
        #expect(bench.amperes[1] == 150)
        #expect(bench.limits?.reason(.dcl).hasPrefix("a: 100.0 A at 66 % of the current") == true)
    }

    @Test("before its share is measured, a pack counts with one and a half times its share by capacity")
    func unmeasured() {
        var bench = BankBench(4)
        bench.run(20, [0, 0, 0, 0])
        #expect(bench.amperes == [133, 266])
        #expect(bench.limits?.reason(.dcl).contains("not measured yet") == true)
    }

    @Test("shares learned under load are valid at rest and in the other direction")
    func rest() {
        var bench = BankBench(2)
        bench.run(300, [-60, -30])
        bench.run(600, [0, 0])
        #expect(bench.amperes == [75, 150])
    }

    @Test("a large change of the load teaches nothing until the load is steady")
    func calm() {
        var bench = BankBench(2)
        bench.run(120, [-40, -40])
        // Frames of one pack come before those of the other pack.
        bench.run(1, [-80, -40])
        #expect(bench.amperes[1] == 200)
        bench.run(60, [-80, -80])
        #expect(bench.amperes[1] == 200)
    }

    @Test("shares of a run before are valid from the first limits on, unless they are of other packs")
    func remembered() {
        var bench = BankBench(2)
        bench.run(300, [-60, -30])
        let shares = (0..<2).map { bench.bank.memory(of: $0, in: "house") }
        var restarted = BankBench(2)
        restarted.bank = BankCalculator(packs: 2, shares: shares)
        // An exchange that would raise a limit is measured again.
        let believed = shares.map { share -> BankShare? in
            guard var share else { return nil }
            share.chargeExchange = max(0, share.chargeExchange ?? 0)
            share.dischargeExchange = max(0, share.dischargeExchange ?? 0)
            return share
        }
        #expect(
            (0..<2).map { restarted.bank.memory(of: $0, in: "house") } == believed, "saved again before a pack is heard"
        )
        restarted.run(20, [0, 0])
        #expect(restarted.amperes == bench.amperes)
        #expect(restarted.limits?.reason(.dcl).contains("not measured") == false)
        let wild = BankShare(bank: "house", capacity: WattHours(5_100), charge: .nan, discharge: -1)
        for shares in [[shares[0], nil], [shares[0], wild], [shares[0]], []] {
            var unknown = BankBench(2)
            unknown.bank = BankCalculator(packs: 2, shares: shares)
            unknown.run(20, [0, 0])
            #expect(unknown.limits?.reason(.dcl).contains("not measured") == true)
            #expect(unknown.bank.memory(of: 0, in: "house") == nil)
        }
    }

    @Test("the exchange between packs is known with the first limits after a short stop")
    func exchanged() {
        var bench = BankBench(2)
        bench.run(300, [-60, -30])
        bench.run(120, [-40, 20])
        let shares = (0..<2).map { bench.bank.memory(of: $0, in: "house") }
        func restart(_ change: (inout BankShare?) -> Void) -> Int {
            var shares = shares
            for pack in shares.indices { change(&shares[pack]) }
            var restarted = BankBench(2)
            restarted.bank = BankCalculator(packs: 2, shares: shares)
            restarted.second = bench.second
            restarted.run(2, [-40, 20])
            return restarted.amperes[1]
        }
        #expect(abs(restart { _ in } - bench.amperes[1]) <= 2)
        #expect(restart { $0?.dischargeExchange = nil } > bench.amperes[1] + 10)
        #expect(restart { $0?.dischargeExchange = .infinity } > bench.amperes[1] + 10, "no number")
    }

    @Test("a pack with another capacity is another pack, whose share is not known")
    func replaced() throws {
        var bench = BankBench(2)
        bench.run(300, [-60, -30])
        var shares = (0..<2).map { bench.bank.memory(of: $0, in: "house") }
        let capacity = try #require(shares[1]?.capacity)
        shares[1]?.capacity = capacity + WattHours(100)
        var restarted = BankBench(2)
        restarted.bank = BankCalculator(packs: 2, shares: shares)
        restarted.run(20, [0, 0])
        #expect(restarted.limits?.reason(.dcl).contains("not measured") == true)
        // The share is measured again, and one measurement is enough.
        restarted.run(300, [-60, -30])
        #expect(restarted.limits?.reason(.dcl).contains("not measured") == false)
        #expect(restarted.bank.memory(of: 1, in: "house")?.capacity == capacity)
        // A pack that is exchanged while the bridge runs is another pack, too.
        restarted.run(20, [0, 0]) { index, frame in
            if index == 1 { frame.capacity = capacity + WattHours(100) }
        }
        #expect(restarted.limits?.reason(.dcl).contains("not measured") == true)
    }

    /// Events of the fourth of four packs at 75 A each; a minute later the bank's limit is compared.
    enum Loss: String, CaseIterable {
        case silent, silentAndOff, openContact, refusedOnly, signalOnly, byFile
    }

    @Test(
        "losing one of four leaves the current of three",
        arguments: [
            (Loss.silent, 300), (.silentAndOff, 300), (.openContact, 300), (.refusedOnly, 300), (.byFile, 300),
            // This BMS only signals, so its pack still carries a forbidden current.
            (.signalOnly, 0),
        ])
    func loss(loss: Loss, expected: Int) {
        var bench = BankBench(4, disconnected: loss == .byFile ? [3] : [])
        if loss != .byFile { bench.run(120, [-75, -75, -75, -75]) }
        let others = loss == .silent || loss == .signalOnly ? -75.0 : -100
        let fourth: Double? = [.silent, .silentAndOff].contains(loss) ? nil : loss == .signalOnly ? -75 : 0
        let history = bench.run(120, [others, others, others, fourth]) { index, frame in
            guard index == 3, loss != .byFile else { return }
            frame.status = []
            if loss == .openContact { (frame.keyByte, frame.keyValue) = (25 + 16, 0) }
        }
        // The grid of the ramp may leave some amperes.
        #expect((max(0, expected - 4)...expected).contains(bench.amperes[1]))
        if loss == .byFile { return }
        #expect((history.map { $0.dcl.rawValue }.min() ?? 0) / 1000 >= min(expected, 296))
    }

    @Test("a silent pack lowers the charge voltage and holds off float; a pack that is known to be off does neither")
    func silentOrOff() {
        var silent = BankBench(2)
        silent.run(60, [20, 20])
        silent.run(30, [20, nil])
        // N x (Vbalance - 0.10 V)
        #expect(silent.limits?.cvl == Millivolts(52_800))
        #expect(silent.bank.isAwaited(1))
        var off = BankBench(2, disconnected: [1])
        off.run(60, [20, nil])
        #expect((off.limits?.cvl ?? .zero) > Millivolts(54_000))
        #expect(!off.bank.isAwaited(1))
    }

    @Test("a silence raises no limit: the last limit of a weak pack binds while the pack may be connected")
    func weak() {
        var bench = BankBench(2)
        // Cold cells: 8.75 A of charge.
        let cold: (Int, inout Frame) -> Void = { index, frame in
            guard index == 1 else { return }
            frame.lowestTemperature = RawTemperature(272)
            frame.slotTemperature = RawTemperature(272)
        }
        bench.run(120, [10, 10], cold)
        let before = bench.limits?.ccl ?? .zero
        let history = bench.run(300, [10, nil], cold)
        #expect(before > .zero)
        #expect(history.allSatisfy { $0.ccl <= before })
    }

    @Test("a pack that comes back does not pull the bank down to the beginning of its own ramp")
    func comesBack() {
        var bench = BankBench(4)
        bench.run(120, [-70, -70, -70, -70])
        bench.run(120, [-70, -70, -70, nil])
        let history = bench.run(60, [-70, -70, -70, -70])
        #expect((history.map { $0.dcl.rawValue }.min() ?? 0) >= 290_000)
        #expect(bench.amperes[1] > 350)
    }

    @Test("with every pack silent the bank obeys the rule of silence")
    func allSilent() {
        var bench = BankBench(2)
        bench.run(60, [-50, -50])
        bench.run(15, [nil, nil])
        #expect(bench.amperes[0] == 0)
        // 0.2 C of 280 Ah each.
        #expect(bench.amperes[1] == 112)
        #expect(bench.limits?.state == .stale)
        bench.run(60, [nil, nil])
        #expect(bench.amperes == [0, 0])
    }

    @Test("a bank has no limits until every pack was heard, or ten seconds have passed")
    func start() {
        var bench = BankBench(2)
        #expect(bench.run(10, [0, nil]).isEmpty)
        bench.run(5, [0, nil])
        #expect(bench.amperes == [50, 100])
        #expect(bench.limits?.cvl == Millivolts(52_800))
        #expect(bench.limits?.reason(.cvl).hasPrefix("b was not heard yet") == true)
    }

    @Test("packs with different numbers of cells are allowed no current, and the reason names them")
    func mismatch() {
        var bench = BankBench(2)
        bench.run(20, [0, 0]) { index, frame in
            guard index == 1 else { return }
            frame.cellCount = 15
            frame.highestTemperatureCell = 15
            frame.setCells(low: 3305, high: 3320)
        }
        #expect(bench.amperes == [0, 0])
        #expect(
            bench.limits?.reason(.ccl) == "a has 16 cells and b has 15: they cannot be in parallel")
    }

    @Test("the bank's own ceilings bind both currents")
    func ceilings() {
        var bench = BankBench(4) {
            $0.maximumChargeCurrent = Milliamperes(120_000)
            $0.maximumDischargeCurrent = Milliamperes(310_000)
            $0.fuse = Milliamperes(250_000)
        }
        bench.run(120, [-50, -50, -50, -50])
        #expect(bench.amperes == [120, 250])
    }

    @Test("a cell alarm of one pack is obeyed in the step that brings it, and rises are slow")
    func falls() {
        var bench = BankBench(2)
        bench.run(120, [20, 20])
        bench.run(1, [20, 20]) { index, frame in if index == 1 { frame.status.insert(.cellTooHigh) } }
        #expect(bench.amperes[0] == 0)
        #expect(bench.limits?.reason(.ccl).hasPrefix("b: ") == true)
        var last = 0
        for limits in bench.run(60, [0, 0]) {
            // 1 % of 560 Ah a second, on a grid of half an ampere.
            #expect(limits.ccl.rawValue - last <= 6_100)
            last = limits.ccl.rawValue
        }
        #expect(last == 100_000)
    }

    @Test("a pack above its limit lowers the bank in the step that shows it, by what its share needs")
    func overload() {
        var bench = BankBench(2)
        bench.run(200, [-60, -60])
        bench.run(1, [-120, -40])
        // 160 A less 20 A at half of the current.
        #expect(bench.amperes[1] == 120)
        #expect(bench.limits?.reason(.dcl) == "a carried 120.0 A and may 100.0 A")
        // The pack is within its limit: the bank's limit stays, and does not oscillate.
        bench.run(10, [-100, -20])
        #expect((120...128).contains(bench.amperes[1]))
        // The exchange fades, and the bank's limit rises again.
        bench.run(180, [-60, -60])
        #expect(bench.amperes[1] >= 190)
    }

    @Test("exchange after a pack was carried above its limit lowers DCL, but not below 3 A")
    func exchangeAlone() {
        var bench = BankBench(2)
        bench.run(200, [-60, -60])
        bench.run(5, [-180, 120])
        #expect(bench.amperes[1] == 3)
    }

    @Test("the exchange between packs is not part of a share, which follows from the steps of the load alone")
    func marginal() {
        var bench = BankBench(2)
        // At rest the second pack takes 5 A from the first; a load of 80 A divides evenly all the same.
        bench.run(20, [-5, 5])
        bench.run(30, [-45, -35])
        let shares = (0..<2).compactMap { bench.bank.shares($0).discharge }
        #expect(shares.allSatisfy { (480...520).contains($0) }, "\(shares)")
        // (100 A - 5 A) / 0.50
        #expect((186...194).contains(bench.amperes[1]))
        #expect(bench.limits?.reason(.dcl).contains("go to or from the other packs") == true)
    }

    @Test("the exchange between packs is subtracted from the limit of the pack that it loads")
    func exchange() {
        var bench = BankBench(2)
        bench.run(120, [25, 25])
        bench.run(20, [0, 0])
        bench.run(60, [22, -22])
        // (50 A - 22 A) at half of the current.
        #expect((55...57).contains(bench.amperes[0]))
        #expect(bench.limits?.reason(.ccl).contains("go to or from the other packs") == true)
    }

    @Test("a pack without its cell boards is not silent, and its last current proves nothing")
    func withoutBoards() {
        var bench = BankBench(4)
        bench.run(60, [-75, -75, -75, -75])
        let history = bench.run(60, [-75, -75, -75, -75]) { index, frame in
            if index == 3 { frame.status = .noCellCommunication }
        }
        #expect((history.map { $0.dcl.rawValue }.min() ?? 0) >= 296_000)
        #expect(bench.bank.dischargeStanding(3) == .open)
    }

    @Test("no input makes the bank allow more than the sum or less than 0, or ends the program")
    func hostile() {
        var random = SeededRandom(7)
        var bench = BankBench(3) { $0.maximumChargeCurrent = Milliamperes(Int.max) }
        for _ in 0..<RandomCases.count(3_000) {
            let currents = (0..<3).map { _ -> Double? in
                Int.random(in: 0..<6, using: &random) == 0
                    ? nil : Double(Int.random(in: -1_900...1_900, using: &random))
            }
            bench.run(1, currents) { _, frame in
                frame.status = StatusFlags(rawValue: UInt8.random(in: 0...255, using: &random))
                frame.capacity = WattHours(Int.random(in: 0...6_000_000, using: &random))
                frame.keyByte = UInt8.random(in: 0...255, using: &random)
                frame.keyValue = UInt8.random(in: 0...255, using: &random)
            }
            guard let limits = bench.limits else { continue }
            #expect(limits.ccl >= .zero && limits.ccl.rawValue <= 150_000)
            #expect(limits.dcl >= .zero && limits.dcl.rawValue <= 300_000)
            #expect(limits.constraints.allSatisfy { !$0.reason.isEmpty })
        }
        for index in 0..<3 { #expect((bench.bank.shares(index).charge ?? 0) <= 2_000) }
        #expect(BankCalculator(packs: -1).limitsOfNobody == nil)
    }
}

extension BankCalculator {
    /// Limits of a bank without packs, which has none.
    fileprivate var limitsOfNobody: Limits? {
        var copy = self
        return copy.step([], at: .seconds(0))
    }
}

import BMSCore
import SmartBMS
import TestSupport
import Testing

@testable import ChargeLimits

@Suite("Contacts, refusals and silences in a bank")
struct BankContactTests {
    /// Frames with a turn of the keys, in which each pack has its contact open or closed.
    private static func contacts(_ closed: [Bool]) -> (Int, inout Frame) -> Void {
        var counts = closed.map { _ in 0 }
        return { index, frame in
            counts[index] += 1
            let key = counts[index] % 19
            frame.keyByte = UInt8(25 + key)
            frame.keyValue = key == 16 && closed[index] ? 0b110000 : 0
        }
    }

    @Test("if no contact reads closed, none is wired, and a BMS that forbids a current takes no other pack with it")
    func unwired() {
        var bench = BankBench(4)
        let keys = Self.contacts([false, false, false, false])
        bench.run(120, [-75, -75, -75, -75], keys)
        #expect(bench.amperes == [200, 400])
        let history = bench.run(60, [-100, -100, -100, 0]) { index, frame in
            keys(index, &frame)
            if index == 3 { frame.status = .chargeAllowed }
        }
        #expect((history.map { $0.dcl.rawValue }.min() ?? 0) >= 296_000)
        #expect(bench.bank.dischargeStanding(3) == .open)
        #expect((0..<3).allSatisfy { bench.bank.dischargeStanding($0) == .active })
    }

    @Test("a pack that is known to be off the bus does not stand for silent packs")
    func offAndSilent() {
        var bench = BankBench(4)
        let keys = Self.contacts([true, true, true, false])
        bench.run(120, [-75, -75, -75, 0], keys)
        #expect((148...150).contains(bench.amperes[0]) && (285...300).contains(bench.amperes[1]))
        #expect(!bench.bank.isAwaited(3))
        bench.run(15, [nil, nil, nil, 0], keys)
        // 0.2 C of 280 Ah each.
        #expect(bench.amperes == [0, 168])
        #expect(bench.limits?.state == .stale)
        #expect(bench.bank.dischargeStanding(3) == .open)
        bench.run(60, [nil, nil, nil, 0], keys)
        #expect(bench.amperes == [0, 0])
    }

    @Test("each refusal has its five seconds, whatever current an open contact has carried before")
    func refusedAgain() {
        var bench = BankBench(2)
        let keys = Self.contacts([true, false])
        bench.run(60, [-20, 0], keys)
        #expect(bench.bank.dischargeStanding(1) == .open)
        bench.run(10, [-20, -20], keys)
        #expect(bench.bank.dischargeStanding(1) == .active)
        bench.run(60, [-20, 0]) { index, frame in
            keys(index, &frame)
            if index == 1 { frame.status = .chargeAllowed }
        }
        #expect(bench.bank.dischargeStanding(1) == .open)
        #expect(bench.amperes[1] >= 96)
        // A pack that has carried current past its contact counts at any load, also beside a silent pack.
        bench.run(10, [-20, 0], keys)
        #expect(bench.bank.dischargeStanding(1) == .active)
    }

    @Test("a full pack that feeds the house is on the bus, although its charge contact is open")
    func fullAndFeeding() {
        var bench = BankBench(2)
        func keys(_ refuses: Bool) -> (Int, inout Frame) -> Void {
            let turn = Self.contacts([false, true])
            return { index, frame in
                turn(index, &frame)
                guard index == 0 else { return }
                if frame.keyByte == 25 + 16 { frame.keyValue = SecondStatus.loadRelayClosed.rawValue }
                frame.status = refuses ? [] : .dischargeAllowed
            }
        }
        bench.run(60, [-20, -20], keys(false))
        bench.run(30, [-20, nil], keys(false))
        bench.run(5, [0, nil], keys(true))
        bench.run(120, [-20, nil], keys(false))
        #expect(bench.amperes[1] >= 95)
        #expect(bench.limits?.state != .stale)
    }

    @Test("a current into a pack that refuses it counts against the limit of the pack that gives it")
    func exchangeWithOneKeptOff() {
        var bench = BankBench(2)
        bench.run(60, [-30, -30])
        bench.run(60, [-140, 40]) { index, frame in if index == 1 { frame.status = .chargeAllowed } }
        #expect(bench.amperes[1] <= 62)
    }

    @Test("a pack that lost its cell boards is not silent")
    func heardWithoutBoards() {
        var bench = BankBench(2)
        bench.run(60, [-20, -20])
        bench.run(20, [-20, nil])
        bench.run(10, [-20, 0]) { index, frame in if index == 1 { frame.status.insert(.noCellCommunication) } }
        #expect(bench.bank.dischargeStanding(1) == .open)
    }

    @Test("noise does not change the share of a pack that is away")
    func noise() {
        var estimator = ShareEstimator(count: 3)
        _ = estimator.learn([(0, 40_000), (1, 40_000), (2, 40_000)], least: 4_000)
        for second in 0..<7_200 {
            let wobble = second.isMultiple(of: 2) ? 1_200.0 : -1_200
            _ = estimator.learn([(0, 60_000 + wobble), (1, 60_000 - wobble)], least: 4_000)
        }
        #expect(abs(estimator.measured(2, among: [0, 1, 2]) - 0.333) < 0.01)
        #expect((0..<3).allSatisfy { BankShare.range.contains(estimator.memory(of: $0) ?? 0) })
    }

    @Test("a share beside a pack with an open contact is not remembered, because a restart cannot know the contact")
    func rememberedOff() {
        var bench = BankBench(2)
        let keys = Self.contacts([true, false])
        bench.run(60, [-60, -30], keys)
        bench.run(60, [-60, 0], keys)
        bench.run(60, [-60, 0]) { index, frame in
            keys(index, &frame)
            if index == 1 { frame.status = [] }
        }
        #expect(bench.bank.memory(of: 0, in: "house") != nil)
        #expect(bench.bank.memory(of: 1, in: "house") == nil)
    }

    @Test("the first frames after a silence are not a refusal")
    func heardAgain() {
        var bench = BankBench(2)
        bench.run(60, [-50, -50])
        bench.run(30, [-50, nil])
        var standings: [MembershipState] = []
        for _ in 0..<8 {
            bench.run(1, [-50, -50])
            standings.append(bench.bank.dischargeStanding(1))
        }
        #expect(standings == Array(repeating: .silent, count: 5) + [.active, .active, .active])
    }

    @Test("while a pack's charge voltage rises, the bank's reason names the rise")
    func risingVoltage() {
        var bench = BankBench(2)
        bench.run(60, [20, 20])
        bench.run(30, [20, nil])
        bench.run(20, [20, 20])
        let reason = bench.limits?.reason(.cvl) ?? ""
        #expect(reason.contains("b: rising slowly towards"), "\(reason)")
    }
}

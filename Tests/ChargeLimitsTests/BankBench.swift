import BMSCore
import SmartBMS
import TestSupport

@testable import ChargeLimits

/// Packs in parallel that are stepped once a second, as in the daemon.
struct BankBench {
    var bank: BankCalculator
    var packs: [Bench]
    var isDisconnected: [Bool]
    var limits: Limits?
    var second = 0.0

    init(_ count: Int, disconnected: Set<Int> = [], configure: (inout BankConfiguration) -> Void = { _ in }) {
        var configuration = BankConfiguration()
        configure(&configuration)
        bank = BankCalculator(configuration, packs: count)
        packs = (0..<count).map { _ in
            Bench {
                $0.maximumChargeCurrent = Milliamperes(50_000)
                $0.maximumDischargeCurrent = Milliamperes(100_000)
            }
        }
        isDisconnected = (0..<count).map { disconnected.contains($0) }
    }

    var now: Timestamp { .seconds(second) }
    var names: [String] { ["a", "b", "c", "d"] }

    /// Runs for some seconds. The load begins a few seconds after the first frames, so that its step shows the packs' shares.
    ///
    /// - Parameter amperes: each pack's current; `nil`: no frame comes.
    @discardableResult
    mutating func run(
        _ seconds: Int, _ amperes: [Double?], _ change: (Int, inout Frame) -> Void = { _, _ in }
    ) -> [Limits] {
        if second == 0, amperes.contains(where: { ($0 ?? 0) != 0 }) {
            second = 0.001
            run(5, amperes.map { $0.map { _ in 0 } }, change)
        }
        var all: [Limits] = []
        for _ in 0..<seconds {
            second += 1
            for index in packs.indices {
                guard let current = amperes[index] else {
                    packs[index].wait(at: now)
                    continue
                }
                packs[index].feed(at: second) { frame in
                    frame.current = Milliamperes(Int(current * 8) * 125)
                    frame.current1 = frame.current
                    frame.soc = 90
                    change(index, &frame)
                }
            }
            step()
            if let limits { all.append(limits) }
        }
        return all
    }

    mutating func step() {
        limits = bank.step(members, at: now)
    }

    var members: [BankMember] {
        packs.indices.map {
            BankMember(
                name: names[$0], snapshot: packs[$0].receiver.snapshot, limits: packs[$0].limits,
                isDisconnected: isDisconnected[$0])
        }
    }

    /// CCL and DCL, A.
    var amperes: [Int] { [limits?.ccl, limits?.dcl].map { ($0?.rawValue ?? -1_000) / 1000 } }
}

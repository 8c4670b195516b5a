import BMSCore
import SmartBMS
import Testing
import TestSupport

@Suite("Freshness")
struct FreshnessTests {
    @Test(
        "Data whose age is exactly a limit still has the better freshness",
        arguments: [
            (0, Freshness.fresh), (3_000, .fresh), (3_001, .holding), (10_000, .holding), (10_001, .stale),
            (60_000, .stale), (60_001, .lost), (.max - 1_000_000, .lost),
        ] as [(Int64, Freshness)])
    func age(milliseconds: Int64, expected: Freshness) {
        let moment = Timestamp.seconds(0)
        #expect(FreshnessTimes().freshness(of: moment, at: moment + milliseconds) == expected)
    }

    @Test("Data up to 3 s in the future is fresh, later data is lost, because the clock jumped back")
    func future() {
        #expect(FreshnessTimes().freshness(of: .seconds(3), at: .seconds(0)) == .fresh)
        #expect(FreshnessTimes().freshness(of: .seconds(3.001), at: .seconds(0)) == .lost)
        #expect(FreshnessTimes().freshness(of: .seconds(100), at: .seconds(0)) == .lost)
    }

    @Test("Without a frame the freshness is that of waiting for the pack")
    func waiting() {
        #expect(FreshnessTimes().freshness(of: nil, at: .seconds(0)) == .waiting)
    }

    @Test("The ages are configurable")
    func configured() {
        let times = FreshnessTimes(hold: 1, stale: 2, lost: 3)
        let found = (1...4).map { times.freshness(of: .seconds(0), at: .seconds(0) + Int64($0)) }
        #expect(found == [.fresh, .holding, .stale, .lost])
    }

    @Test("Data is live while fresh or holding", arguments: Freshness.allCases)
    func live(freshness: Freshness) {
        #expect(freshness.isLive == [.fresh, .holding].contains(freshness))
    }

    @Test("The oldest moment is lost at the newest, without an overflow")
    func extremes() {
        let oldest = Timestamp(milliseconds: .min)
        let newest = Timestamp(milliseconds: .max)
        #expect(newest - oldest == .max)
        #expect(oldest - newest == .min)
        #expect(newest + 1 == newest)
        #expect(oldest + -1 == oldest)
        #expect(FreshnessTimes().freshness(of: oldest, at: newest) == .lost)
    }

    @Test("The age of a snapshot is the age of its last good frame, never below 0")
    func snapshotAge() {
        var snapshot = PackSnapshot()
        #expect(snapshot.age(at: .seconds(0)) == nil)
        snapshot.linkAt = .seconds(10)
        #expect(snapshot.age(at: .seconds(12)) == 2_000)
        #expect(snapshot.age(at: .seconds(9)) == 0)
    }
}

import BMSCore
import SmartBMS
import ChargeLimits
import PackSimulator
import TestSupport

/// Counts damaged frames that are accepted, and their effect on published limits, with the bridge's receiver and with the sum alone.
///
/// Three runs of the same pack go in step: the first gets what the damaged line lets through, the second loses each damaged frame, the
/// third has no damage. A limit is too high because of damage if the first run publishes more than both others and more than any bound of
/// the third. The bounds count because a limit that fell and came back may end a little higher than one that never fell: small rises are
/// not published. Such a limit was raised if it rose there, and kept if the others fell and it did not.
enum Corruption {
    /// Frames of each kind of noise, in percent of all; the other kinds share the rest.
    private static let noiseShare = 15
    /// Divisor of the number of frames for the sum alone, whose errors are frequent.
    private static let sumShare = 10

    static func run() {
        let count = max(1000, CommandLine.arguments.last.flatMap { Int($0) } ?? 12_000_000)
        let packs = Scenario.allCases.map(frames)
        let whole = packs.map { Undamaged<WholeReceiver>.play($0) }
        let sum = packs.map { Undamaged<SumOnly>.play($0) }
        print(
            "\n| damage | frames | damaged | accepted by | taken for true | raised | most raised | kept | most kept | lowered |"
        )
        print("|---|---|---|---|---|---|---|---|---|---|")
        for (index, damage) in Damage.all.enumerated() {
            let isNoise = if case .noise = damage { true } else { false }
            let frames =
                isNoise ? count * noiseShare / 100 : count * (100 - 4 * noiseShare) / 100 / (Damage.all.count - 4)
            tell(damage, "the bridge", measure(damage, frames, whole, seed: UInt64(index)))
            tell(damage, "the sum only", measure(damage, frames / sumShare, sum, seed: UInt64(index)))
        }
    }

    /// Frames of half an hour of a scenario in closed loop, without the seconds in which nothing is sent.
    private static func frames(_ scenario: Scenario) -> [[UInt8]] {
        var simulator = Simulator(scenario: scenario)
        var chain = Chain<WholeReceiver>()
        var frames: [[UInt8]] = []
        for second in 0..<1800 {
            let published = chain.limits
            let given = GivenLimits(cvl: published?.cvl, ccl: published?.ccl, dcl: published?.dcl)
            let frame = simulator.step(limits: given)
            chain.step(
                frame.flatMap(FrameDecoder.decode).map { [$0] } ?? [], at: Timestamp(milliseconds: Int64(second) * 1000)
            )
            if let frame { frames.append(frame) }
        }
        return frames
    }

    private static func measure<Way: Acceptance>(
        _ damage: Damage, _ count: Int, _ packs: [[Undamaged<Way>]], seed: UInt64
    ) -> Tally {
        var random = SeededRandom(1000 + seed)
        var counts = Tally()
        var run = 0
        while counts.frames < count {
            var line = DamagedLine(packs[run % packs.count])
            for (second, sound) in packs[run % packs.count].enumerated() {
                // The first frames are good, because limits that do not exist cannot rise.
                let bytes = second < 10 ? sound.bytes : damage.apply(sound.bytes, using: &random)
                line.step(sound, arriving: bytes, &counts)
                if counts.frames >= count { break }
            }
            line.end()
            run += 1
        }
        return counts
    }

    private static func tell(_ damage: Damage, _ name: String, _ counts: Tally) {
        func text(_ value: Int, _ unit: String) -> String {
            "\(FixedPoint.text(thousandths: value, decimals: 2)) \(unit)"
        }
        func texts(_ values: [Int]) -> String { zip(values, ["V", "A", "A"]).map(text).joined(separator: ", ") }
        print(
            "| \(damage.name) | \(counts.frames) | \(counts.damaged) | \(name) | \(counts.accepted) | "
                + "\(counts.raised) | \(texts(counts.most)) | \(counts.kept) | \(texts(counts.mostKept)) | \(counts.lowered) |"
        )
    }
}

/// The counts of a run.
struct Tally {
    var frames = 0
    /// Frames of which something arrived changed.
    var damaged = 0
    /// Accepted frames that no BMS had sent.
    var accepted = 0
    /// Number of times that CVL, CCL or DCL rose because of such a frame above the bounds of the run without damage; one rise of any
    /// duration counts once.
    var raised = 0
    /// Number of times that one of them was above these bounds because it did not fall.
    var kept = 0
    /// The largest rise of CVL, CCL and DCL above these bounds, mV and mA.
    var most = [0, 0, 0]
    /// The largest excess over these bounds by a limit that did not fall, mV and mA.
    var mostKept = [0, 0, 0]
    /// Number of times that one of them fell because of such a frame.
    var lowered = 0
}

/// A damaged line and its two runs. They are played only around a frame that no BMS had sent: from at least half a minute before it, with
/// the frames lost by then, until two minutes after the last such frame.
struct DamagedLine<Way: Acceptance> {
    private static var memory: Int { 120 }
    private var decoder = Way()
    private let run: [Undamaged<Way>]
    /// The frame of each second came as it was sent.
    private var isSound: [Bool] = []
    /// Damage was detected in each second.
    private var isDamaged: [Bool] = []
    /// The run that loses damaged frames.
    private var sparse: Chain<Way>?
    private var branch: Chain<Way>?
    private var branchedAt = 0
    /// Limits that the first run published a second ago.
    private var before: [Int]?
    /// Ways in which CVL, CCL and DCL exceed their bounds; `nil`: they do not.
    private var excess: [Excess?] = [nil, nil, nil]
    private var isLowered = false

    init(_ run: [Undamaged<Way>]) { self.run = run }

    /// Plays the next second, in which a frame was sent and bytes arrived.
    mutating func step(_ sound: Undamaged<Way>, arriving bytes: [UInt8], _ counts: inout Tally) {
        let second = isSound.count
        let damagedBefore = decoder.damagedBytes
        let arrived = decoder.frames(in: bytes)
        isDamaged.append(decoder.damagedBytes != damagedBefore)
        let wrong = arrived.count { $0 != sound.frame }
        counts.frames += 1
        if bytes != sound.bytes { counts.damaged += 1 }
        counts.accepted += wrong
        if wrong > 0 {
            if branch == nil {
                sparse = replay(until: second)
                branch = sparse
                before = branch?.published
            }
            branchedAt = second
        }
        isSound.append(arrived.contains { $0 == sound.frame })
        guard branch != nil else { return }
        let now = Timestamp(milliseconds: Int64(second) * 1000)
        branch?.step(arrived, isDamaged: isDamaged[second], at: now)
        sparse?.step(arrived.filter { $0 == sound.frame }, isDamaged: isDamaged[second], at: now)
        compare(sound, &counts)
        if second - branchedAt > Self.memory { end() }
    }

    /// The run that lost the damaged frames, up to a second.
    private func replay(until second: Int) -> Chain<Way> {
        var start = max(0, second - 30)
        while start > 0, run[start].chain == nil { start -= 1 }
        guard var chain = run[start].chain else { return Chain<Way>() }
        for earlier in (start + 1)..<max(start + 1, second) {
            let frames = isSound[earlier] ? [run[earlier].frame].compactMap(\.self) : []
            chain.step(frames, isDamaged: isDamaged[earlier], at: Timestamp(milliseconds: Int64(earlier) * 1000))
        }
        return chain
    }

    /// Ends the two runs.
    mutating func end() {
        (branch, sparse) = (nil, nil)
        (excess, isLowered) = ([nil, nil, nil], false)
    }

    private mutating func compare(_ sound: Undamaged<Way>, _ counts: inout Tally) {
        guard let limits = branch?.published, let lost = sparse?.published, let truth = sound.published else { return }
        for index in limits.indices {
            let over = limits[index] - max(lost[index], truth[index], sound.allowed[index])
            guard over > 0 else {
                excess[index] = nil
                continue
            }
            if let before, limits[index] > before[index], excess[index] != .raised {
                excess[index] = .raised
                counts.raised += 1
            } else if excess[index] == nil {
                excess[index] = .kept
                counts.kept += 1
            }
            if excess[index] == .raised {
                counts.most[index] = max(counts.most[index], over)
            } else {
                counts.mostKept[index] = max(counts.mostKept[index], over)
            }
        }
        let isLowered = limits.indices.contains { limits[$0] < min(lost[$0], truth[$0]) }
        counts.lowered += isLowered && !self.isLowered ? 1 : 0
        self.isLowered = isLowered
        before = limits
    }

    private enum Excess {
        case raised
        case kept
    }
}

/// A second of the run without damage.
struct Undamaged<Way: Acceptance> {
    let bytes: [UInt8]
    let frame: Frame?
    let published: [Int]?
    /// The lowest bounds of CVL, CCL and DCL.
    let allowed: [Int]
    /// The state of the run after this second, kept once a minute.
    let chain: Chain<Way>?

    static func play(_ frames: [[UInt8]]) -> [Undamaged] {
        var chain = Chain<Way>()
        return frames.enumerated().map { second, bytes in
            let frame = FrameDecoder.decode(bytes)
            chain.step(frame.map { [$0] } ?? [], at: Timestamp(milliseconds: Int64(second) * 1000))
            let bounds = chain.limits?.constraints ?? []
            let allowed = LimitKind.allCases.map { kind in
                bounds.filter { $0.limit == kind }.map(\.value).min() ?? 0
            }
            return Undamaged(
                bytes: bytes, frame: frame, published: chain.published, allowed: allowed,
                chain: second.isMultiple(of: 60) ? chain : nil)
        }
    }
}

/// The chain from frames to limits.
struct Chain<Way: Acceptance> {
    private var way = Way()
    private var calculator = LimitCalculator()
    private var damagedAt: Timestamp?
    /// CVL, CCL, DCL in mV and mA.
    var published: [Int]? { limits.map { [$0.cvl.rawValue, $0.ccl.rawValue, $0.dcl.rawValue] } }
    private(set) var limits: Limits?

    mutating func step(_ frames: [Frame], isDamaged: Bool = false, at now: Timestamp) {
        for frame in frames { way.believe(frame, at: now) }
        if isDamaged { damagedAt = now }
        var snapshot = way.snapshot
        snapshot.damagedAt = damagedAt
        limits = calculator.step(snapshot, at: now)
    }
}

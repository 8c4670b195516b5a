@testable import ChargeLimits

import BMSCore
import SmartBMS
import TestSupport

/// Input of one rule: the frame of the fixture on a pack of 16 LFP cells with exactly 100 Ah.
func input(
    _ change: (inout Frame) -> Void = { _ in }, chemistry: Chemistry? = .lfp, status: StatusFlags? = nil,
    elapsed: Double = 1, lowKey: Int? = nil, scale: TemperatureScale = .measured,
    configure: (inout LimitConfiguration) -> Void = { _ in }
) -> LimitInput {
    var snapshot = PackSnapshot()
    let frame = FrameFixture.frame {
        // 16 x 3.3 V x 100 Ah; other chemistries have their own nominal voltage.
        $0.capacity = WattHours(16 * (chemistry ?? .lfp).nominalVoltage.rawValue / 10)
        change(&$0)
    }
    let measured = frame.measurements(scale)
    snapshot.measurements = measured
    snapshot.settings = frame.settings
    snapshot.chemistry = chemistry
    snapshot.newestStatus = status ?? frame.status
    snapshot.permissions = snapshot.newestStatus.intersection(.permissions)
    snapshot.alarms = snapshot.newestStatus.intersection(.alarms)
    snapshot.cellSettings.low = lowKey.map { Millivolts($0) }
    snapshot.linkAt = .seconds(0)
    snapshot.measuredAt = .seconds(0)
    var configuration = LimitConfiguration()
    configure(&configuration)
    var input = LimitInput(
        figures: DerivedParameters(snapshot, frame.settings, configuration), measured: measured,
        permissions: snapshot.permissions, alarms: snapshot.alarms,
        newestStatus: snapshot.newestStatus, freshness: .fresh, age: 0, isAhead: false, commands: LimitCommands(),
        cellsBefore: nil, elapsed: elapsed, published: nil, now: .seconds(0), isAwaitingPacks: false)
    input.refresh()
    return input
}

extension LimitInput {
    /// Derives the values of the calculator from the frame, without its filters.
    mutating func refresh() {
        imbalance = Double(max(0, (measured.highestVoltage * cells - measured.packVoltage).rawValue))
        resistance = figures.profile.resistance / (Double(capacity.rawValue) / 1000)
    }
}

extension LimitRule {
    /// The bounds after a step with an input, before any other rule.
    mutating func evaluate(_ input: LimitInput) -> [Bound] { bounds(input, after: []) }

    /// The bound of one limit after a step with an input; `nil` if the rule has none.
    mutating func bound(_ kind: LimitKind, _ input: LimitInput) -> Int? {
        evaluate(input).filter { $0.limit == kind }.map(\.value).min()
    }

    /// The bound, if there is one; otherwise less than any bound.
    mutating func value(_ kind: LimitKind, _ input: LimitInput) -> Int { bound(kind, input) ?? .min }

    /// The bound with a name, if there is one; otherwise less than any bound.
    mutating func value(_ kind: LimitKind, _ name: String, _ input: LimitInput) -> Int {
        bound(kind, name, input) ?? .min
    }

    /// The bound with a name.
    mutating func bound(_ kind: LimitKind, _ name: String, _ input: LimitInput) -> Int? {
        evaluate(input).first { $0.limit == kind && $0.name.rawValue == name }?.value
    }
}

/// A receiver and a calculator, fed as in the daemon.
struct Bench {
    var receiver: PackDecoder
    var calculator: LimitCalculator
    var limits: Limits?

    init(
        rules: FrameValidator = FrameValidator(), options: SnapshotBuilder.Options = SnapshotBuilder.Options(),
        memory: LimitMemory? = nil, at now: Timestamp = .seconds(0),
        configure: (inout LimitConfiguration) -> Void = { _ in }
    ) {
        var configuration = LimitConfiguration()
        configure(&configuration)
        receiver = PackDecoder(rules: rules, options: options, memory: memory?.ofDecoder)
        calculator = LimitCalculator(configuration, memory: memory, at: now)
    }

    /// Takes a frame and steps.
    @discardableResult
    mutating func feed(at second: Double, _ change: (inout Frame) -> Void = { _ in }) -> Limits? {
        feed(FrameFixture.bytes(change), at: .seconds(second))
    }

    /// Takes bytes and steps.
    @discardableResult
    mutating func feed(_ bytes: [UInt8], at now: Timestamp) -> Limits? {
        _ = receiver.receive(bytes, at: now)
        limits = calculator.step(receiver.snapshot, at: now)
        return limits
    }

    /// Steps without a frame.
    @discardableResult
    mutating func wait(at second: Double) -> Limits? { wait(at: .seconds(second)) }

    /// Steps without a frame.
    @discardableResult
    mutating func wait(at now: Timestamp) -> Limits? {
        limits = calculator.step(receiver.snapshot, at: now)
        return limits
    }

    /// Delivers a frame a second, with both ends included.
    mutating func run(_ seconds: ClosedRange<Int>, _ change: (inout Frame) -> Void = { _ in }) {
        for second in seconds { feed(at: Double(second), change) }
    }
}

extension Limits {
    /// CVL, CCL, DCL in mV and mA.
    var numbers: [Int] { LimitKind.allCases.map(value) }
}

import BMSCore
import LinuxIO
import SerialLink
import SmartBMS
import ServiceIO

/// Bytes, frames and failures of a source while somebody listened to it.
struct SourceProbe: Sendable {
    /// Name under which the source was opened; `nil`: it could not be opened.
    var name: String?
    /// Bytes that came.
    var bytes = 0
    /// Reason why the source was not open at the end.
    var failure: String?
    /// Knowledge from the frames.
    var snapshot: PackSnapshot
    /// The check that refused the last bad frame.
    var rejection: String?

    /// Good frames.
    var frames: Int { snapshot.counters.framesAccepted }

    /// Firmware of the BMS; only generation 3 sends it.
    var firmware: String? { snapshot.keys.firmware }

    /// The generation that the bytes show; `nil`: not known yet.
    var generation: Generation? {
        if let major = firmware?.first?.wholeNumberValue { return major >= 3 ? .three : .two }
        return nil
    }

    /// Longest time until a source is open, seconds.
    private static let patience = 10.0

    /// Listens to a source.
    ///
    /// - Parameters:
    ///   - seconds: longest time, from the opening on.
    ///   - isEnough: ends the listening early.
    /// - Returns: `nil` for a source that is not read: a simulator.
    static func listen(
        to address: SourceAddress, generation: Generation = .three, seconds: Double,
        until isEnough: @escaping @Sendable (SourceProbe) -> Bool
    ) async -> SourceProbe? {
        guard let source = ByteSource(address) else { return nil }
        var options = SnapshotBuilder.Options()
        options.generation = generation
        // This is no judgement about limits: frames that waited in a buffer say what the pack is, too.
        options.judgesArrival = false
        let shared = Lock((probe: SourceProbe(snapshot: PackSnapshot()), decoder: PackDecoder(options: options)))
        source.start()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await event in source.events where shared.withLock({ isEnough($0.probe.take(event, &$0.decoder)) })
                { return }
            }
            group.addTask {
                // The time counts from the opening, for which there is as much again.
                let start = Clock.monotonic()
                var opened: Timestamp?
                while !Task.isCancelled {
                    let now = Clock.monotonic()
                    if opened == nil, shared.withLock({ $0.probe.name != nil }) { opened = now }
                    let isOver =
                        opened.map { now - $0 > Int64(seconds * 1000) }
                        ?? (now - start > Int64(max(seconds, patience) * 1000))
                    if isOver { return }
                    try? await Task.sleep(for: .milliseconds(50))
                }
            }
            await group.next()
            group.cancelAll()
            source.stop()
        }
        return shared.withLock { $0.probe }
    }

    private mutating func take(_ event: SourceEvent, _ decoder: inout PackDecoder) -> SourceProbe {
        switch event {
        case .opened(let name): (self.name, failure) = (name, nil)
        case .bytes(let chunk, _):
            bytes += chunk.count
            _ = decoder.receive(chunk, at: Clock.monotonic())
            snapshot = decoder.snapshot
            rejection = decoder.lastRejected?.rejection.rawValue
        case .closed(let error, _): failure = "\(error)"
        case .complaint(let error): failure = "\(error)"
        case .dropped, .ended: break
        }
        return self
    }

    /// One line about the pack, for people; `nil` before its settings are known.
    var pack: String? {
        guard let settings = snapshot.settings else { return nil }
        func volts(_ value: Millivolts) -> String { FixedPoint.text(thousandths: value.rawValue, decimals: 3) }
        let ampereHours = snapshot.nominalPackVoltage.map {
            ", \(settings.capacity.rawValue * 1000 / max(1, $0.rawValue)) Ah"
        }
        let energy = FixedPoint.text(thousandths: settings.capacity.rawValue, decimals: 1)
        return
            "\(settings.cellCount) cells, \(energy) kWh\(ampereHours ?? ""); Vmin \(volts(settings.minimumVoltage)) V, "
            + "Vbalance \(volts(settings.balanceVoltage)) V, Vmax \(volts(settings.maximumVoltage)) V"
            + (snapshot.chemistry.map { ": \($0.rawValue.uppercased())" } ?? ": fits no chemistry that is known")
    }

    /// Whole ampere-hours; `nil`: unknown.
    var ampereHours: Int? {
        guard let settings = snapshot.settings, let nominal = snapshot.nominalPackVoltage, nominal.rawValue > 0 else {
            return nil
        }
        return settings.capacity.rawValue * 1000 / nominal.rawValue
    }
}

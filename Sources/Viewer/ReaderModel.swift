import BMSCore
package import JSON
import BatteryEngine
import MQTTBridge

/// The last documents of a bridge, by pack, with the values that are valid now. MQTT is the only source, so the model has what any
/// other client can see, and it follows the rules of docs/safety.md for consumers.
package struct ReaderModel: Sendable {
    /// Both clocks, in milliseconds.
    package struct Instant: Sendable {
        package var monotonic: Int64
        package var wall: Int64

        package init(monotonic: Int64, wall: Int64) { (self.monotonic, self.wall) = (monotonic, wall) }
    }

    /// The last text of a status topic.
    package struct Status: Hashable, Sendable {
        package var text: String
        /// Wall time of the receipt, milliseconds.
        package var since: Int64
        /// The text was retained, so it may be older than its receipt.
        package var isRetained: Bool

        package init(text: String, since: Int64, isRetained: Bool) {
            (self.text, self.since, self.isRetained) = (text, since, isRetained)
        }

        /// Text with its time, like "offline since 14:02:31".
        ///
        /// - Parameter clock: writes a wall time.
        package func sinceWhen(_ clock: (Int64) -> String) -> String {
            "\(text) since \(clock(since))\(isRetained ? " or earlier" : "")"
        }
    }

    /// A document with the end of its validity.
    package struct Document: Sendable {
        package var value: JSONValue
        /// The value as it came.
        package var payload: [UInt8]
        /// Time from which on the document is not valid.
        package var end: Instant

        package func holds(_ now: Instant) -> Bool { now.monotonic < end.monotonic }
    }

    /// Something that happened.
    package struct Event: Hashable, Sendable {
        /// Seconds since 1970, by the bridge's clock; `nil`: not told.
        package var time: Double?
        package var kind: String
        package var text: String
    }

    package struct Pack: Sendable {
        package var status: Status?
        package var state: Document?
        package var limits: Document?
        package var cells: Document?
        package var relays: Document?
        /// Settings with their bounds, where they are read.
        package var settings: Document?
        /// Last minutes of what was valid.
        package var history: ReaderHistory
        /// The battery is a bank of packs.
        package var isBank = false
        /// Events, the newest first.
        package var events: [Event] = []
        /// Size of the documents.
        fileprivate var bytes: Int {
            [state, limits, cells, relays, settings].reduce(0) { $0 + ($1?.payload.count ?? 0) }
        }
        /// Name in the last state, also when that state is no longer valid.
        package var name: String?
    }

    /// The valid values of a pack; none while there is a fault.
    package struct View: Sendable {
        package var status: String
        package var mode = "-"
        /// Reason why no value is valid.
        package var fault: Fault?
        package var state: JSONValue = .null
        package var limits: JSONValue = .null
        package var cells: JSONValue = .null
        package var relays: JSONValue = .null

        /// Alarms that are on, as people call them.
        package var alarmTitles: [String] {
            alarms.map { name in AlarmTable.rows.first { $0.name == name }?.title ?? name }
        }

        /// Names of the alarms that are on, sorted.
        package var alarms: [String] {
            guard case .object(let alarms)? = state["Alarms"] else { return [] }
            return alarms.filter { $0.key != "Alarm" && ($0.value.number ?? 0) > 0 }.map(\.key).sorted()
        }
    }

    /// Largest number of packs, so that a hostile broker cannot fill the memory.
    private static let maximumPacks = 1000
    /// Largest number of bytes of all documents together: those of a thousand packs are 10 MB.
    package static let mostBytes = 16 << 20
    /// Largest size of an event, bytes: a sentence, and little else.
    private static let longestEvent = 4_096
    /// Longest name, characters: settings allow half of it.
    private static let longestName = 64
    /// Longest validity of limits and measurements, from their receipt or their own time, milliseconds.
    package static let longestAge: Int64 = 30_000
    /// Longest validity of cell voltages, which come less often, milliseconds.
    private static let longestCells: Int64 = 90_000

    package let base: String
    /// Id of the only pack to show; `nil`: all packs.
    package let only: String?
    /// The time in documents is compared with this machine's clock; a demo's time runs faster.
    package let judgesTime: Bool
    package private(set) var packs: [String: Pack] = [:]
    /// Ids of packs other than the one to show.
    package private(set) var others: Set<String> = []
    package private(set) var bridge: Status?

    /// Bytes of all documents.
    private var bytes = 0
    /// Seconds of history.
    private let memory: Int64
    /// Settings are read, too.
    private let readsSettings: Bool
    /// Events that are kept of each battery.
    private let mostEvents: Int

    package init(
        base: String, only: String? = nil, judgesTime: Bool = true, memory: Int64 = 600, readsSettings: Bool = false,
        mostEvents: Int = 1
    ) {
        self.mostEvents = max(1, mostEvents)
        self.readsSettings = readsSettings
        self.memory = memory
        self.base = base
        self.only = only
        self.judgesTime = judgesTime
    }

    /// Topic filters to subscribe to.
    package var subscriptions: [String] {
        let documents = ["state", "limits", "cells", "relays", "event"] + (readsSettings ? ["settings"] : [])
        return ["\(base)/+/status"] + documents.map { "\(base)/\(only ?? "+")/\($0)" }
    }

    /// Batteries by id, the banks first: an inverter obeys them.
    package var sorted: [(id: String, pack: Pack)] {
        packs.sorted { ($0.value.isBank ? 0 : 1, $0.key) < ($1.value.isBank ? 0 : 1, $1.key) }.map {
            ($0.key, $0.value)
        }
    }

    /// The battery before or behind another in the list.
    package func neighbour(of id: String?, _ step: Int) -> String? {
        let ids = sorted.map(\.id)
        guard !ids.isEmpty else { return nil }
        let place = id.flatMap { ids.firstIndex(of: $0) } ?? 0
        return ids[(place + step + ids.count) % ids.count]
    }

    /// The bridge says that it is online.
    package var isBridgeOnline: Bool { bridge?.text == "online" }

    /// The limits that the bridge says now, for a silent battery, too; `.null`: none.
    package func limits(_ pack: Pack, at now: Instant) -> JSONValue {
        guard isBridgeOnline, let limits = pack.limits, limits.holds(now), !isHeldBack(limits, now) else {
            return .null
        }
        return limits.value
    }

    package var bridgeStatus: String { bridge?.text ?? "unknown" }

    /// Takes a message; a topic outside the layout is ignored.
    package mutating func take(
        topic: String, payload: [UInt8], isRetained: Bool = false, expiry: Int? = nil, at now: Instant
    ) {
        guard topic.hasPrefix(base + "/") else { return }
        let parts = topic.dropFirst(base.count + 1).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return }
        let id = String(parts[0])
        let text = String(decoding: payload.prefix(32), as: UTF8.self).plain
        func status(_ old: Status?) -> Status {
            old?.text == text
                ? old ?? Status(text: text, since: now.wall, isRetained: isRetained)
                : Status(text: text, since: now.wall, isRetained: isRetained)
        }
        if id == "bridge" {
            if parts[1] == "status" { bridge = status(bridge) }
            return
        }
        if let only, id != only {
            if others.count < Self.maximumPacks, !payload.isEmpty { others.insert(id) }
            return
        }
        guard packs[id] != nil || packs.count < Self.maximumPacks else { return }
        var pack = packs[id] ?? Pack(history: ReaderHistory(seconds: memory))
        func document(_ longest: Int64) -> Document? {
            JSONValue(parsing: payload).map { value in
                let age = expiry.map { min(Int64($0) * 1000, longest) } ?? longest
                return Document(
                    value: value, payload: payload, end: Instant(monotonic: now.monotonic + age, wall: now.wall + age))
            }
        }
        switch parts[1] {
        // An empty status means that the pack has left the configuration.
        case "status" where payload.isEmpty:
            bytes -= pack.bytes
            packs[id] = nil
            return
        case "status": pack.status = status(pack.status)
        case "state":
            pack.state = document(Self.longestAge)
            let name = pack.state?.value["CustomName"]?.text
            pack.name = name.map { String($0.unicodeScalars.prefix(Self.longestName)) } ?? pack.name
            if let state = pack.state?.value { pack.isBank = state["ProductName"]?.text?.hasSuffix(" bank") ?? false }
            pack.history.record(view(pack, at: now), at: now.monotonic)
        case "limits": pack.limits = document(Self.longestAge)
        case "cells": pack.cells = document(Self.longestCells)
        case "relays": pack.relays = document(Self.longestAge)
        // Retained without an end: they are true as long as the bridge says so.
        case "settings" where readsSettings: pack.settings = document(.max / 4)
        case "event":
            guard payload.count <= Self.longestEvent, let event = JSONValue(parsing: payload),
                let text = event["text"]?.text
            else { return }
            let new = Event(time: event["time"]?.number, kind: event["event"]?.text ?? "", text: text)
            pack.events = [new] + pack.events.prefix(mostEvents - 1)
        default: return
        }
        // What is too much is not taken: what was there before ends by itself.
        let change = pack.bytes - (packs[id]?.bytes ?? 0)
        guard change <= 0 || bytes + change <= Self.mostBytes else { return }
        bytes += change
        packs[id] = pack
    }

    /// The values of a pack that are valid now.
    package func view(_ pack: Pack, at now: Instant) -> View {
        var view = View(status: pack.status?.text ?? "unknown")
        view.fault = fault(pack, now)
        guard view.fault == nil else { return view }
        view.limits = pack.limits?.value ?? .null
        if let state = pack.state, state.holds(now) { view.state = state.value }
        if let cells = pack.cells, cells.holds(now) { view.cells = cells.value }
        if let relays = pack.relays, relays.holds(now) { view.relays = relays.value }
        view.mode = view.state["Info.ChargeMode"]?.text ?? view.limits["chargeState"]?.text ?? "-"
        return view
    }

    private func fault(_ pack: Pack, _ now: Instant) -> Fault? {
        guard let bridge else { return .noBridge(topic: "\(base)/bridge/status") }
        guard bridge.text == "online" else { return .bridge(bridge) }
        guard let status = pack.status else { return .noStatus }
        guard status.text == "online" else {
            let isFresh = pack.limits?.holds(now) == true
            let reason = isFresh ? pack.limits?.value["reasons.ccl"]?.text.map { String($0.prefix(200)) } : nil
            return .offline(status, reason: reason)
        }
        guard let limits = pack.limits else { return .noLimits }
        guard limits.holds(now) else { return .limitsEnded(at: limits.end.wall) }
        if isHeldBack(limits, now), let said = Self.time(limits) {
            return .heldBack(said: said, seconds: (now.wall - said) / 1000)
        }
        return nil
    }

    private func isHeldBack(_ limits: Document, _ now: Instant) -> Bool {
        judgesTime && Self.time(limits).map { now.wall - $0 > Self.longestAge } ?? false
    }

    /// Wall time that a document tells, milliseconds.
    private static func time(_ document: Document) -> Int64? {
        (document.value["time"]?.number).flatMap { $0.magnitude < 1e12 ? Int64($0 * 1000) : nil }
    }
}

extension ReaderModel {
    /// The reason why no value of a battery is valid. Times are wall times in milliseconds.
    package enum Fault: Hashable, Sendable {
        /// Nothing was heard of a bridge on its topic.
        case noBridge(topic: String)
        /// The bridge is not online.
        case bridge(Status)
        /// The bridge says nothing about the battery.
        case noStatus
        /// The battery is offline; the reason is the bridge's, where it still speaks.
        case offline(Status, reason: String?)
        case noLimits
        /// The limits were not repeated in time.
        case limitsEnded(at: Int64)
        /// The limits were held back on the way, or one of two clocks is wrong.
        case heldBack(said: Int64, seconds: Int64)

        /// The reason in words, with its time.
        ///
        /// - Parameter clock: writes a wall time.
        package func text(_ clock: (Int64) -> String) -> String {
            switch self {
            case .noBridge(let topic): "no bridge on \(topic)"
            case .bridge(let status): "bridge \(status.sinceWhen(clock))"
            case .noStatus: "no status of this pack"
            case .offline(let status, let reason): status.sinceWhen(clock) + (reason.map { ": \($0)" } ?? "")
            case .noLimits: "no limits received yet"
            case .limitsEnded(let time): "no limits since \(clock(time))"
            case .heldBack(let said, let seconds):
                "the limits are from \(clock(said)), \(seconds) s ago: they were held back on the way, or one of the two clocks is wrong"
            }
        }
    }
}

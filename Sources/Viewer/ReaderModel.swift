import BMSCore
import JSON
import BatteryEngine
import MQTTBridge

/// The last documents of a bridge, by pack, with the values that are valid now. MQTT is the only source, so the model has what any
/// other client can see, and it follows the rules of docs/safety.md for consumers.
struct MonitorModel: Sendable {
    /// Both clocks, in milliseconds.
    struct Instant: Sendable {
        var monotonic: Int64
        var wall: Int64
    }

    /// The last text of a status topic.
    struct Status: Sendable {
        var text: String
        /// Wall time of the receipt, milliseconds.
        var since: Int64
        /// The text was retained, so it may be older than its receipt.
        var isRetained: Bool

        /// Text with its time, like "offline since 14:02:31".
        var sinceWhen: String { "\(text) since \(Clock.timeOfDay(since))\(isRetained ? " or earlier" : "")" }
    }

    /// A document with the end of its validity.
    struct Document: Sendable {
        var value: JSONValue
        /// Time from which on the document is not valid.
        var end: Instant

        func holds(_ now: Instant) -> Bool { now.monotonic < end.monotonic }
    }

    struct Pack: Sendable {
        var status: Status?
        var state: Document?
        var limits: Document?
        var cells: Document?
        var relays: Document?
        /// Last minutes of what was valid.
        var history: MonitorHistory
        /// The battery is a bank of packs.
        var isBank = false
        /// Text of the newest event.
        var event: String?
        /// Name in the last state, also when that state is no longer valid.
        var name: String?
    }

    /// The valid values of a pack; none while there is a fault.
    struct View: Sendable {
        var status: String
        var mode = "-"
        /// Reason why no value is valid, with its time.
        var fault: String?
        var state: JSONValue = .null
        var limits: JSONValue = .null
        var cells: JSONValue = .null
        var relays: JSONValue = .null

        /// Alarms that are on, as people call them.
        var alarmTitles: [String] {
            alarms.map { name in AlarmTable.rows.first { $0.name == name }?.title ?? name }
        }

        /// Names of the alarms that are on, sorted.
        var alarms: [String] {
            guard case .object(let alarms)? = state["Alarms"] else { return [] }
            return alarms.filter { $0.key != "Alarm" && ($0.value.number ?? 0) > 0 }.map(\.key).sorted()
        }
    }

    /// Largest number of packs, so that a hostile broker cannot fill the memory.
    private static let maximumPacks = 1000
    /// Longest validity of limits and measurements, from their receipt or their own time, milliseconds.
    static let longestAge: Int64 = 30_000
    /// Longest validity of cell voltages, which come less often, milliseconds.
    private static let longestCells: Int64 = 90_000

    let base: String
    /// Id of the only pack to show; `nil`: all packs.
    let only: String?
    /// The time in documents is compared with this machine's clock; a demo's time runs faster.
    let judgesTime: Bool
    private(set) var packs: [String: Pack] = [:]
    /// Ids of packs other than the one to show.
    private(set) var others: Set<String> = []
    private(set) var bridge: Status?

    /// Seconds of history.
    private let memory: Int64

    init(base: String, only: String? = nil, judgesTime: Bool = true, memory: Int64 = 600) {
        self.memory = memory
        self.base = base
        self.only = only
        self.judgesTime = judgesTime
    }

    /// Topic filters to subscribe to.
    var subscriptions: [String] {
        ["\(base)/+/status"] + ["state", "limits", "cells", "relays", "event"].map { "\(base)/\(only ?? "+")/\($0)" }
    }

    /// Batteries by id, the banks first: an inverter obeys them.
    var sorted: [(id: String, pack: Pack)] {
        packs.sorted { ($0.value.isBank ? 0 : 1, $0.key) < ($1.value.isBank ? 0 : 1, $1.key) }.map {
            ($0.key, $0.value)
        }
    }

    /// The battery before or behind another in the list.
    func neighbour(of id: String?, _ step: Int) -> String? {
        let ids = sorted.map(\.id)
        guard !ids.isEmpty else { return nil }
        let place = id.flatMap { ids.firstIndex(of: $0) } ?? 0
        return ids[(place + step + ids.count) % ids.count]
    }

    var bridgeStatus: String { bridge?.text ?? "unknown" }

    /// Takes a message; a topic outside the layout is ignored.
    mutating func take(
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
        var pack = packs[id] ?? Pack(history: MonitorHistory(seconds: memory))
        func document(_ longest: Int64) -> Document? {
            JSONValue(parsing: payload).map { value in
                let age = expiry.map { min(Int64($0) * 1000, longest) } ?? longest
                return Document(
                    value: value, end: Instant(monotonic: now.monotonic + age, wall: now.wall + age))
            }
        }
        switch parts[1] {
        // An empty status means that the pack has left the configuration.
        case "status" where payload.isEmpty:
            packs[id] = nil
            return
        case "status": pack.status = status(pack.status)
        case "state":
            pack.state = document(Self.longestAge)
            pack.name = pack.state?.value["CustomName"]?.text ?? pack.name
            if let state = pack.state?.value { pack.isBank = state["ProductName"]?.text?.hasSuffix(" bank") ?? false }
            pack.history.record(view(pack, at: now), at: now.monotonic)
        case "limits": pack.limits = document(Self.longestAge)
        case "cells": pack.cells = document(Self.longestCells)
        case "relays": pack.relays = document(Self.longestAge)
        case "event": pack.event = JSONValue(parsing: payload)?["text"]?.text
        default: return
        }
        packs[id] = pack
    }

    /// The values of a pack that are valid now.
    func view(_ pack: Pack, at now: Instant) -> View {
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

    /// Reason why no value of a pack is valid; `nil`: there is none.
    private func fault(_ pack: Pack, _ now: Instant) -> String? {
        guard let bridge else { return "no bridge on \(base)/bridge/status" }
        guard bridge.text == "online" else { return "bridge \(bridge.sinceWhen)" }
        guard let status = pack.status else { return "no status of this pack" }
        guard status.text == "online" else {
            let isFresh = pack.limits?.holds(now) == true
            let reason = isFresh ? pack.limits?.value["reasons.ccl"]?.text.map { ": \($0.prefix(200))" } : nil
            return "\(status.sinceWhen)\(reason ?? "")"
        }
        guard let limits = pack.limits else { return "no limits received yet" }
        guard limits.holds(now) else { return "no limits since \(Clock.timeOfDay(limits.end.wall))" }
        if judgesTime, let time = limits.value["time"]?.number, time.magnitude < 1e12 {
            let said = Int64(time * 1000)
            if now.wall - said > Self.longestAge {
                return
                    "the limits are from \(Clock.timeOfDay(said)), \((now.wall - said) / 1000) s ago: they were held back on the "
                    + "way, or one of the two clocks is wrong"
            }
        }
        return nil
    }
}

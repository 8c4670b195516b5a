import BMSCore
import JSON
import MQTTBridge

/// What the topics of the bridge said last, by pack, and what of it can be believed now. Fed by MQTT alone: it shows what any other
/// client can see, and does what docs/safety.md asks of every consumer.
struct MonitorModel: Sendable {
    /// Both clocks, in milliseconds.
    struct Instant: Sendable {
        var monotonic: Int64
        var wall: Int64
    }

    /// A word that stays until another comes.
    struct Status: Sendable {
        var text: String
        /// Wall time of its receipt.
        var since: Int64
        /// It was there before: it holds since then or earlier.
        var isRetained: Bool

        /// "offline since 14:02:31"
        var sinceWhen: String { "\(text) since \(Clock.timeOfDay(since))\(isRetained ? " or earlier" : "")" }
    }

    /// A document with its end.
    struct Document: Sendable {
        var value: JSONValue
        /// Monotonic and wall time at which it is not believed any more.
        var end: Instant

        func holds(_ now: Instant) -> Bool { now.monotonic < end.monotonic }
    }

    struct Pack: Sendable {
        var status: Status?
        var state: Document?
        var limits: Document?
        var cells: Document?
        /// Newest event's text.
        var event: String?
        /// Name in the last state, also when that is no longer believed.
        var name: String?
    }

    /// What is valid of a pack: nothing where there is a fault.
    struct View: Sendable {
        var status: String
        var mode = "-"
        /// Why nothing is valid, and since when.
        var fault: String?
        var state: JSONValue = .null
        var limits: JSONValue = .null
        var cells: JSONValue = .null
    }

    /// Packs that are kept; a hostile broker must not fill the memory.
    private static let maximumPacks = 1000
    /// The longest that limits and measurements are believed, from their receipt or by their own time, ms.
    static let longestAge: Int64 = 30_000
    /// The same for cells, which come less often.
    private static let longestCells: Int64 = 90_000

    let base: String
    /// Only this pack; `nil`: all.
    let only: String?
    /// Documents name their time by the clock of now; a demo's does not.
    let judgesTime: Bool
    private(set) var packs: [String: Pack] = [:]
    /// Packs that there are beside the one that is asked for.
    private(set) var others: Set<String> = []
    private(set) var bridge: Status?

    init(base: String, only: String? = nil, judgesTime: Bool = true) {
        self.base = base
        self.only = only
        self.judgesTime = judgesTime
    }

    /// Topic filters to subscribe to.
    var subscriptions: [String] {
        ["\(base)/+/status"] + ["state", "limits", "cells", "event"].map { "\(base)/\(only ?? "+")/\($0)" }
    }

    /// Packs by id.
    var sorted: [(id: String, pack: Pack)] { packs.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }

    var bridgeStatus: String { bridge?.text ?? "unknown" }

    /// Takes a message; what is not of this layout is ignored.
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
        var pack = packs[id] ?? Pack()
        func document(_ longest: Int64) -> Document? {
            JSONValue(parsing: payload).map { value in
                let age = expiry.map { min(Int64($0) * 1000, longest) } ?? longest
                return Document(
                    value: value, end: Instant(monotonic: now.monotonic + age, wall: now.wall + age))
            }
        }
        switch parts[1] {
        // A status that was cleared is a pack that was taken out.
        case "status" where payload.isEmpty:
            packs[id] = nil
            return
        case "status": pack.status = status(pack.status)
        case "state":
            pack.state = document(Self.longestAge)
            pack.name = pack.state?.value["CustomName"]?.text ?? pack.name
        case "limits": pack.limits = document(Self.longestAge)
        case "cells": pack.cells = document(Self.longestCells)
        case "event": pack.event = JSONValue(parsing: payload)?["text"]?.text
        default: return
        }
        packs[id] = pack
    }

    /// What is valid of a pack now.
    func view(_ pack: Pack, at now: Instant) -> View {
        var view = View(status: pack.status?.text ?? "unknown")
        view.fault = fault(pack, now)
        guard view.fault == nil else { return view }
        view.limits = pack.limits?.value ?? .null
        if let state = pack.state, state.holds(now) { view.state = state.value }
        if let cells = pack.cells, cells.holds(now) { view.cells = cells.value }
        view.mode = view.state["Info.ChargeMode"]?.text ?? view.limits["chargeState"]?.text ?? "-"
        return view
    }

    /// Why nothing of a pack is valid; `nil`: it is.
    private func fault(_ pack: Pack, _ now: Instant) -> String? {
        guard let bridge else { return "no bridge on \(base)/bridge/status" }
        guard bridge.text == "online" else { return "bridge \(bridge.sinceWhen)" }
        guard let status = pack.status else { return "no status of this pack" }
        guard status.text == "online" else {
            let isFresh = pack.limits?.holds(now) == true
            let reason = isFresh ? pack.limits?.value["reasons.ccl"]?.text.map { ": \($0.prefix(200))" } : nil
            return "\(status.sinceWhen)\(reason ?? "")"
        }
        guard let limits = pack.limits else { return "no limits came yet" }
        guard limits.holds(now) else { return "no limits since \(Clock.timeOfDay(limits.end.wall))" }
        if judgesTime, let time = limits.value["time"]?.number, time.magnitude < 1e12 {
            let said = Int64(time * 1000)
            if now.wall - said > Self.longestAge {
                return
                    "the limits are of \(Clock.timeOfDay(said)), \((now.wall - said) / 1000) s ago: they were held back on the "
                    + "way, or one of the two clocks is wrong"
            }
        }
        return nil
    }
}

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

        /// Wall time at which the text began to hold, milliseconds; `nil`: it was retained, so nobody knows.
        package var began: Int64? { isRetained ? nil : since }

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
        /// The value as it came, on one line.
        package var payload: [UInt8]
        /// Time from which on the document is not valid.
        package var end: Instant
        /// Estimated bytes of memory.
        fileprivate let size: Int

        fileprivate init(_ value: JSONValue, _ payload: [UInt8], end: Instant) {
            self.value = value
            self.end = end
            var (values, hasLines) = (0, false)
            for byte in payload {
                switch byte {
                case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "{"), UInt8(ascii: "["): values += 1
                case UInt8(ascii: "\n"), UInt8(ascii: "\r"): hasLines = true
                default: break
                }
            }
            self.payload = hasLines ? payload.map { $0 == 10 || $0 == 13 ? 32 : $0 } : payload
            // Each value of the tree takes about as much, however short its text is.
            size = payload.count + 96 * values
        }

        package func holds(_ now: Instant) -> Bool { now.monotonic < end.monotonic }

        /// Seconds until the end; `nil`: it holds until another comes.
        package func remaining(_ now: Instant) -> Double? {
            let milliseconds = end.monotonic - now.monotonic
            return milliseconds < ReaderModel.endless / 2 ? Double(milliseconds) / 1000 : nil
        }
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
        /// Estimated bytes of documents and events.
        package var size: Int {
            [state, limits, cells, relays, settings].reduce(0) { $0 + ($1?.size ?? 0) }
                + events.reduce(0) { $0 + $1.text.utf8.count + $1.kind.utf8.count + 96 }
        }

        /// Lets go of what does not hold any more, but for the time at which limits ended.
        fileprivate mutating func forget(at now: Instant) {
            if state?.holds(now) == false { state = nil }
            if cells?.holds(now) == false { cells = nil }
            if relays?.holds(now) == false { relays = nil }
            if let limits, !limits.holds(now) { self.limits = Document(.null, [], end: limits.end) }
        }

        /// Somebody speaks for the battery, or did.
        fileprivate var isKnown: Bool {
            status != nil || state != nil || cells != nil || relays != nil || limits.map { $0.value != .null } == true
        }

        /// Name in the last state, also when that state is no longer valid.
        package var name: String?
    }

    /// The valid values of a pack; none while there is a fault.
    package struct View: Sendable {
        package var status: String
        package var isBank = false
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
    /// The usual largest estimated number of bytes of all documents and events together: those of a thousand packs take half of it.
    package static let mostBytes = 96 << 20
    /// Validity of what holds until another comes, milliseconds.
    fileprivate static let endless: Int64 = .max / 4
    /// Milliseconds between two attempts to make room.
    private static let tidying: Int64 = 1_000
    /// Largest time that a document tells, seconds since 1970: browsers know no later ones.
    private static let latest = 1e11
    /// Largest size of an event, bytes: a sentence, and little else.
    private static let longestEvent = 4_096
    /// Longest name or word of a document, characters: settings allow half of it.
    private static let longestName = 64
    /// Longest sentence of a document, characters.
    private static let longestSentence = 200
    /// Longest id of a battery, bytes: configurations allow half of it.
    private static let longestID = 64
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

    /// Estimated bytes of all documents and events.
    private var bytes = 0
    /// Monotonic time of the next attempt to make room.
    private var nextTidying: Int64 = .min
    /// Seconds of history.
    private let memory: Int64
    /// Settings are read, too.
    private let readsSettings: Bool
    /// Events that are kept of each battery.
    private let mostEvents: Int
    /// Largest estimated number of bytes of all documents and events together.
    private let room: Int

    package init(
        base: String, only: String? = nil, judgesTime: Bool = true, memory: Int64 = 600, readsSettings: Bool = false,
        mostEvents: Int = 1, room: Int = ReaderModel.mostBytes
    ) {
        self.room = room
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

    /// Takes a message.
    ///
    /// - Returns: `false`: it changed nothing, because its topic is outside the layout, it is no event, or there is no room for it.
    @discardableResult
    package mutating func take(
        topic: String, payload: [UInt8], isRetained: Bool = false, expiry: Int? = nil, at now: Instant
    ) -> Bool {
        guard topic.hasPrefix(base + "/") else { return false }
        let parts = topic.dropFirst(base.count + 1).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return false }
        let id = String(parts[0])
        // The history has the same rule. No bridge has other ids, and a list would hold each of them several times.
        guard (1...Self.longestID).contains(id.utf8.count), id.utf8.allSatisfy({ $0 > 32 && $0 != 127 }) else {
            return false
        }
        let text = String(decoding: payload.prefix(32), as: UTF8.self).plain
        func status(_ old: Status?) -> Status {
            old?.text == text
                ? old ?? Status(text: text, since: now.wall, isRetained: isRetained)
                : Status(text: text, since: now.wall, isRetained: isRetained)
        }
        if id == "bridge" {
            if parts[1] == "status" { bridge = status(bridge) }
            return parts[1] == "status"
        }
        if let only, id != only {
            if others.count < Self.maximumPacks, !payload.isEmpty { others.insert(id) }
            return false
        }
        if packs[id] == nil, packs.count >= Self.maximumPacks { makeRoom(at: now) }
        guard packs[id] != nil || packs.count < Self.maximumPacks else { return false }
        var pack = packs[id] ?? Pack(history: ReaderHistory(seconds: memory))
        func document(_ longest: Int64) -> Document? {
            JSONValue(parsing: payload).map { value in
                let age = expiry.map { min(Int64($0) * 1000, longest) } ?? longest
                return Document(
                    value, payload, end: Instant(monotonic: now.monotonic + age, wall: now.wall + age))
            }
        }
        switch parts[1] {
        // An empty status means that the pack has left the configuration.
        case "status" where payload.isEmpty:
            bytes -= pack.size
            packs[id] = nil
            return true
        case "status": pack.status = status(pack.status)
        case "state":
            pack.state = document(Self.longestAge)
            pack.name = Self.name(pack.state?.value["CustomName"]) ?? pack.name
            if let state = pack.state?.value { pack.isBank = state["ProductName"]?.text?.hasSuffix(" bank") ?? false }
            pack.history.record(view(pack, at: now), at: now.monotonic)
        case "limits": pack.limits = document(Self.longestAge)
        case "cells": pack.cells = document(Self.longestCells)
        case "relays": pack.relays = document(Self.longestAge)
        // Retained without an end: they are true as long as the bridge says so.
        case "settings" where readsSettings: pack.settings = document(Self.endless)
        case "event":
            guard payload.count <= Self.longestEvent, let event = JSONValue(parsing: payload),
                let text = event["text"]?.text
            else { return false }
            let time = event["time"]?.number.flatMap { $0.magnitude < Self.latest ? $0 : nil }
            let new = Event(time: time, kind: event["event"]?.text ?? "", text: text)
            pack.events = [new] + pack.events.prefix(mostEvents - 1)
        default: return false
        }
        if bytes + pack.size - (packs[id]?.size ?? 0) > room {
            makeRoom(at: now)
            pack.forget(at: now)
        }
        // What is too much is not taken: what was there before ends by itself.
        let change = pack.size - (packs[id]?.size ?? 0)
        guard change <= 0 || bytes + change <= room else { return false }
        bytes += change
        packs[id] = pack
        return true
    }

    /// Lets go of documents that do not hold any more, and of batteries for which nobody speaks, now and then.
    private mutating func makeRoom(at now: Instant) {
        guard now.monotonic >= nextTidying else { return }
        nextTidying = now.monotonic + Self.tidying
        for (id, var pack) in packs {
            pack.forget(at: now)
            packs[id] = pack.isKnown ? pack : nil
        }
        bytes = packs.values.reduce(0) { $0 + $1.size }
    }

    /// Ids of the packs that the limits of a bank name.
    package func members(of pack: Pack) -> Set<String> {
        guard pack.isBank, let constraints = pack.limits?.value["constraints"]?.array else { return [] }
        return Set(
            constraints.compactMap { constraint in
                let name = constraint["name"]?.text?.split(separator: ":", maxSplits: 1) ?? []
                return name.count == 2 && packs[String(name[1])] != nil ? String(name[1]) : nil
            })
    }

    /// The values of a pack that are valid now.
    package func view(_ pack: Pack, at now: Instant) -> View {
        var view = View(status: pack.status?.text ?? "unknown", isBank: pack.isBank)
        view.fault = fault(pack, now)
        guard view.fault == nil else { return view }
        view.limits = pack.limits?.value ?? .null
        if let state = pack.state, state.holds(now) { view.state = state.value }
        if let cells = pack.cells, cells.holds(now) { view.cells = cells.value }
        if let relays = pack.relays, relays.holds(now) { view.relays = relays.value }
        view.mode = Self.name(view.state["Info.ChargeMode"]) ?? Self.name(view.limits["chargeState"]) ?? "-"
        return view
    }

    /// A name or a word, cut where it is too long.
    static func name(_ value: JSONValue?) -> String? {
        (value?.text).map { String($0.unicodeScalars.prefix(longestName)) }
    }

    /// A sentence, cut where it is too long.
    private static func sentence(_ value: JSONValue?) -> String? {
        (value?.text).map { String($0.unicodeScalars.prefix(longestSentence)) }
    }

    private func fault(_ pack: Pack, _ now: Instant) -> Fault? {
        guard let bridge else { return .noBridge(topic: "\(base)/bridge/status") }
        guard bridge.text == "online" else { return .bridge(bridge) }
        guard let status = pack.status else { return .noStatus }
        guard status.text == "online" else {
            let isFresh = pack.limits?.holds(now) == true
            let reason = isFresh ? Self.sentence(pack.limits?.value["reasons.ccl"]) : nil
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

import JSONInput
import MQTTBridge

/// What the topics of the bridge said last, by pack. Fed by MQTT alone: it shows what any other client can see.
struct MonitorModel: Sendable {
    struct Pack: Sendable {
        var status = "unknown"
        var state: JSONValue?
        var limits: JSONValue?
        var cells: JSONValue?
        /// Newest event's text.
        var event: String?
    }

    /// Packs that are kept; a hostile broker must not fill the memory.
    private static let maximumPacks = 1000

    let base: String
    /// Only this pack; `nil`: all.
    let only: String?
    private(set) var packs: [String: Pack] = [:]
    private(set) var bridgeStatus = "unknown"

    init(base: String, only: String? = nil) {
        self.base = base
        self.only = only
    }

    /// Topic filters to subscribe to.
    var subscriptions: [String] {
        ["\(base)/bridge/status"]
            + ["status", "state", "limits", "cells", "event"].map { "\(base)/\(only ?? "+")/\($0)" }
    }

    /// Packs by id.
    var sorted: [(id: String, pack: Pack)] { packs.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }

    /// Takes a message; what is not of this layout is ignored.
    mutating func take(topic: String, payload: [UInt8]) {
        guard topic.hasPrefix(base + "/") else { return }
        let parts = topic.dropFirst(base.count + 1).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return }
        let id = String(parts[0])
        let text = String(decoding: payload.prefix(32), as: UTF8.self)
        if id == "bridge" {
            if parts[1] == "status" { bridgeStatus = text }
            return
        }
        guard packs[id] != nil || packs.count < Self.maximumPacks else { return }
        var pack = packs[id] ?? Pack()
        switch parts[1] {
        case "status": pack.status = text
        case "state": pack.state = JSONValue(parsing: payload)
        case "limits": pack.limits = JSONValue(parsing: payload)
        case "cells": pack.cells = JSONValue(parsing: payload)
        case "event": pack.event = JSONValue(parsing: payload)?["text"]?.text
        default: return
        }
        packs[id] = pack
    }
}

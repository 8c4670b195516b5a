package import JSON

/// Everything that a page shows of one battery, as JSON.
package enum BatteryDetails {
    /// The row, the documents that are valid now, and the newest events.
    package static func json(
        _ id: String, _ pack: ReaderModel.Pack, _ model: ReaderModel, at now: ReaderModel.Instant,
        members: (inout JSONWriter) -> Void = { _ in }
    ) -> [UInt8] {
        var writer = JSONWriter(reserving: 16_384)
        writer.beginObject()
        writer.member("time", seconds: now.wall)
        members(&writer)
        writer.key("row")
        BatteryRow(id, pack, model, at: now).write(into: &writer)
        writer.key("documents")
        writer.beginObject()
        for name in documentNames {
            writer.key(name)
            if let document = document(name, pack, model, at: now) {
                writer.element(document.payload)
            } else {
                writer.null()
            }
        }
        writer.endObject()
        writer.key("holds")
        writer.beginObject()
        for name in documentNames {
            writer.member(name, optional: document(name, pack, model, at: now)?.remaining(now))
        }
        writer.endObject()
        writer.key("events")
        writer.beginArray()
        for event in pack.events { event.write(into: &writer) }
        writer.endArray()
        writer.endObject()
        return writer.bytes
    }

    /// Names of the documents.
    package static let documentNames = ["state", "limits", "cells", "relays", "settings"]

    /// News of a document, with the seconds for which it holds from now on.
    package static func news(
        _ id: String, _ name: String, _ pack: ReaderModel.Pack, _ model: ReaderModel, at now: ReaderModel.Instant
    ) -> [UInt8] {
        let document = document(name, pack, model, at: now)
        var writer = JSONWriter(reserving: 256 + (document?.payload.count ?? 0))
        writer.beginObject()
        writer.member("battery", id)
        writer.member("name", name)
        writer.key("document")
        if let document { writer.element(document.payload) } else { writer.null() }
        writer.member("holds", optional: document?.remaining(now))
        writer.endObject()
        return writer.bytes
    }

    /// A document; `nil` where it is not valid now.
    package static func document(
        _ name: String, _ pack: ReaderModel.Pack, _ model: ReaderModel, at now: ReaderModel.Instant
    ) -> ReaderModel.Document? {
        let document =
            switch name {
            case "state": pack.state
            case "limits": pack.limits
            case "cells": pack.cells
            case "relays": pack.relays
            default: pack.settings
            }
        // What a silent battery's bridge says about limits and relays is what it asks for now.
        let isSaid = model.isBridgeOnline
        let isValid = ["state", "cells"].contains(name) ? model.view(pack, at: now).fault == nil : isSaid
        guard let document, isValid, document.holds(now) else { return nil }
        if name == "limits", model.limits(pack, at: now) == .null { return nil }
        return document
    }
}

extension ReaderModel.Event {
    /// Writes the event as a value.
    package func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("time", optional: time)
        writer.member("event", kind)
        writer.member("text", text)
        writer.endObject()
    }
}

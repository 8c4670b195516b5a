import BatteryEngine
import BMSCore
import ChargeLimits
import JSON

/// The JSON Schemas of the documents, from the tables that the documents are made from. docs/schemas/ has them as files.
public enum DocumentSchema: String, CaseIterable, Sendable {
    case state, cells, limits, settings, relays, result, event, gx
    /// The object of several settings that somebody commands.
    case set

    /// The schema as JSON, indented.
    public var text: String {
        var writer = JSONWriter(reserving: 16_384)
        writer.beginObject()
        writer.member("$schema", "https://json-schema.org/draft/2020-12/schema")
        writer.member("title", "<base>/<pack>/\(rawValue)")
        writer.member("description", meaning)
        schema.write(&writer)
        writer.endObject()
        return JSONLayout.indented(writer.bytes)
    }

    private var meaning: String {
        switch self {
        case .state: "A whole pack or bank. Flags are 0 and 1, alarms 0, 1 and 2; unknown is null."
        case .cells: "Every cell of a pack."
        case .limits: "CVL, CCL and DCL with their reasons and every constraint."
        case .settings: "The settings of a pack, with bounds and origin."
        case .relays: "The relays of a pack, by name."
        case .result: "The answer to a command."
        case .event: "Something that happened."
        case .gx: "The document for dbus-mqtt-battery on a Victron GX."
        case .set: "A command for one or more settings; relays have the name relay/<name>."
        }
    }

    private var schema: Schema {
        switch self {
        case .state: Self.stateSchema
        case .cells: Self.cellsSchema
        case .limits: Self.limitsSchema
        case .settings: Self.settingsSchema
        case .relays: Self.relaysSchema
        case .result:
            .object([
                ("setting", .text("Name of the setting, as the client wrote it.")),
                ("value", .type(["string", "null"], "The value as the client wrote it.")),
                ("accepted", .flag()), ("reason", .text("A sentence.")),
                ("effective", .type(["number", "string", "null"], "The value in force afterwards.")), ("time", .time),
            ])
        case .event: .object([("event", .text("Kind of event.")), ("text", .text("A sentence.")), ("time", .time)])
        case .gx: Self.gxSchema
        case .set: Self.setSchema
        }
    }

    private static func schema(_ row: Metric) -> Schema {
        let words = [row.entity?.name, row.unit.isEmpty ? nil : row.unit].compactMap(\.self)
        return Schema(row.shape, words.isEmpty ? nil : words.joined(separator: ", "))
    }

    private static var stateSchema: Schema {
        .nested(MetricCatalogue.state.map { ($0.keys, schema($0)) } + [(["time"], .time)])
    }

    private static func cells(_ row: CellMetric) -> Schema {
        .object([], rest: Schema(row.shape, row.unit.isEmpty ? nil : row.unit))
    }

    private static var cellsSchema: Schema {
        .object(CellTable.rows.map { ($0.group, cells($0)) } + [("time", .time)])
    }

    private static var limitsSchema: Schema {
        let kinds = LimitKind.allCases.map(\.rawValue)
        let constraint = Schema.object([
            ("limit", .words(kinds, isKnown: true, nil)), ("name", .text("Name of the rule.")),
            ("value", .number("The bound: V for cvl, A for ccl and dcl.")),
            ("text", .text("The reason as a sentence.")),
        ])
        return .object(
            kinds.map { ($0, .number($0 == LimitKind.cvl.rawValue ? "V" : "A")) } + [
                ("chargeState", .words(ChargeState.allCases.map(\.rawValue), isKnown: true, nil)),
                ("chargeRequest", .flag()), ("reasons", .object(kinds.map { ($0, .text()) })),
                ("names", .object(kinds.map { ($0, .type(["string", "null"], "Name of the rule of the reason.")) })),
                ("constraints", .array(constraint)), ("time", .time),
            ])
    }

    private static let origin: [(name: String, schema: Schema)] = [
        ("setBy", .words(["file", "command"], isKnown: true, nil)),
        ("setAt", .knownNumber("Seconds since 1970, of a command.")),
    ]

    private static func setting(_ row: SettingRow) -> Schema? {
        switch row.kind {
        case .number(let unit, _, _):
            .object(
                [("value", .number(unit)), ("unit", .text()), ("min", .number()), ("max", .number())] + origin,
                optional: ["setAt"])
        case .flag: .object([("value", .words(["ON", "OFF"], isKnown: true, nil))] + origin, optional: ["setAt"])
        case .word(let words):
            .object(
                [("value", .words(words, isKnown: true, nil)), ("options", .array(.text()))] + origin,
                optional: ["setAt"])
        case .text: .object([("value", .text())] + origin, optional: ["setAt"])
        case .button: nil
        }
    }

    private static var settingsSchema: Schema {
        let relay = Schema.object(
            [("value", .words(["auto", "off", "on"], isKnown: true, nil)), ("options", .array(.text()))] + origin,
            optional: ["setAt"])
        return .object(SettingsTable.rows.compactMap { row in setting(row).map { (row.name, $0) } }, rest: relay)
    }

    private static var relaysSchema: Schema {
        .object(
            [],
            rest: .object([
                ("function", .words(RelayOptions.Function.allCases.map(\.rawValue), isKnown: true, nil)),
                ("command", .text("auto, off or on.")),
                ("closed", .type(["boolean", "null"], "As commanded.")),
                ("readBack", .type(["boolean", "null"], "As the device reports it.")), ("alarm", .flag()),
                ("reason", .text()), ("since", .number("Seconds since 1970.")), ("faults", .type(["integer"], nil)),
                ("reopened", .type(["integer"], nil)),
            ]))
    }

    private static var gxSchema: Schema {
        let known: Set<GXUse> = [.voltage, .current, .power, .soc]
        var rows: [(keys: [String], schema: Schema)] = MetricCatalogue.state.compactMap { row in
            guard let use = row.gx else { return nil }
            return (row.keys, known.contains(use) ? .knownNumber(row.unit) : schema(row))
        }
        let voltages = rows.firstIndex { $0.keys[0] == CellTable.voltage.group } ?? rows.endIndex
        let numbers = 1...GXDocument.cells
        rows.insert(
            contentsOf: numbers.map { ([CellTable.voltage.group, "Cell\($0)"], Schema.number("V")) }, at: voltages)
        rows += numbers.map { ([CellTable.balance.group, "Cell\($0)"], Schema(CellTable.balance.shape, nil)) }
        return .nested(rows).withOptional(Set(numbers.map { "Cell\($0)" }))
    }

    private static var setSchema: Schema {
        let members = SettingsTable.rows.map { row -> (name: String, schema: Schema) in
            let schema: Schema =
                switch row.kind {
                case .number(let unit, _, _): .type(["number", "string"], "\(row.meaning) Unit: \(unit).")
                case .flag: .type(["boolean", "integer", "string"], row.meaning)
                case .word(let words): .type(["string"], "\(words.joined(separator: ", ")). \(row.meaning)")
                case .text: .type(["string", "number"], row.meaning)
                case .button: .type(["string", "number", "boolean"], row.meaning)
                }
            return (row.name, schema)
        }
        return .object(
            members, optional: Set(members.map(\.name)), rest: .type(["string", "number", "boolean"], "relay/<name>"))
    }
}

extension Schema {
    /// The schema, with members of these names, and objects of nothing else, that may be missing, at every depth.
    fileprivate func withOptional(_ names: Set<String>) -> Schema {
        guard case .object(let members, let optional, let rest) = self else { return self }
        let missing = members.filter { names.contains($0.name) || $0.schema.isMade(of: names) }.map(\.name)
        return .object(
            members.map { ($0.name, $0.schema.withOptional(names)) }, optional: optional.union(missing), rest: rest)
    }

    private func isMade(of names: Set<String>) -> Bool {
        guard case .object(let members, _, _) = self else { return false }
        return members.allSatisfy { names.contains($0.name) }
    }
}

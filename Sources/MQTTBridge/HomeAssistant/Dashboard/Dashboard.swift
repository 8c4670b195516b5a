import BMSCore
import BatteryEngine

/// A dashboard of Home Assistant for a pack or a bank, as YAML for its raw configuration editor: built-in cards only.
///
/// The views are texts with two kinds of marks: `{id}`, for the battery's part of entity ids, and others in braces; and `[[words]]` that the
/// language translates.
public struct Dashboard: Sendable {
    private let id: String
    private let name: String
    private let language: Language
    private let kind: Kind

    /// The part in which packs and banks differ.
    private enum Kind: Sendable {
        case pack(cells: Int?, relays: [String])
        case bank(packs: [String])
    }

    /// The dashboard of a pack.
    ///
    /// - Parameters:
    ///   - cells: number of cells; `nil`: as many as have entities, which the page finds out each time.
    ///   - relays: names of the relays that the bridge drives.
    public init(pack id: String, name: String, language: Language, cells: Int? = nil, relays: [String] = []) {
        (self.id, self.name, self.language) = (id, name, language)
        kind = .pack(cells: cells, relays: relays)
    }

    /// The dashboard of a bank.
    ///
    /// - Parameter packs: ids of its packs.
    public init(bank id: String, name: String, language: Language, packs: [String]) {
        (self.id, self.name, self.language) = (id, name, language)
        kind = .bank(packs: packs)
    }

    /// The dashboard as YAML.
    public var yaml: String {
        var text =
            "# Home Assistant: Settings, Dashboards, Add dashboard; then Edit, Raw configuration editor. For Home Assistant 2025.11 and later.\n"
            + "title: \"\(escapedName)\"\nviews:\n"
        text += filled(DashboardViews.overview)
        for flow in [Self.inflow, Self.outflow] { text += filled(DashboardViews.flow, flow) }
        text += filled(DashboardViews.day)
        switch kind {
        case .pack(let cells, let relays):
            text += filled(DashboardViews.cells, ["keys": Self.keys(cells)])
            text += filled(DashboardViews.limits)
            text += filled(DashboardViews.settings)
            if !relays.isEmpty {
                text += filled(DashboardViews.relays)
                for relay in relays { text += filled(DashboardViews.relay, ["relay": Topics.entityID(relay)]) }
            }
        case .bank(let packs):
            for pack in packs { text += filled(DashboardViews.pack, ["pack": Topics.entityID(pack)]) }
            text += filled(DashboardViews.limits)
        }
        return text
    }

    /// The template's list of the cells' voltages.
    private static func keys(_ cells: Int?) -> String {
        guard let cells else {
            return
                "device_entities(device_id('sensor.{id}_soc')) | select('match', 'sensor.{id}_cell_[0-9]+_voltage') | sort | list"
        }
        let digits = max(3, String(cells).count)
        return "namespace(all=[]) %}{% for n in range(1, \(cells + 1)) %}{% set keys.all = keys.all + "
            + "['sensor.{id}_cell_%0\(digits)d_voltage' % n] %}{% endfor %}{% set keys = keys.all"
    }

    private static let inflow = [
        "heading": "Sun", "icon": "mdi:solar-power", "way": "charge", "arrow": "up", "end": "in", "color": "amber",
    ]
    private static let outflow = [
        "heading": "Load", "icon": "mdi:power-plug", "way": "discharge", "arrow": "down", "end": "out", "color": "blue",
    ]

    /// A view with its marks filled in.
    private func filled(_ view: String, _ marks: [String: String] = [:]) -> String {
        var text = view.replacing("          {banner}\n", with: DashboardViews.banner)
        for (mark, value) in marks { text = text.replacing("{\(mark)}", with: value) }
        text = text.replacing("{id}", with: Topics.entityID(id))
        while let start = text.firstRange(of: "[["), let end = text[start.upperBound...].firstRange(of: "]]") {
            let words = language.name(String(text[start.upperBound..<end.lowerBound]), nil)
            text.replaceSubrange(start.lowerBound..<end.upperBound, with: words)
        }
        // Last: a name may look like a mark.
        return text.replacing("{name}", with: escapedName)
    }

    /// The name as YAML has it in double quotes.
    private var escapedName: String { name.substituting { $0 == "\\" || $0 == "\"" ? "\\\($0)" : nil } }
}

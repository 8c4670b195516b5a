import HistoryData
import JSON
import Viewer

/// What the history takes of documents.
enum HistoryIntake {
    private static let paths: [(HistoryValue, String)] = [
        (.soc, "Soc"), (.voltage, "Dc.Voltage"), (.current, "Dc.Current"), (.power, "Dc.Power"),
        (.lowestCell, "System.MinCellVoltage"), (.highestCell, "System.MaxCellVoltage"),
        (.lowestTemperature, "System.MinCellTemperature"), (.highestTemperature, "System.MaxCellTemperature"),
        (.resistance, "Info.InternalResistance"),
    ]

    /// Seconds by which a bridge's clock may differ from this machine's, or an event be late.
    private static let longestDifference = 86_400.0

    /// A sample of what is valid; `nil`: nothing is.
    static func sample(_ view: ReaderModel.View, at time: Double) -> HistorySample? {
        guard view.fault == nil, view.state != .null else { return nil }
        var values: [HistoryValue: Double] = [:]
        for (value, path) in paths { values[value] = view.state[path]?.number }
        for (value, name) in [(HistoryValue.cvl, "cvl"), (.ccl, "ccl"), (.dcl, "dcl")] {
            values[value] = view.limits[name]?.number
        }
        // The counter of a bank has steps of one kWh for each of its packs: too coarse.
        func lifetime(_ path: String) -> Double? { view.isBank ? nil : view.state[path]?.number }
        return HistorySample(
            time: time, values: values, energyIn: view.state["Energy.InToday"]?.number,
            energyOut: view.state["Energy.OutToday"]?.number, lifetimeIn: lifetime("Energy.In"),
            lifetimeOut: lifetime("Energy.Out"), chargeState: view.limits["chargeState"]?.text,
            cells: cells(view.cells["Voltages"]), temperatures: cells(view.cells["Temperatures"]))
    }

    /// The limits with their reasons.
    static func changes(_ limits: JSONValue, at time: Double) -> [LimitChange] {
        guard limits != .null else { return [] }
        return ["cvl", "ccl", "dcl"].map { limit in
            LimitChange(
                time: time, limit: limit, value: limits[limit]?.number, name: limits["names.\(limit)"]?.text ?? "",
                sentence: limits["reasons.\(limit)"]?.text ?? "")
        }
    }

    /// An event with the time that it tells, if that is near the time of its receipt: lists of events have room for the newest alone, and
    /// false ones of another year would take it from the true ones.
    static func event(_ event: ReaderModel.Event, at time: Double) -> HistoryEvent {
        let said = event.time.flatMap { abs($0 - time) <= longestDifference ? $0 : nil }
        return HistoryEvent(time: said ?? time, kind: event.kind, text: event.text)
    }

    private static func cells(_ value: JSONValue?) -> [Double?] {
        guard case .object(let members)? = value else { return [] }
        var cells: [Double?] = []
        while cells.count < 255, let cell = members["Cell\(cells.count + 1)"] { cells.append(cell.number) }
        return cells
    }
}

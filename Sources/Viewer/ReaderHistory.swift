import JSON

/// The last minutes of a battery, as the viewer has seen them.
package struct ReaderHistory: Sendable {
    /// A value that is followed.
    package enum Row: String, CaseIterable, Sendable {
        case power, cvl, ccl, dcl, spread

        package var title: String { self == .power || self == .spread ? rawValue : rawValue.uppercased() }
        package var unit: String { ["power": "W", "cvl": "V", "spread": "mV"][rawValue] ?? "A" }
        package var decimals: Int { self == .cvl ? 2 : self == .ccl || self == .dcl ? 1 : 0 }
    }

    /// Number of samples that are kept.
    package static let count = 60

    /// Seconds that the history holds.
    package let seconds: Int64
    private var samples: [(at: Int64, values: [Row: Double])] = []

    package init(seconds: Int64) { self.seconds = seconds }

    /// Takes the values of now, unless the last sample is too young.
    package mutating func record(_ view: ReaderModel.View, at now: Int64) {
        guard samples.last.map({ now - $0.at >= seconds * 1000 / Int64(Self.count) }) ?? true else { return }
        var values: [Row: Double] = [:]
        values[.power] = view.state["Dc.Power"]?.number
        for row in [Row.cvl, .ccl, .dcl] { values[row] = view.limits[row.rawValue]?.number }
        if let low = view.state["System.MinCellVoltage"]?.number, let high = view.state["System.MaxCellVoltage"]?.number
        {
            values[.spread] = (high - low) * 1000
        }
        samples.append((now, values.filter { $0.value.magnitude < 1e9 }))
        samples.removeAll { now - $0.at > seconds * 1000 }
    }

    /// The values of a row, the oldest first; `nil`: unknown at that time.
    package func values(_ row: Row) -> [Double?] { samples.map { $0.values[row] } }
}

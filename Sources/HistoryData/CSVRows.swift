/// Rows of a level as lines of a CSV file, with a comma between fields and a point before decimals.
package struct CSVRows: Sendable {
    private let cells: Int

    /// Lines that end with a field for each of so many cells.
    package init(cells: Int) { self.cells = cells }

    /// The number of cells in a row.
    package static func cells(_ bytes: [UInt8]) -> Int {
        var bucket = Bucket()
        BucketCode.add(bytes, to: &bucket)
        return bucket.cells.count
    }

    /// The names of the fields.
    package var header: String {
        let values = HistoryValue.allCases.flatMap { ["\($0.name)_min", "\($0.name)_mean", "\($0.name)_max"] }
        let cells = (0..<cells).map { "cell_\($0 + 1)" }
        return (["time", "utc"] + values + ["energy_in_wh", "energy_out_wh"] + cells).joined(separator: ",")
    }

    /// A line; what is unknown is an empty field.
    package func line(_ bytes: [UInt8], at time: Int) -> String {
        var bucket = Bucket()
        BucketCode.add(bytes, to: &bucket)
        var fields = [String(time), Self.utc(time)]
        for value in HistoryValue.allCases {
            let tally = bucket[value]
            let wholes = tally.mean.map { [tally.low, $0, tally.high] }
            fields += wholes?.map(value.step.text) ?? ["", "", ""]
        }
        fields += bucket.knowsEnergy ? [String(bucket.energyIn), String(bucket.energyOut)] : ["", ""]
        for index in 0..<cells {
            let mean = index < bucket.cells.count ? bucket.cells[index].mean : nil
            fields.append(mean.map(Step.thousandths.text) ?? "")
        }
        return fields.joined(separator: ",")
    }

    /// A time as the column `utc` has it.
    package static func utc(_ time: Int) -> String {
        let date = LocalDays.date(time / 86_400)
        let second = time % 86_400
        let parts = [date.month, date.day, second / 3600, second / 60 % 60, second % 60].map {
            $0 < 10 ? "0\($0)" : String($0)
        }
        return "\(date.year)-\(parts[0])-\(parts[1])T\(parts[2]):\(parts[3]):\(parts[4])Z"
    }
}

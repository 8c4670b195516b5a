/// Rest (open-circuit) voltage of a cell against its state of charge, 0 = empty, 1 = full; straight lines between
/// knots, and beyond the ends.
struct RestVoltageCurve: Sendable {
    private static let first = -0.05
    private static let step = 0.005
    /// Voltages on an even grid, which all knots lie on, so that a look-up needs no search.
    private let volts: [Double]

    /// - Parameter knots: state of charge and volts, both rising, on multiples of 0.005 from -0.05.
    init(_ knots: KeyValuePairs<Double, Double>) {
        var volts: [Double] = []
        for (left, right) in zip(knots, knots.dropFirst()) {
            let steps = nearest((right.key - left.key) / Self.step)
            for index in 0..<steps {
                volts.append(left.value + (right.value - left.value) * Double(index) / Double(steps))
            }
        }
        volts.append(knots.last?.value ?? 0)
        self.volts = volts
    }

    /// Volts at a state of charge.
    func volts(at soc: Double) -> Double {
        let (index, offset) = place(of: soc)
        return volts[index] + (volts[index + 1] - volts[index]) * offset
    }

    /// Volts per unit of state of charge.
    func slope(at soc: Double) -> Double {
        let index = place(of: soc).index
        return (volts[index + 1] - volts[index]) / Self.step
    }

    /// State of charge at which the cell rests at `voltage`, within the knots.
    func soc(at voltage: Double) -> Double {
        let above = volts.firstIndex { $0 >= voltage } ?? volts.count - 1
        let index = max(above - 1, 0)
        let share = (voltage - volts[index]) / (volts[index + 1] - volts[index])
        return Self.first + (Double(index) + min(max(share, 0), 1)) * Self.step
    }

    private func place(of soc: Double) -> (index: Int, offset: Double) {
        let position = (soc - Self.first) / Self.step
        let index = Int(min(max(position, 0), Double(volts.count - 2)))
        return (index, position - Double(index))
    }
}

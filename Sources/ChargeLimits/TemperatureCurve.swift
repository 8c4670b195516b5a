public import BMSCore

/// Current against temperature: straight lines between points, flat outside them.
public struct TemperatureCurve: Hashable, Sendable {
    /// One point.
    public struct Point: Hashable, Sendable {
        /// Thousandths of a degree Celsius.
        public var temperature: Millidegrees
        /// Thousandths of the capacity per hour.
        public var rate: Int

        /// A point of a curve.
        public init(_ temperature: Millidegrees, rate: Int) {
            self.temperature = temperature
            self.rate = rate
        }
    }

    private let points: [Point]

    /// Creates a curve from points by rising temperature.
    ///
    /// - Returns: `nil` for fewer than two points, a temperature that does not rise, a rate below 0 or above 10 C, and for
    ///   rates that rise again after they fell: such a curve has a hole that nobody means.
    public init?(points: [Point]) {
        var isFalling = false
        for (low, high) in zip(points, points.dropFirst()) {
            guard low.temperature < high.temperature, !(isFalling && high.rate > low.rate) else { return nil }
            isFalling = isFalling || high.rate < low.rate
        }
        guard points.count >= 2, points.allSatisfy({ (0...10_000).contains($0.rate) }) else { return nil }
        self.points = points
    }

    /// Creates a curve from points in whole degrees Celsius and thousandths of the capacity per hour, by rising temperature.
    init(_ points: [(Int, Int)]) {
        self.points = points.map { Point(Millidegrees($0.0 * 1000), rate: $0.1) }
    }

    /// Thousandths of the capacity per hour at a temperature.
    func rate(at temperature: Millidegrees) -> Int {
        guard let first = points.first, let last = points.last else { return 0 }
        if temperature <= first.temperature { return first.rate }
        for index in points.indices.dropFirst() where temperature <= points[index].temperature {
            let (low, high) = (points[index - 1], points[index])
            let share = (temperature - low.temperature).rawValue
            return low.rate + (high.rate - low.rate) * share / (high.temperature - low.temperature).rawValue
        }
        return last.rate
    }

    /// The curve cut to the window that is set in the BMS: a line over 5 K from 0 at Tmin, and one to 0 at 1 K below
    /// Tmax, so that the taper and not the relay ends the current. The plateau between them stays as it is.
    ///
    /// Example: 0.5 C from 15 to 45 degC and 0.12 C at 50, Tmax 50: 0.5 C up to 44 degC, 0.2 C at 47 degC, 0 at 49 degC.
    func rate(at temperature: Millidegrees, within minimum: Millidegrees?, _ maximum: Millidegrees) -> Int {
        let peak = points.map(\.rate).max() ?? 0
        func line(_ distance: Millidegrees) -> Int { max(0, min(peak, peak * distance.rawValue / Self.taper)) }
        let warm = line(maximum - Millidegrees(1000) - temperature)
        let cold = minimum.map { line(temperature - $0) } ?? peak
        return min(rate(at: temperature), warm, cold)
    }

    /// Width of the taper, thousandths of a degree.
    private static let taper = 5_000
}

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

    /// Points by rising temperature.
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

    /// Points as whole degrees Celsius and thousandths of the capacity per hour, by rising temperature.
    init(_ points: [(Int, Int)]) {
        self.points = points.map { Point(Millidegrees($0.0 * 1000), rate: $0.1) }
    }

    private init(sound points: [Point]) { self.points = points }

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

    /// The curve inside the window that the BMS has: zero at Tmin and from 1 K below Tmax on, so that the taper and
    /// not the relay ends the current.
    func within(_ minimum: Millidegrees?, _ maximum: Millidegrees) -> TemperatureCurve {
        guard let first = points.first, let last = points.last else { return self }
        let low = max(first.temperature, minimum ?? first.temperature)
        let high = min(last.temperature, maximum - Millidegrees(1000))
        guard low < high else { return TemperatureCurve([(0, 0)]) }
        let inner = points.filter {
            $0.temperature > low + Millidegrees(900) && $0.temperature < high - Millidegrees(1000)
        }
        return TemperatureCurve(sound: [Point(low, rate: 0)] + inner + [Point(high, rate: 0)])
    }
}

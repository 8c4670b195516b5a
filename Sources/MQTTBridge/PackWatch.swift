import BMSCore
import ChargeLimits

/// What is told once about a pack: the chemistry that was inferred, another number of cells, balancing that was given up.
struct PackWatch: Hashable, Sendable {
    /// One piece of news.
    struct News: Hashable {
        var kind: String
        var level: Notice.Level
        var text: String
    }

    private var chemistry: Chemistry??
    private var cells: Int?
    private var isStalled = false

    mutating func step(_ snapshot: PackSnapshot, _ limits: Limits?, isConfigured: Bool) -> [News] {
        guard let settings = snapshot.settings else { return [] }
        var news: [News] = []
        if let cells, cells != settings.cellCount {
            let text = "the number of cells changed from \(cells) to \(settings.cellCount), charging waits a minute"
            news.append(News(kind: "cellCount", level: .warning, text: text))
        }
        cells = settings.cellCount
        if !isConfigured, chemistry != .some(snapshot.chemistry) {
            chemistry = .some(snapshot.chemistry)
            news.append(Self.chemistry(snapshot.chemistry, settings))
        }
        let stalled = limits?.isBalancingStalled ?? false
        if stalled && !isStalled {
            let text = "balancing gained nothing in 24 h of trying and was ended: look at the lowest cell"
            news.append(News(kind: "balancing", level: .warning, text: text))
        }
        isStalled = stalled
        return news
    }

    private static func chemistry(_ chemistry: Chemistry?, _ settings: PackSettings) -> News {
        let volts = [settings.minimumVoltage, settings.balanceVoltage].map {
            "\(FixedPoint.text(thousandths: $0.rawValue, decimals: 3)) V"
        }
        let thresholds = "Vmin \(volts[0]) and Vbalance \(volts[1])"
        guard let chemistry else {
            let text = "\(thresholds) fit no chemistry: careful limits; set 'chemistry' for the pack"
            return News(kind: "chemistry", level: .warning, text: text)
        }
        let text = "chemistry \(chemistry.rawValue.uppercased()), taken from \(thresholds)"
        return News(kind: "chemistry", level: .info, text: text)
    }
}

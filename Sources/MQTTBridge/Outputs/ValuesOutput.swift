import BMSCore
import BatteryEngine
import MQTT

/// Publishes each value of a battery on a topic of its own, under the key of its Home Assistant entity, for programs that read no
/// JSON. A value that moved goes out with the pace of the `state` document, and all of them go out at its heartbeat; what becomes known or
/// unknown goes out at once. An unknown value is an empty payload.
struct ValuesOutput: Output {
    private let battery: BatteryIdentity
    private let options: BridgeOptions
    private var pace = SendSchedule()
    private var heartbeat = SendSchedule()
    /// Values that were sent last, by key.
    private var sent: [String: MetricValue] = [:]

    init(_ battery: BatteryIdentity, _ options: BridgeOptions) {
        self.battery = battery
        self.options = options
    }

    mutating func update(_ report: BatteryReport, _ context: OutputContext) -> [MQTTMessage] {
        // Before the first frame there is nothing to say.
        guard report.link.newestAt != nil else { return [] }
        let isWhole = heartbeat.isDue(
            every: max(options.stateInterval, options.stateHeartbeat), isUrgent: false, context)
        guard isWhole || pace.isDue(every: options.stateInterval, isUrgent: context.isUrgent, context) else {
            return []
        }
        pace.record(context.now)
        if isWhole { heartbeat.record(context.now) }
        return SingleValue.all(report).filter { value in
            isWhole
                || sent[value.key].map {
                    value.deadband.isNews(value.value, after: $0, factor: options.economy.factor)
                } ?? true
        }.map { value in
            sent[value.key] = value.value
            return .expiring(
                options.topics.value(battery.id, value.key), Array(value.value.plain.utf8), seconds: options.expiry,
                age: report.dataAge, precedence: .last, context)
        }
    }

    /// Makes the next update publish all values.
    mutating func reset() { heartbeat.reset() }
}

/// One value of a battery under the key of its Home Assistant entity.
struct SingleValue {
    var key: String
    var value: MetricValue
    var deadband = Deadband.none

    /// All values of a battery: those of the documents `status`, `state`, `relays`, `cells` and `settings` that are entities.
    static func all(_ report: BatteryReport) -> [SingleValue] {
        var values = [SingleValue(key: "link", value: .flag(report.freshness.isLive))]
        for row in MetricCatalogue.state {
            guard let entity = row.entity, row.isFor(report.battery) else { continue }
            values.append(SingleValue(key: entity.key, value: row.value(report), deadband: row.deadband))
        }
        for relay in report.relays {
            values.append(SingleValue(key: "contact_\(relay.options.name)", value: .flag(relay.position)))
        }
        let count = report.cellCount
        for row in CellTable.rows {
            for number in stride(from: 1, through: count, by: 1) {
                guard let entity = row.entity(CellMetric.padded(number, of: count), true) else { continue }
                values.append(
                    SingleValue(key: entity.key, value: row.value(report, number), deadband: row.deadband))
            }
        }
        guard let pack = report.pack else { return values }
        for row in SettingsTable.rows(pack.context.options) {
            if case .button = row.kind { continue }
            let value = pack.settings.value(row, pack.context)
            values.append(SingleValue(key: row.key, value: value?.document ?? .null))
        }
        return values
    }
}

extension MetricValue {
    /// The value alone, as text; unknown is empty.
    var plain: String {
        switch self {
        case .null: ""
        case .integer(let number): "\(number)"
        case .decimal(let thousandths, let decimals): FixedPoint.text(thousandths: thousandths, decimals: decimals)
        case .text(let text): text
        }
    }
}

extension RelayState {
    /// The position that people see: as the device reports it, else as commanded; `nil`: unknown.
    var position: Bool? { options.stateTopic == nil ? isClosed : readBack }
}

import BMSCore
import BatteryEngine
import ChargeLimits

/// Figures of a report as inverters take them: scaled, limits rounded to the safe side, and while the link is stale the last readings.
extension BatteryReport {
    /// Number of a limit, in tenths of its unit, rounded down.
    func tenths(_ kind: LimitKind) -> Int? { limits.map { $0.value(kind).dividedDown(by: 100) } }

    /// Lowest voltage to which the battery may be discharged, 0.1 V, rounded up.
    var lowestTenths: Int? { limits.map { -(-$0.lowVoltage.rawValue).dividedDown(by: 100) } }

    /// Whole degrees Celsius or kelvin of a temperature.
    static func degrees(_ temperature: Millidegrees?, kelvin: Bool = false) -> Int? {
        temperature.map { ($0.rawValue + 500).dividedDown(by: 1000) + (kelvin ? 273 : 0) }
    }

    /// Charge in whole ampere hours.
    static func hours(_ charge: MilliampereHours?) -> Int? { charge.map { $0.rawValue.dividedDown(by: 1000) } }

    /// Energy in 0.1 kWh.
    static func energy(_ energy: WattHours?) -> Int? { energy.map { $0.rawValue.dividedDown(by: 100) } }

    /// The alarm is raised; `nil` while it is not known.
    func isRaised(_ alarm: AlarmName, at level: AlarmLevel) -> Bool? {
        AlarmTable.rows.first { $0.alarm == alarm }?.level(self).map { $0 >= level }
    }

    /// One of several alarms is raised; `nil` while none is known.
    func isRaised(_ alarms: [AlarmName], at level: AlarmLevel) -> Bool? {
        let known = alarms.compactMap { isRaised($0, at: level) }
        return known.isEmpty ? nil : known.contains(true)
    }

    /// A limit permits something.
    func permits(_ kind: LimitKind) -> Bool { tenths(kind).map { $0 > 0 } ?? false }

    /// Numbers of packs that are there, take no charge, give none, and are silent.
    var modules: (online: Int, noCharge: Int, noDischarge: Int, offline: Int) {
        if let bank { return (bank.online, bank.blockingCharge, bank.blockingDischarge, bank.offline) }
        let isOnline = freshness.isLive
        return (isOnline ? 1 : 0, permits(.ccl) ? 0 : 1, permits(.dcl) ? 0 : 1, isOnline ? 0 : 1)
    }

    /// Name of a cell in eight characters: "3", or of a bank "garage/3", with as much of the pack's name as there is room for.
    static func name(_ place: CellPlace?) -> String {
        guard let place else { return "" }
        guard let pack = place.pack else { return "\(place.number)" }
        let number = "/\(place.number)"
        return pack.prefix(8 - number.count) + number
    }
}

extension Int {
    /// The quotient, rounded towards minus infinity.
    fileprivate func dividedDown(by divisor: Int) -> Int {
        self >= 0 ? self / divisor : -((-self + divisor - 1) / divisor)
    }
}

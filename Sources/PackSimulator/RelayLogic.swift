import BMSCore
import SmartBMS

/// The decision of the BMS to permit charging and discharging: the two tables of "Charge and discharge/load relay", which all editions
/// print alike except for the conditions that ``ManualRevision`` names.
struct RelayLogic: Sendable {
    /// Shortest time that a relay stays open, s; it opens at once. The time is assumed: the manuals give none, and the vendor's app has
    /// settings ("restart delays").
    static let shortestOpening = 30

    /// One relay.
    struct Relay: Sendable {
        private(set) var isClosed = true
        private var secondsOpen = 0

        mutating func update(mustOpen: Bool, mayClose: Bool) {
            if isClosed {
                isClosed = !mustOpen
                secondsOpen = 0
            } else {
                secondsOpen += 1
                isClosed = !mustOpen && mayClose && secondsOpen >= RelayLogic.shortestOpening
            }
        }
    }

    /// Inputs of the tables.
    struct Conditions: Sendable {
        let lowest, highest: Millivolts
        let coldest, hottest: RawTemperature
        let isFull: Bool
        let soc: Int
        let hasCellCommunication: Bool
    }

    private(set) var charge = Relay()
    private(set) var load = Relay()
    /// Alarm bits of status byte 1, without permissions.
    private(set) var alarms: StatusFlags = []
    /// Status byte 2.
    private(set) var second: SecondStatus = []

    /// Permissions and alarms.
    var status: StatusFlags {
        var status = alarms
        if charge.isClosed { status.insert(.chargeAllowed) }
        if load.isClosed { status.insert(.dischargeAllowed) }
        return status
    }

    /// Applies the tables to one second.
    mutating func update(_ now: Conditions, _ settings: BMSSettings) {
        judge(now, settings)
        let inTemperature = now.hottest < settings.hot && now.hasCellCommunication
        let blocked = !alarms.isDisjoint(with: [.noCellCommunication, .tooWarm])

        var chargeMustOpen = blocked || alarms.contains(.cellTooHigh) || second.contains(.tooColdToCharge)
        var chargeMayClose = inTemperature && now.coldest > settings.coldCharge
        switch settings.mode {
        case .normal:
            chargeMustOpen = chargeMustOpen || now.isFull
            chargeMayClose =
                chargeMayClose && now.highest < settings.thresholds.balance
                && now.soc < settings.revision.restart.charge
        case .critical:
            chargeMayClose = chargeMayClose && now.highest < settings.thresholds.maximum
        }
        charge.update(mustOpen: chargeMustOpen, mayClose: chargeMayClose)

        let loadMustOpen = blocked || alarms.contains(.cellTooLow) || second.contains(.tooColdToDischarge)
        var loadMayClose =
            inTemperature && now.coldest > settings.coldDischarge && now.lowest > settings.thresholds.minimum
        if settings.mode == .normal { loadMayClose = loadMayClose && now.soc >= settings.revision.restart.discharge }
        load.update(mustOpen: loadMustOpen, mayClose: loadMayClose)

        if charge.isClosed { second.insert(.chargeRelayClosed) }
        if load.isClosed { second.insert(.loadRelayClosed) }
    }

    /// Sets the alarm bits by the thresholds that open the relays: at V-min and V-max, beyond the temperatures.
    private mutating func judge(_ now: Conditions, _ settings: BMSSettings) {
        alarms = []
        second = []
        guard now.hasCellCommunication else {
            alarms = .noCellCommunication
            return
        }
        if now.lowest <= settings.thresholds.minimum { alarms.insert(.cellTooLow) }
        if now.highest >= settings.thresholds.maximum { alarms.insert(.cellTooHigh) }
        if now.coldest < settings.coldCharge { second.insert(.tooColdToCharge) }
        if now.coldest < settings.coldDischarge { second.insert(.tooColdToDischarge) }
        // No document says which T-min bit 5 means where there are two; either is assumed to set it.
        if !second.isDisjoint(with: [.tooColdToCharge, .tooColdToDischarge]) { alarms.insert(.tooCold) }
        if now.hottest > settings.hot { alarms.insert(.tooWarm) }
        if isNearAnAlarm(now, settings) { second.insert(.earlyWarning) }
    }

    /// An alarm is near. The conditions of "early warning" are not documented except for V-low; the other margins are assumed.
    private func isNearAnAlarm(_ now: Conditions, _ settings: BMSSettings) -> Bool {
        now.lowest <= settings.low
            || now.highest >= settings.thresholds.maximum - Millivolts(50)
            || now.hottest.count >= settings.hot.count - 3
            || now.coldest.count <= settings.coldCharge.count + 3
    }
}

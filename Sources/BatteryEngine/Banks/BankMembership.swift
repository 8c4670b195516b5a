import BMSCore
import ChargeLimits

/// Reports which packs of a bank take part: it detects changes, and packs that were never heard.
struct BankMembership: Sendable {
    /// Ids of the packs in the order of the bank.
    let names: [String]
    private var standings: [MembershipState]
    private var isMismatched = false
    private var begunAt: Timestamp?
    private var hasReportedUnheard = false

    init(_ names: [String]) {
        self.names = names
        standings = names.map { _ in .waiting }
    }

    /// Sets the time from which packs count as not heard.
    mutating func begin(at now: Timestamp) { begunAt = begunAt ?? now }

    /// Returns the events of a step.
    mutating func step(
        _ calculator: BankCalculator, _ limits: Limits?, _ times: FreshnessTimes, at now: Timestamp
    ) -> [BatteryEvent] {
        var events = changes(calculator)
        let isNow = limits?.has(.mismatch) ?? false
        if isNow, !isMismatched, let reason = limits?.reason(.ccl) { events.append(Self.event(.warning, reason)) }
        isMismatched = isNow
        if !hasReportedUnheard, unheard(calculator, times, at: now) != nil {
            hasReportedUnheard = true
            for place in names.indices where calculator.chargeStanding(place) == .waiting {
                events.append(
                    Self.event(
                        .warning,
                        "\(names[place]) was not heard since the start: it counts zero, and the charge voltage is lowered"
                    ))
            }
        }
        return events
    }

    /// The alarm for packs that were not heard since the start, as for a pack that fell silent then; `nil`: there is none.
    func unheard(_ calculator: BankCalculator, _ times: FreshnessTimes, at now: Timestamp) -> AlarmLevel? {
        guard let begunAt, names.indices.contains(where: { calculator.chargeStanding($0) == .waiting }) else {
            return nil
        }
        return now - begunAt > times.lost ? .alarm : now - begunAt > times.stale ? .warning : nil
    }

    private mutating func changes(_ calculator: BankCalculator) -> [BatteryEvent] {
        names.indices.compactMap { place in
            let new = Self.worse(calculator.chargeStanding(place), calculator.dischargeStanding(place))
            let old = standings[place]
            standings[place] = new
            // The start is no change, nor is the file's word.
            guard new != old, let text = Self.sentence(new, before: old) else { return nil }
            return Self.event(new == .active ? .info : .warning, "\(names[place]) \(text)")
        }
    }

    private static func event(_ level: Notice.Level, _ text: String) -> BatteryEvent {
        BatteryEvent("bank", level, text)
    }

    private static func worse(_ one: MembershipState, _ other: MembershipState) -> MembershipState {
        [MembershipState.ignoringBMS, .silent, .disconnected, .waiting, .open].first { $0 == one || $0 == other }
            ?? .active
    }

    private static func sentence(_ standing: MembershipState, before: MembershipState) -> String? {
        switch standing {
        case .active: before == .waiting ? nil : "takes part again"
        case .open: "is kept off by its BMS: it counts zero, and its share is given to nobody"
        case .ignoringBMS: "carries current though its BMS forbids it: the bank is held at zero in that direction"
        case .silent:
            "is silent: it counts zero, its share is given to nobody, and the charge voltage is lowered while it may "
                + "still be connected"
        case .waiting, .disconnected: nil
        }
    }
}

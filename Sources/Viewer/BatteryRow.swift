package import JSON

/// A battery in a list: what is valid of it now, in a few values.
package struct BatteryRow: Hashable, Sendable {
    /// Whether its values are valid.
    package enum Status: String, Sendable {
        /// They are.
        case live
        /// The bridge speaks, and has no data, or what it said is too old.
        case stale
        /// Nobody speaks for the battery.
        case offline
        /// Nothing was heard yet.
        case unknown
    }

    package var id: String
    /// Name for people.
    package var name: String
    package var isBank: Bool
    package var status: Status
    /// Wall time at which the status began, milliseconds; `nil`: not known.
    package var since: Int64?
    /// Why it is not live, in words without a time; `nil` while it is.
    package var text: String?
    /// Percent, volts, amperes, watts; `nil` unless they are live.
    package var soc, voltage, current, power: Double?
    /// Limits in force, which the bridge goes on saying while the battery is silent; volts and amperes.
    package var cvl, ccl, dcl: Double?
    package var chargeState: String?
    /// 0, 1 or 2; `nil` unless it is live.
    package var alarm: Double?
    /// Number of things that the owner should do.
    package var toDo: Double?

    /// A battery of a model.
    package init(_ id: String, _ pack: ReaderModel.Pack, _ model: ReaderModel, at now: ReaderModel.Instant) {
        let view = model.view(pack, at: now)
        self.id = id
        name = pack.name ?? id
        isBank = pack.isBank
        (status, since, text) = Self.status(view.fault, pack)
        let state = view.state
        (soc, voltage) = (state["Soc"]?.number, state["Dc.Voltage"]?.number)
        (current, power) = (state["Dc.Current"]?.number, state["Dc.Power"]?.number)
        (alarm, toDo) = (state["Alarms.Alarm"]?.number, state["ToDo.Count"]?.number)
        let limits = model.limits(pack, at: now)
        (cvl, ccl, dcl) = (limits["cvl"]?.number, limits["ccl"]?.number, limits["dcl"]?.number)
        chargeState = ReaderModel.name(limits["chargeState"])
    }

    private static func status(_ fault: ReaderModel.Fault?, _ pack: ReaderModel.Pack) -> (Status, Int64?, String?) {
        switch fault {
        case nil: (.live, pack.status?.began, nil)
        case .noBridge(let topic): (.unknown, nil, "no bridge on \(topic)")
        case .bridge(let status): (.offline, status.began, "the bridge is \(status.text)")
        case .noStatus: (.unknown, nil, "the bridge says nothing about this battery")
        case .offline(let status, let reason?): (.stale, status.began, reason)
        case .offline(let status, nil): (.offline, status.began, "the battery is \(status.text)")
        case .noLimits: (.stale, nil, "no limits received yet")
        case .limitsEnded(let time): (.stale, time, "the limits are not repeated any more")
        case .heldBack:
            (.stale, nil, "the limits came too late: they were held back on the way, or one of the two clocks is wrong")
        }
    }

    /// Writes the row as a value.
    package func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", id)
        writer.member("name", name)
        writer.member("bank", isBank)
        writer.member("status", status.rawValue)
        writer.member("since", seconds: since)
        writer.member("text", optional: text)
        let numbers = [
            ("soc", soc), ("voltage", voltage), ("current", current), ("power", power), ("cvl", cvl), ("ccl", ccl),
            ("dcl", dcl), ("alarm", alarm), ("toDo", toDo),
        ]
        for (name, number) in numbers { writer.member(name, optional: number) }
        writer.member("chargeState", optional: chargeState)
        writer.endObject()
    }
}

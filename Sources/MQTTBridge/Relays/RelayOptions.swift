import MQTT

/// A relay that the bridge drives, by configuration (design: product, section 9).
///
/// It is an output of the bridge, beside the BMS's own relays, which nothing here can reach. "Closed" is the state in which
/// something may happen; whatever is unknown or dead leaves it open.
public struct RelayOptions: Hashable, Sendable {
    /// What decides about it.
    public enum Function: String, CaseIterable, Sendable {
        /// Closed while the BMS permits charging and CCL is above 0.
        case chargeAllowed
        /// Closed while the BMS permits discharging and DCL is above 0.
        case dischargeAllowed
        /// Closed while all is well: it drops out with the first alarm, and so does silence.
        case fault
        /// Closed while the pack is full.
        case full
        /// Closed while somebody said on, and what it needs is permitted.
        case manual
    }

    /// What the BMS must permit before a manual relay closes.
    public enum Need: String, CaseIterable, Sendable {
        /// Discharging: the relay feeds a load from the pack.
        case discharging
        /// Charging: the relay feeds the pack.
        case charging
        /// Nothing: fresh data is enough.
        case nothing
    }

    /// What happens to it where nobody decides.
    public enum Rest: String, CaseIterable, Sendable {
        /// It opens.
        case open
        /// It stays as it is.
        case hold
    }

    /// Identifier in topics and entities, `[a-z0-9_-]+`.
    public var name: String
    /// What decides.
    public var function = Function.chargeAllowed
    /// What a manual relay needs.
    public var need = Need.discharging
    /// Where it is commanded.
    public var commandTopic = ""
    /// What closes it.
    public var payloadClosed = "ON"
    /// What opens it.
    public var payloadOpen = "OFF"
    /// Quality of service of commands, 0 or 1.
    public var qos = 1
    /// Where it says how it stands; `nil`: nowhere.
    public var stateTopic: String?
    /// Path of the state in a JSON payload, "StatusSTS.POWER"; `nil`: the payload itself.
    public var stateKey: String?
    /// State that means closed; `nil`: as ``payloadClosed``.
    public var stateClosed: String?
    /// State that means open; `nil`: as ``payloadOpen``.
    public var stateOpen: String?
    /// Time between two repetitions of the command, ms; 0: none.
    public var repetition: Int64 = 30_000
    /// A state that disagrees for longer is an alarm, ms.
    public var readBackTimeout: Int64 = 10_000
    /// Shortest time open, ms.
    public var dwell: Int64 = 60_000
    /// What a stale link does. Held only until data is lost.
    public var whenStale = Rest.open
    /// What the end of the bridge does, a clean one and a crash.
    public var onExit = Rest.open

    /// A relay with the defaults above.
    public init(name: String) { self.name = name }

    /// The setting that overrides it.
    var setting: String { "relay/\(name)" }
    /// A state's words for closed and open.
    var stateWords: (closed: String, open: String) { (stateClosed ?? payloadClosed, stateOpen ?? payloadOpen) }

    func command(isClosed: Bool) -> MQTTMessage {
        var message = MQTTMessage(commandTopic, Array((isClosed ? payloadClosed : payloadOpen).utf8), qos: qos)
        message.precedence = .first
        return message
    }
}

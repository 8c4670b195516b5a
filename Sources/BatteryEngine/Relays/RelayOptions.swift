/// A relay that the bridge drives, by configuration.
///
/// The relay is an output of the bridge, beside the BMS's own relays, which nothing here can reach. "Closed" is the state in which
/// something may happen; whatever is unknown or dead leaves it open.
public struct RelayOptions: Hashable, Sendable {
    /// Rule that decides about it.
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

    /// Permission of the BMS that a manual relay needs before it closes.
    public enum Need: String, CaseIterable, Sendable {
        /// Discharging: the relay feeds a load from the pack.
        case discharging
        /// Charging: the relay feeds the pack.
        case charging
        /// No permission: fresh data is enough.
        case nothing
    }

    /// Behaviour while nobody decides.
    public enum Rest: String, CaseIterable, Sendable {
        /// The relay opens.
        case open
        /// The relay keeps its position.
        case hold
    }

    /// Identifier in topics and entities, `[a-z0-9_-]+`.
    public var name: String
    /// Rule that decides.
    public var function = Function.chargeAllowed
    /// Permission that a manual relay needs.
    public var need = Need.discharging
    /// Topic of its commands. Nothing here publishes; sentences name it.
    public var commandTopic = ""
    /// Payload that closes it.
    public var payloadClosed = "ON"
    /// Payload that opens it.
    public var payloadOpen = "OFF"
    /// QoS of commands, 0 or 1.
    public var qos = 1
    /// Topic on which its device publishes its state; `nil`: the device does not.
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
    /// Behaviour while the link is stale. `hold` lasts only until data is lost.
    public var whenStale = Rest.open
    /// Behaviour at the end of the bridge, a clean one or a crash.
    public var onExit = Rest.open

    /// A relay with the defaults above.
    public init(name: String) { self.name = name }

    /// Name of the setting that overrides it.
    package var setting: String { "relay/\(name)" }
}

public import MQTT

/// A connection that opens a relay when this program dies: the broker sends its will.
public struct RelayGuard: Hashable, Sendable {
    /// Index of the pack.
    public let pack: Int
    /// Identifier of the pack.
    public let packID: String
    /// Name of the relay.
    public let relay: String
    /// The message that opens it.
    public let will: MQTTMessage
}

/// The outcome of a publish. Success is no proof of delivery: the library reports it even for bytes that never leave.
public enum PublishOutcome: Hashable, Sendable {
    /// The message was written to the present connection, or waits for its socket.
    case queued
    /// There is no accepted connection; nothing is kept for a later one.
    case notConnected
    /// The message is larger than the broker says that it takes (MQTT 5).
    case tooLarge
    /// The message was dropped: the broker takes nothing any more, and too much waits already.
    case full
    /// The message was dropped: on a line this slow it would arrive after its expiry, and the broker would not keep it in the place of an
    /// older one.
    case late
    /// The library refused the message, with its error number.
    case failed(Int32)
}

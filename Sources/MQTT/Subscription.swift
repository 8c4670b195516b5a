/// A topic filter to subscribe to.
public struct Subscription: Hashable, Sendable {
    /// Filter, with wildcards.
    public var filter: String
    /// Highest quality of service of a delivery, 0...2.
    public var qos: Int
    /// This client's own messages do not come back (MQTT 5). On an older broker the filter is not asked for, unless ``toleratesOwn``.
    public var noLocal: Bool
    /// On an older broker this client's own messages may come back with those of others.
    public var toleratesOwn: Bool
    /// A message comes with the retain flag that its sender gave it (MQTT 5); otherwise the flag says that the broker had kept the message.
    public var retainAsPublished: Bool
    /// The messages that come at once for the filter are large: the client subscribes when the line has shown that it keeps up.
    public var isLarge: Bool

    /// A subscription.
    public init(
        _ filter: String, qos: Int = 0, noLocal: Bool = false, toleratesOwn: Bool = false,
        retainAsPublished: Bool = false, isLarge: Bool = false
    ) {
        self.filter = filter
        self.qos = qos
        self.noLocal = noLocal
        self.toleratesOwn = toleratesOwn
        self.retainAsPublished = retainAsPublished
        self.isLarge = isLarge
    }
}

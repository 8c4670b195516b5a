import BatteryEngine
import BMSCore
import MQTT

/// Turns the reports of one battery into the messages of one consumer.
protocol Output: Sendable {
    /// Returns the messages that are due.
    mutating func update(_ report: BatteryReport, _ context: OutputContext) -> [MQTTMessage]
}

/// Circumstances of an update that all outputs of a battery share.
struct OutputContext {
    var now: Moment
    /// A good frame came.
    var hasFrame: Bool
    /// A limit, an alarm, a permission, a contact or a relay has changed: every document goes out at once.
    var isUrgent: Bool
    /// The broker forgets retained messages by itself (MQTT 5).
    var canExpire: Bool
    /// The line to the broker takes large messages; `nil`: not known yet on this connection.
    var takesLarge: Bool?
    /// The broker refuses the limits of this battery: consumers must not rely on those that they see.
    var areLimitsRefused: Bool
    /// CCL and DCL for a GX.
    var gxCurrents: GXCurrents
}

/// Decides when a document is due: at its interval, and at once where it is urgent.
struct SendSchedule: Sendable {
    /// Longest time without a document where each frame brings one, ms.
    private static let silence: Int64 = 5_000
    /// Frames come once a second: half a second early is better than half a second late.
    private static let early: Int64 = 500

    private(set) var sentAt: Timestamp?

    /// - Parameter interval: time between two documents, ms; 0: one with each frame.
    func isDue(every interval: Int64, isUrgent: Bool, _ context: OutputContext) -> Bool {
        guard let sentAt, !isUrgent else { return true }
        let age = context.now.monotonic - sentAt
        if interval == 0 { return context.hasFrame || age >= Self.silence }
        return age >= interval - Self.early
    }

    /// Records a document.
    mutating func record(_ now: Moment) { sentAt = now.monotonic }

    /// Makes the document due.
    mutating func reset() { sentAt = nil }
}

extension MQTTMessage {
    /// A document that the broker forgets by itself.
    ///
    /// A broker on which nothing expires would keep the limits of a dead bridge for ever, so nothing is retained there.
    ///
    /// - Parameters:
    ///   - seconds: expiry at least.
    ///   - interval: longest time between two documents, ms; three of them fit into the expiry.
    ///   - age: of the data, ms.
    static func expiring(
        _ topic: String, _ payload: [UInt8], seconds: Int, interval: Int64 = 0, age: Int64 = 0,
        precedence: Precedence = .normal, _ context: OutputContext
    ) -> MQTTMessage {
        // A broker counts whole seconds and may keep a message for the whole of the last: two less keep the promise.
        let expiry = max(1, max(seconds, Int(interval) * 3 / 1000) - 2 - Int(age / 1000))
        var message = MQTTMessage(
            topic, payload, retain: context.canExpire, expiry: context.canExpire ? expiry : nil)
        message.precedence = precedence
        return message
    }
}

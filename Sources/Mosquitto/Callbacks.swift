import MQTT
import CMosquitto
import LinuxIO
import Synchronization

// The library's callbacks. They run while the link's state is locked, on the network thread or a publisher's: they copy C
// data into values and leave them in the report; nothing else.
// Closures for C live here, at file scope: written inside an isolated type they would crash at the first call.

/// Registers all callbacks of a client whose user data is an unretained ``LinkCore``.
func installCallbacks(_ handle: OpaquePointer) {
    mosquitto_connect_v5_callback_set(handle) { _, context, reason, _, properties in
        guard let core = LinkCore.from(context) else { return }
        let receiveMaximum = IncomingProperties.receiveMaximum(properties)
        let maximumPacket = IncomingProperties.maximumPacket(properties)
        core.report.withLock { report in
            report.connack = reason
            report.receiveMaximum = receiveMaximum
            report.maximumPacket = maximumPacket
        }
    }
    mosquitto_disconnect_v5_callback_set(handle) { _, context, reason, _ in
        // A reason below 128 is the library's own error, which the loop returns, too.
        guard let core = LinkCore.from(context), reason >= 128 else { return }
        core.report.withLock { $0.dismissal = reason }
    }
    mosquitto_subscribe_v5_callback_set(handle) { _, context, identifier, count, granted, _ in
        guard let core = LinkCore.from(context) else { return }
        core.answered(identifier, count > 0 ? granted?.pointee ?? 0 : 0)
    }
    mosquitto_publish_v5_callback_set(handle) { _, context, identifier, reason, _ in
        guard let core = LinkCore.from(context) else { return }
        core.answered(identifier, reason)
        let isAwaited = core.pending.withLock { pending in
            pending.remove(identifier)
            return pending.isAwaited
        }
        if isAwaited { core.progress.set() }
    }
    mosquitto_message_v5_callback_set(handle) { _, context, message, properties in
        guard let core = LinkCore.from(context), let message else { return }
        receive(message.pointee, properties, core)
    }
    mosquitto_log_callback_set(handle) { _, context, level, line in
        // Only errors name causes; the other lines are chatter.
        guard let core = LinkCore.from(context), let line, level == Int32(MOSQ_LOG_ERR) else { return }
        let text = String(cString: line)
        core.report.withLock { report in
            if report.lines.count < 8 { report.lines.append(text) }
        }
    }
}

/// Answers OpenSSL when a key needs a passphrase: there is none (0 would mean an empty one). Without this answer OpenSSL would ask on the
/// terminal, from the network thread, and nothing would end its wait.
func refusePassphrase(
    _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int32, _ isForWriting: Int32, _ context: UnsafeMutableRawPointer?
) -> Int32 { -1 }

private func receive(_ message: mosquitto_message, _ properties: OpaquePointer?, _ core: LinkCore) {
    guard let topic = message.topic else { return }
    let length = Int(message.payloadlen)
    guard length <= core.configuration.maximumPacket else {
        core.backlog.countLoss()
        return
    }
    var incoming = MQTTMessage(
        String(cString: topic),
        message.payload.map { Array(UnsafeRawBufferPointer(start: $0, count: length)) } ?? [],
        qos: Int(message.qos), retain: message.retain)
    IncomingProperties.read(properties, into: &incoming)
    let isTaken = core.report.withLock { report in
        guard report.bytes + length <= max(LinkCore.Report.room, core.configuration.maximumPacket) else { return false }
        report.bytes += length
        report.messages.append(incoming)
        return true
    }
    if !isTaken { core.backlog.countLoss() }
}

extension LinkCore {
    fileprivate static func from(_ context: UnsafeMutableRawPointer?) -> LinkCore? {
        context.map { Unmanaged<LinkCore>.fromOpaque($0).takeUnretainedValue() }
    }
}

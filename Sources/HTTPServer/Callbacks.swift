import CMicrohttpd
import Glibc

// The library's callbacks. They run on the server's thread, inside MHD_run: they find the thread or the connection that they are for.
// They are at file scope: a function that C calls must not be isolated to an actor.

/// All callbacks of a server whose context is an unretained ``ServerThread``.
func callbacks(_ thread: ServerThread) -> cmicrohttpd_callbacks {
    cmicrohttpd_callbacks(
        context: Unmanaged.passUnretained(thread).toOpaque(), may_connect: mayConnect,
        connection_changed: connectionChanged, target_read: targetRead, request: request, request_ended: requestEnded)
}

private func thread(_ context: UnsafeMutableRawPointer?) -> ServerThread? {
    context.map { Unmanaged<ServerThread>.fromOpaque($0).takeUnretainedValue() }
}

private func mayConnect(
    _ context: UnsafeMutableRawPointer?, _ address: UnsafePointer<sockaddr>?, _ length: socklen_t
) -> MHD_Result {
    thread(context)?.mayConnect(PeerAddress(address)) == true ? cmicrohttpd_yes : cmicrohttpd_no
}

private func connectionChanged(
    _ context: UnsafeMutableRawPointer?, _ handle: OpaquePointer?,
    _ own: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    _ change: MHD_ConnectionNotificationCode
) {
    guard let handle else { return }
    if change == cmicrohttpd_started {
        thread(context)?.opened(handle)
    } else {
        thread(context)?.closed(handle)
    }
}

private func targetRead(
    _ context: UnsafeMutableRawPointer?, _ target: UnsafePointer<CChar>?, _ handle: OpaquePointer?
) -> UnsafeMutableRawPointer? {
    guard let target, let handle, let connection = thread(context)?.connections[handle] else { return nil }
    connection.target = Array(UnsafeRawBufferPointer(start: target, count: strlen(target)))
    connection.thread.began(connection)
    return nil
}

private func request(
    _ context: UnsafeMutableRawPointer?, _ handle: OpaquePointer?, _ path: UnsafePointer<CChar>?,
    _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?, _ data: UnsafePointer<CChar>?,
    _ size: UnsafeMutablePointer<Int>?, _ own: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let handle, let method, let size, let connection = thread(context)?.connections[handle] else {
        return cmicrohttpd_no
    }
    let body = UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : size.pointee)
    size.pointee = 0
    return connection.thread.proceed(connection, String(cString: method), body) ? cmicrohttpd_yes : cmicrohttpd_no
}

private func requestEnded(
    _ context: UnsafeMutableRawPointer?, _ handle: OpaquePointer?,
    _ own: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    _ reason: MHD_RequestTerminationCode
) {
    guard let handle, let connection = thread(context)?.connections[handle] else { return }
    connection.thread.ended(connection, isTimeout: reason == cmicrohttpd_timeout)
}

/// Collects a header into the array of fields that the context points to.
func collectField(
    _ context: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ name: UnsafePointer<CChar>?, _ nameSize: Int,
    _ value: UnsafePointer<CChar>?, _ valueSize: Int
) -> MHD_Result {
    guard let context, let name else { return cmicrohttpd_no }
    context.assumingMemoryBound(to: [RequestHead.Field].self).pointee.append(
        RequestHead.Field(
            name: String(decoding: UnsafeRawBufferPointer(start: name, count: nameSize), as: UTF8.self),
            value: Array(UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : valueSize))))
    return cmicrohttpd_yes
}

/// Gives the library the next bytes of an event stream; the context is an unretained ``OpenConnection``, which outlives its answers.
func giveEvents(
    _ context: UnsafeMutableRawPointer?, _ position: UInt64, _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int
) -> Int {
    guard let context, let buffer else { return cmicrohttpd_stream_failure }
    let connection = Unmanaged<OpenConnection>.fromOpaque(context).takeUnretainedValue()
    return connection.thread.readEvents(connection, UnsafeMutableRawBufferPointer(start: buffer, count: size))
}

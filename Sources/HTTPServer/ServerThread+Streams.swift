import CMicrohttpd
import LinuxIO

/// Event streams.
extension ServerThread {
    /// Opens an event stream, and hands it to the library.
    func open(
        _ connection: OpenConnection, _ answer: HTTPAnswer, _ tag: String, _ mayGoOn: (@Sendable () -> Bool)?,
        _ first: @Sendable () -> [UInt8]
    ) -> Bool {
        let now = MonotonicTime.seconds()
        let id = nextStream
        let readers = connections.values.lazy.filter { $0.stream != nil }.map(\.peer)
        let hasPlace = connection.peer.mayStream(beside: readers, options)
        let isOpen = shared.state.withLock { state in
            guard hasPlace, state.streams.count < options.streams, !state.isEnding else { return false }
            state.streams[id] = SharedState.EventStream(tag, mayGoOn, at: now)
            return true
        }
        guard isOpen else {
            shared.count { $0.refused += 1 }
            return send(
                connection, .error(503, "as many pages as this server allows are watching: close one of them"),
                isHead: false)
        }
        nextStream += 1
        connection.phase = .streaming(id)
        connection.deadline = .infinity
        let text = ServerEvent.opening + first()
        shared.state.withLock { $0.streams[id]?.queue.prepend(text, at: now) }
        // A reader that does not read would else look fast for longer.
        connection.limitBuffer(32_768)
        let response = cmicrohttpd_stream(
            giveEvents, Unmanaged.passUnretained(connection).toOpaque())
        guard queue(connection, answer, response) else {
            shared.state.withLock { _ = $0.streams.removeValue(forKey: id) }
            connection.phase = .answering
            return false
        }
        watch(connection.socket, stream: id)
        return true
    }

    /// Gives the library the next bytes of a stream, or lets the connection rest.
    func readEvents(_ connection: OpenConnection, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let id = connection.stream, !connection.isClosing else { return cmicrohttpd_stream_failure }
        switch shared.take(id, buffer.count, at: MonotonicTime.seconds()) {
        case .bytes(let bytes):
            pace.hasMoved = true
            buffer.copyBytes(from: bytes)
            return bytes.count
        case .nothing:
            connection.suspend()
            return 0
        case .end: return cmicrohttpd_stream_end
        case .failure: return cmicrohttpd_stream_failure
        }
    }
}

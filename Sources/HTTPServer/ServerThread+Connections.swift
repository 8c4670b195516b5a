import LinuxIO

/// The connections: who may have one, and for how long.
extension ServerThread {
    /// Seconds between two questions whether the reader of a stream may have more.
    private static let questionSeconds = 1.0

    /// An address has a connection left.
    func mayConnect(_ peer: PeerAddress) -> Bool {
        if peer.hasPlace(beside: connections.values.lazy.map(\.peer), options) { return true }
        shared.count { $0.refused += 1 }
        return false
    }

    func opened(_ handle: OpaquePointer) {
        pace.hasMoved = true
        connections[handle] = OpenConnection(
            handle, self, deadline: MonotonicTime.seconds() + options.arrivalSeconds)
        shared.count { $0.connections += 1 }
    }

    func closed(_ handle: OpaquePointer) {
        guard connections.removeValue(forKey: handle) != nil else { return }
        pace.hasMoved = true
        shared.count { $0.connections -= 1 }
        hasRoom = true
    }

    /// The request line is there.
    func began(_ connection: OpenConnection) {
        pace.hasMoved = true
        connection.deadline = min(connection.deadline, MonotonicTime.seconds() + options.arrivalSeconds)
    }

    /// The request is over: it was answered, or its connection is lost.
    func ended(_ connection: OpenConnection, isTimeout: Bool) {
        pace.hasMoved = true
        if let id = connection.stream {
            shared.state.withLock { state in
                let stream = state.streams.removeValue(forKey: id)
                if isTimeout || stream?.isDropped == true { state.counters.droppedReaders += 1 }
            }
        }
        connection.phase = .waiting
        connection.target = []
        (connection.surplus, connection.answerBytes) = (0, 0)
        // The next request may begin as long as the library lets the connection rest, and has its time then.
        connection.deadline = MonotonicTime.seconds() + Double(options.idleSeconds) + options.arrivalSeconds
    }

    /// Closes connections whose client has gone before its request was whole. The library does not notice that where the end of the stream
    /// came together with the last bytes, and such connections would keep their places until their time is over.
    ///
    /// - Returns: `true` where there was one.
    func closeAbandoned() -> Bool {
        var hasClosed = false
        for connection in connections.values where connection.isAbandoned {
            connection.close(discards: true)
            hasClosed = true
        }
        return hasClosed
    }

    /// The time at which ``attend(_:)`` has something to do.
    var nearest: Double {
        let streams = shared.state.withLock { state in
            state.streams.values.reduce(Double.infinity) { nearest, stream in
                let late = stream.queue.oldest.map { $0 + options.streamSeconds }
                let question =
                    stream.mayGoOn == nil || stream.isOver ? .infinity : stream.askedAt + Self.questionSeconds
                return min(nearest, stream.sentAt + options.commentSeconds, late ?? .infinity, question)
            }
        }
        return connections.values.reduce(streams) { nearest, connection in
            guard case .owed(_, _, let until) = connection.phase, connection.isSuspended else {
                return min(nearest, connection.deadline)
            }
            return min(nearest, until, connection.deadline)
        }
    }

    /// Closes what took too long, and resumes what has something to say.
    ///
    /// - Returns: the time of the next such thing that is known.
    func attend(_ now: Double) -> Double {
        let (dropped, ready) = shared.state.withLock { state in
            var (dropped, ready): (Set<UInt64>, Set<UInt64>) = ([], [])
            for id in Array(state.streams.keys) { look(after: id, &state, now, &dropped, &ready) }
            return (dropped, ready)
        }
        for connection in connections.values {
            if let id = connection.stream {
                if dropped.contains(id) {
                    connection.close(discards: true)
                } else if ready.contains(id) {
                    connection.resume()
                }
            } else if case .owed(let owed, _, let until) = connection.phase, owed.answer != nil || now >= until {
                connection.resume()
            }
            if now >= connection.deadline { connection.close() }
        }
        return nearest
    }

    /// Finds out whether a stream is dropped, and whether it has bytes for its reader.
    private func look(
        after id: UInt64, _ state: inout SharedState.State, _ now: Double, _ dropped: inout Set<UInt64>,
        _ ready: inout Set<UInt64>
    ) {
        guard let oldest = state.streams[id].map({ $0.queue.oldest ?? now }), let sentAt = state.streams[id]?.sentAt
        else { return }
        if now - oldest >= options.streamSeconds { state.streams[id]?.isDropped = true }
        if let mayGoOn = state.streams[id]?.mayGoOn, let askedAt = state.streams[id]?.askedAt,
            now - askedAt >= Self.questionSeconds
        {
            state.streams[id]?.askedAt = now
            if !mayGoOn() { state.streams[id]?.isForbidden = true }
        }
        if state.streams[id]?.isOver == true {
            dropped.insert(id)
            // Nothing else is due for it.
            state.streams[id]?.sentAt = .infinity
            state.streams[id]?.queue = EventQueue()
            return
        }
        if now - sentAt >= options.commentSeconds {
            // A queue with something in it needs no sign of life.
            if state.streams[id]?.queue.count == 0 {
                _ = state.streams[id]?.queue.append(ServerEvent.comment, at: now, limit: .max)
            }
            state.streams[id]?.sentAt = now
        }
        if state.streams[id]?.queue.count != 0 { ready.insert(id) }
    }
}

import LinuxIO

/// What the server's thread and the others share.
final class SharedState: Sendable {
    struct State: Sendable {
        var port = 0
        var isEnding = false
        var streams: [UInt64: EventStream] = [:]
        var counters = HTTPCounters()
    }

    /// An open event stream.
    struct EventStream: Sendable {
        let tag: String
        /// Ends the stream with `false`; `nil`: nothing but its reader ends it.
        let mayGoOn: (@Sendable () -> Bool)?
        var queue = EventQueue()
        /// Time of the last text.
        var sentAt: Double
        /// Time at which `mayGoOn` was asked.
        var askedAt: Double
        /// The reader was too slow: something is missing in its queue, and it must begin anew.
        var isDropped = false
        /// The reader may not have more.
        var isForbidden = false

        init(_ tag: String, _ mayGoOn: (@Sendable () -> Bool)?, at now: Double) {
            (self.tag, self.mayGoOn, sentAt, askedAt) = (tag, mayGoOn, now, now)
        }

        /// Nothing more is sent.
        var isOver: Bool { isDropped || isForbidden }
    }

    /// What the reader of a stream gets.
    enum Portion {
        case bytes(ArraySlice<UInt8>)
        case nothing
        case end
        case failure
    }

    let state = Lock(State())
    /// The thread's sign of life.
    let heartbeat = Heartbeat()
    /// Wakes the server's thread.
    let wake = EventDescriptor()
    /// The server's thread has ended.
    let finished = EventDescriptor()

    var counters: HTTPCounters {
        state.withLock { state in
            var counters = state.counters
            counters.streams = state.streams.count
            return counters
        }
    }

    func count(_ change: (inout HTTPCounters) -> Void) { state.withLock { change(&$0.counters) } }

    func end() {
        state.withLock { $0.isEnding = true }
        wake.set()
    }

    /// Hands a text to streams.
    ///
    /// - Returns: true where a stream got something, or lost it.
    func send(_ text: [UInt8], limit: Int, at now: Double, to accepts: (String) -> Bool) -> Bool {
        state.withLock { state in
            var isChanged = false
            // In place: a copy of a stream, or of the dictionary, would copy its queue with each event.
            for id in Array(state.streams.keys) {
                guard let tag = state.streams[id]?.tag, state.streams[id]?.isOver == false, accepts(tag) else {
                    continue
                }
                isChanged = true
                if state.streams[id]?.queue.append(text, at: now, limit: limit) != true {
                    state.streams[id]?.isDropped = true
                }
                state.streams[id]?.sentAt = now
            }
            return isChanged
        }
    }

    func take(_ id: UInt64, _ most: Int, at now: Double) -> Portion {
        state.withLock { state in
            guard state.streams[id]?.isOver == false else { return .failure }
            guard state.streams[id]?.queue.count != 0 else { return state.isEnding ? .end : .nothing }
            return .bytes(state.streams[id]?.queue.take(most, at: now) ?? [])
        }
    }
}

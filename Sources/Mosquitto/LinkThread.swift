import CMosquitto
import MQTT
import Glibc
import LinuxIO
import Synchronization

/// The network thread: probe, connect, loop, report, wait, again, until it is told to stop.
///
/// libmosquitto's own thread is not used: it ends silently after a wrong password or a rejected certificate, never connects when the broker
/// is down at the start, and spins at 99 % when a TLS port refuses (facts of 2.0.11). A fresh client for each attempt leaves no message of
/// the old connection behind, and reads renewed certificates.
struct LinkThread {
    private static let probeSeconds = 5.0
    /// Seconds that a broker has to close the probe; a broker on the same network takes milliseconds.
    private static let leaveSeconds = 0.2
    /// Unsent bytes from which on the system takes no more: less than a step of a pack. Bytes that are sent and not yet answered do not
    /// count, so that a long line is used in full.
    private static let unsentBytes: Int32 = 1024
    /// Milliseconds for which sent bytes may be unanswered, well below the 30 s that limits may be old.
    private static let unansweredMilliseconds: Int32 = 15_000
    /// Multiple of the keepalive after which an unacknowledged message means that the broker is gone: a little more than the library takes
    /// to notice this by its pings.
    private static let overdueKeepalives = 2.5
    /// Seconds before which a broker is never taken to be gone, whatever the keepalive. A document takes 17 s at 100 bytes a second, and
    /// two documents that were on their way when a line narrowed take longer: a line that still carries them is not ended.
    private static let shortestOverdue = 25.0
    /// Seconds after which a broker is always taken to be gone: nothing that is sent later would arrive within the 30 s that limits may be
    /// old.
    private static let longestOverdue = 30.0
    /// Seconds after which a broker is taken to be gone where there is another one, and where the line was quick until then: with the time to
    /// notice it and to connect, consumers are without news for less than 20 s.
    private static let quickOverdue = 12.0
    /// Seconds for the answer to CONNECT; the library itself knows the keepalive alone.
    private static let answerSeconds = 10.0
    /// Seconds for the answer where another broker was left for this one, and for every other CONNECT while none has an answer.
    private static let shortAnswerSeconds = 5.0

    /// Seconds between two looks at the clock until the broker has accepted the connection.
    private static let handshakeTurn = 0.5
    /// Seconds that a return takes at most where the first broker listens and does not answer, in either version.
    static let longestReturn = 2 * (leaveSeconds + shortAnswerSeconds + handshakeTurn)

    private let core: LinkCore
    private let deliver: @Sendable (LinkEvent) -> Void
    private let brokers: [BrokerAddress]
    private var backoff = Backoff()
    private var choice: BrokerChoice
    /// Place of the present broker.
    private var place = 0
    private var knowledge: [BrokerKnowledge]
    /// The longest of the pauses for which the brokers of this round asked, seconds.
    private var pause = 0.0
    /// Time at which the broker accepted the present connection.
    private var acceptedAt: Double?
    /// The present connection ended because somebody told this thread to leave it.
    private var hasLeft = false
    /// The same broker is tried in another version at once: later, its silence might be over, and it would be taken for an old one.
    private var triesAgain = false

    private init(_ core: LinkCore, _ deliver: @escaping @Sendable (LinkEvent) -> Void) {
        self.core = core
        self.deliver = deliver
        let configuration = core.configuration
        brokers = configuration.brokers
        choice = BrokerChoice(count: brokers.count, interval: configuration.lookInterval)
        knowledge = brokers.map { _ in BrokerKnowledge(configuration.protocolPreference) }
    }

    private var texts: FailureText { FailureText(configuration: core.configuration, place: place) }

    /// Starts the thread; it keeps `core` alive until it ends.
    ///
    /// - Parameters:
    ///   - deliver: the function that takes the events, on this thread.
    ///   - ended: the function that is called last.
    static func start(
        _ core: LinkCore, deliver: @escaping @Sendable (LinkEvent) -> Void, ended: @escaping @Sendable () -> Void
    ) -> Bool {
        _ = libraryIsReady
        core.heartbeat.beat()
        return OwnThread.start("mqtt") {
            var thread = LinkThread(core, deliver)
            while !core.isStopping { thread.attempt() }
            ended()
            core.finished.set()
        }
    }

    private mutating func attempt() {
        // Name servers, connects and the wait for the next attempt may take any time.
        core.heartbeat.rest()
        core.report.withLock { $0 = LinkCore.Report() }
        place = core.state.withLock { [choice] state in
            state.turn(to: state.wanted ?? choice.place)
            return state.place
        }
        core.place.store(place, ordering: .relaxed)
        (acceptedAt, hasLeft, triesAgain) = (nil, false, false)
        guard var failure = connectAndServe(), !core.isStopping else { return }
        guard !triesAgain else { return deliver(.disconnected(failure)) }
        let (wanted, isForWill) = core.state.withLock { ($0.wanted, $0.isLeavingForWill) }
        let served = failure.operation == .session ? acceptedAt.map { MonotonicTime.seconds() - $0 } ?? 0 : nil
        if let served, served >= BrokerChoice.stableSeconds {
            backoff.reset()
            pause = 0
        }
        if hasLeft {
            if wanted == nil, !isForWill { choice.returnToFirst() }
        } else {
            if served != nil { knowledge[place].fallback.reset() }
            // What ends a return delays nothing: the broker that was left is well.
            if !choice.isOnTrial(after: served) || wanted != nil { pause = max(pause, failure.pause) }
            if wanted != nil || choice.ended(served: served) {
                failure.retryIn = max(pause, backoff.wait(random: core.random()))
                pause = 0
            }
        }
        let next = wanted ?? choice.place
        if hasLeft, next == place {
            failure = texts.leftForWill
        } else if hasLeft {
            failure = texts.left(for: brokers[next], isFirst: wanted == nil)
        }
        if next != place { failure.next = brokers[next] }
        core.heartbeat.beat()
        deliver(.disconnected(failure))
        core.heartbeat.rest()
        _ = Poll.wait(for: core.turn.descriptor, seconds: failure.retryIn, stop: core.stop)
        core.turn.clear()
    }

    /// Makes one connection and serves it to its end; `nil` when it was told to end, or when another attempt should follow at once.
    private mutating func connectAndServe() -> LinkFailure? {
        let (configuration, broker) = (core.configuration, brokers[place])
        // The library's own connect blocks for minutes on a black-holed host, so somebody must be seen to listen first.
        var host = broker.host
        switch TCPDialer.dial(host: broker.host, port: broker.port, seconds: Self.probeSeconds, stop: core.stop) {
        case .connected(let descriptor):
            // The address that answered: others of the name may not. TLS compares the name with the certificate.
            if configuration.tls == nil { host = TCPDialer.peer(of: descriptor) ?? host }
            endProbe(descriptor)
        case .stopped: return nil
        case .unknownHost(let reason): return texts.unknownHost(reason)
        case .refused(let number): return texts.refused(number)
        }
        guard !core.isStopping else { return nil }
        let context = Unmanaged.passUnretained(core).toOpaque()
        guard let handle = mosquitto_new(configuration.clientID, true, context) else {
            return texts.ended(MOSQ_ERR_NOMEM.rawValue32, wasAccepted: false, number: errno, isTLS: false, lines: [])
        }
        var isOverdue = false
        // The state forgets the handle first, so that nobody publishes on a handle that is gone.
        defer {
            core.state.withLock { $0.forgetConnection(isOverdue: isOverdue, at: MonotonicTime.seconds()) }
            if isOverdue { Self.dropUnsent(mosquitto_socket(handle)) }
            mosquitto_destroy(handle)
        }
        if let failure = prepare(handle) { return failure }
        let start = MonotonicTime.seconds()
        let version = knowledge[place].version
        let properties = PropertyList(maximumPacket: version == .v5 ? configuration.maximumPacket : nil)
        let code = mosquitto_connect_bind_v5(
            handle, host, Int32(broker.port), Int32(max(5, configuration.keepalive)), nil, properties.head)
        guard code == MOSQ_ERR_SUCCESS.rawValue32 else {
            return core.isStopping ? nil : conclude(code, errno, after: 0)
        }
        Self.boundSocket(mosquitto_socket(handle))
        core.pending.withLock { $0 = LinkCore.Pending(isAwaited: $0.isAwaited) }
        core.requests.clear()
        let note = knowledge[place].fallback.note()
        let isOldBySilence = knowledge[place].isOldBySilence
        core.state.withLock { state in
            state.handle = Handle(pointer: handle)
            (state.version, state.isOldBySilence) = (version, isOldBySilence)
            // The note of the attempt before stays, too.
            state.note = [state.note, note ?? ""].filter { !$0.isEmpty }.joined(separator: "; it ")
        }
        let watch = FirstBrokerWatch()
        defer { watch.stop() }
        let (end, number) = serve(handle, watch, &isOverdue)
        return core.isStopping ? nil : conclude(end, number, after: MonotonicTime.seconds() - start)
    }

    /// Closes the probe, and waits a moment for the listener's answer: a broker with a single place left then gives that place to the
    /// connection that follows.
    private func endProbe(_ descriptor: Int32) {
        shutdown(descriptor, Int32(SHUT_WR))
        _ = Poll.wait(for: descriptor, seconds: Self.leaveSeconds, stop: core.stop)
        close(descriptor)
    }

    /// Gives up bytes that did not leave yet: a network that comes back would carry them to consumers who do not expect them any more.
    private static func dropUnsent(_ descriptor: Int32) {
        guard descriptor >= 0 else { return }
        var value = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    }

    /// Bounds the socket's buffers: a line that is narrow or dead must not fill up with documents that age there.
    private static func boundSocket(_ descriptor: Int32) {
        set(descriptor, TCP_NOTSENT_LOWAT, unsentBytes)
        set(descriptor, TCP_USER_TIMEOUT, unansweredMilliseconds)
    }

    private static func set(_ descriptor: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, Int32(IPPROTO_TCP), option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Reads and writes whenever the socket is ready, until the connection ends; publishers write by themselves meanwhile.
    ///
    /// - Returns: the library's error and the system's.
    private mutating func serve(
        _ handle: OpaquePointer, _ watch: FirstBrokerWatch, _ isOverdue: inout Bool
    ) -> (Int32, Int32) {
        // A line that is merely slow needs the long time now and then.
        let isShort = choice.isReturning || !knowledge[place].unanswered.isMultiple(of: 2)
        let answerBy = MonotonicTime.seconds() + (isShort ? Self.shortAnswerSeconds : Self.answerSeconds)
        var isAccepted = false
        let overdue = min(
            Self.longestOverdue,
            max(Self.shortestOverdue, Self.overdueKeepalives * Double(max(5, core.configuration.keepalive))))
        while true {
            let (socket, hasToWrite, hasPending, turn) = core.state.withLock { state in
                (
                    mosquitto_socket(handle), mosquitto_want_write(handle), mosquitto_has_pending(handle),
                    state.probation.turn
                )
            }
            guard socket >= 0 else { return (MOSQ_ERR_NO_CONN.rawValue32, 0) }
            core.heartbeat.beat()
            // The library counts time for the keepalive, of 5 s at least, only when it is asked. The socket does not show the bytes that
            // TLS has read already.
            var ready = Poll.wait(
                for: socket, alsoWriting: hasToWrite,
                seconds: hasPending ? 0 : isAccepted ? turn ?? 2 : Self.handshakeTurn,
                wake: core.wake)
            ready.canRead = ready.canRead || hasPending
            if ready.isWoken { core.wake.clear() }
            let result = core.state.withLock { state in
                if state.isStopping, !state.leavesWill {
                    // Only this thread closes the socket: another could close it while this one waits for it.
                    mosquitto_disconnect(handle)
                    return (MOSQ_ERR_NO_CONN.rawValue32, Int32(0))
                }
                if state.isStopping || state.mustLeave {
                    hasLeft = !state.isStopping
                    // In MQTT 3.1.1 the end of the connection without a word says the same.
                    if state.version == .v5 {
                        mosquitto_disconnect_v5(handle, Int32(MQTT_RC_DISCONNECT_WITH_WILL_MSG.rawValue), nil)
                    }
                    return (MOSQ_ERR_NO_CONN.rawValue32, Int32(0))
                }
                var code = MOSQ_ERR_SUCCESS.rawValue32
                if ready.canRead { code = mosquitto_loop_read(handle, 1) }
                if code == MOSQ_ERR_SUCCESS.rawValue32, ready.canWrite { code = mosquitto_loop_write(handle, 1) }
                core.release(&state, handle)
                guard code == MOSQ_ERR_SUCCESS.rawValue32 else { return (code, errno) }
                core.askNext(&state, handle)
                let now = MonotonicTime.seconds()
                guard state.isAccepted else {
                    // The library would count the time that the connect took, too.
                    return now < answerBy ? (code, errno) : (MOSQ_ERR_KEEPALIVE.rawValue32, 0)
                }
                if !state.line.throughput.isAwaiting {
                    code = mosquitto_loop_misc(handle)
                } else if state.line.throughput.isOverdue(isReplaceable(state) ? Self.quickOverdue : overdue, at: now) {
                    // The library would count pings, and on a narrow line it would end a connection whose messages arrive.
                    isOverdue = true
                    code = MOSQ_ERR_KEEPALIVE.rawValue32
                }
                return (code, errno)
            }
            core.deliverNews(deliver)
            if !isAccepted, core.state.withLock({ $0.isAccepted }) {
                isAccepted = true
                acceptedAt = MonotonicTime.seconds()
                look(for: watch)
            }
            if result.0 != MOSQ_ERR_SUCCESS.rawValue32 { return result }
        }
    }

    /// Another broker may take the place of the present one before a line that is merely narrow would have carried its messages.
    private func isReplaceable(_ state: LinkCore.State) -> Bool {
        brokers.count > 1 && state.wanted == nil && state.line.throughput.isQuick
    }

    /// Lets the watch look for the first broker, where another one serves.
    private func look(for watch: FirstBrokerWatch) {
        let (attempt, isSteered) = core.state.withLock { ($0.attempt, $0.wanted != nil) }
        guard choice.misses, !isSteered else { return }
        watch.start(brokers[0], every: choice.interval) { [core] in core.leave(attempt: attempt) }
    }

    /// Sets the options of the client before it connects.
    private func prepare(_ handle: OpaquePointer) -> LinkFailure? {
        let configuration = core.configuration
        installCallbacks(handle)
        mosquitto_incoming_maximum_set(handle, UInt32(clamping: configuration.maximumPacket))
        // `mosquitto_threaded_set` is not used: a publisher then writes to the socket at once instead of waking this thread. The state's
        // lock keeps the two threads apart.
        mosquitto_int_option(
            handle, MOSQ_OPT_PROTOCOL_VERSION, knowledge[place].version == .v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311)
        mosquitto_int_option(handle, MOSQ_OPT_TCP_NODELAY, 1)
        if let username = configuration.username {
            mosquitto_username_pw_set(handle, username, configuration.password)
        }
        if let tls = configuration.tls {
            // The library would wait forever for the writer of a pipe.
            for (key, path) in [("caFile", tls.caFile), ("certFile", tls.certificateFile), ("keyFile", tls.keyFile)] {
                guard let path else { continue }
                switch RegularFile.open(path) {
                case .success(let descriptor): close(descriptor)
                case .failure(let failure): return texts.tlsFile(key, failure.text)
                }
            }
            let code = mosquitto_tls_set(
                handle, tls.caFile, tls.caFile == nil ? "/etc/ssl/certs" : nil, tls.certificateFile, tls.keyFile,
                refusePassphrase)
            guard code == MOSQ_ERR_SUCCESS.rawValue32 else { return texts.tlsFiles(code) }
            // TLS 1.2 is the minimum, whatever the system's OpenSSL is set to.
            mosquitto_tls_opts_set(handle, 1, "tlsv1.2", nil)
        }
        if let will = configuration.will.map(knowledge[place].fallback.taken) {
            let length = Int32(will.payload.count)
            if knowledge[place].version == .v5 {
                mosquitto_will_set_v5(
                    handle, will.topic, length, will.payload, Int32(will.qos), will.retain, nil)
            } else {
                mosquitto_will_set(handle, will.topic, length, will.payload, Int32(will.qos), will.retain)
            }
        }
        return nil
    }

    /// The reason why the connection ended; `nil` when another attempt should follow at once.
    ///
    /// - Parameter seconds: duration of the connection.
    private mutating func conclude(_ code: Int32, _ number: Int32, after seconds: Double) -> LinkFailure? {
        let report = core.report.withLock { $0 }
        let wasAccepted = core.state.withLock { $0.isAccepted }
        if wasAccepted { knowledge[place].noteAccepted(after: seconds) }
        if let reason = report.connack, reason != 0 {
            if (reason == 132 || reason == 1), fallBack() {
                knowledge[place].isOldBySilence = false
                return nil
            }
            if knowledge[place].fallback.refused(reason, core.configuration.will) { return nil }
            knowledge[place].noteRefused(core.configuration.protocolPreference)
            return texts.connack(reason)
        }
        let isTLS = core.configuration.tls != nil
        // With TLS the end says nothing of the version: it may have come before CONNECT was read, from what stands in front of a broker.
        if report.connack == nil, code == MOSQ_ERR_CONN_LOST.rawValue32, !isTLS {
            // Some old brokers just hang up on a version that they do not know; so does a broker that restarts. Two such ends are not a
            // restart.
            if knowledge[place].noteHangUp(), fallBack() { return nil }
        }
        if code == MOSQ_ERR_OVERSIZE_PACKET.rawValue32 {
            core.backlog.countLoss()
            let (size, filter) = core.state.withLock { state in
                let size = state.handle.map { Int(mosquitto_incoming_refused($0.pointer)) } ?? 0
                return (size, state.probation.blame(at: MonotonicTime.seconds()))
            }
            return texts.tooLarge(size, leftOut: filter)
        }
        let isOld = knowledge[place].version == .v311
        if !wasAccepted, code == MOSQ_ERR_KEEPALIVE.rawValue32, knowledge[place].version == .v5 {
            // Some old brokers misread what is new in MQTT 5, and wait for more.
            if knowledge[place].noteSilence(), fallBack() {
                triesAgain = true
                return texts.unanswered
            }
        } else if knowledge[place].version == .v311, core.configuration.protocolPreference == .automatic {
            // The broker may have been replaced by one that knows MQTT 5.
            knowledge[place].version = .v5
        }
        if wasAccepted, let reason = report.dismissal { return texts.dismissed(reason) }
        let failure = texts.ended(
            code, wasAccepted: wasAccepted, number: number, isTLS: isTLS, lines: report.lines,
            shortSessions: knowledge[place].shortSessions)
        // In MQTT 5 a broker names the size.
        guard wasAccepted, isOld, !hasLeft, code != MOSQ_ERR_KEEPALIVE.rawValue32,
            knowledge[place].noteEnd(owesLarge: core.requests.owesLarge)
        else { return failure }
        return FailureText.atLarge(failure)
    }

    private mutating func fallBack() -> Bool {
        guard core.configuration.protocolPreference == .automatic, knowledge[place].version == .v5 else { return false }
        knowledge[place].version = .v311
        return true
    }
}

/// Starts the library, thread-safe and once; cleaning up would pull it from under a second client.
private let libraryIsReady: Bool = mosquitto_lib_init() == MOSQ_ERR_SUCCESS.rawValue32

extension mosq_err_t {
    /// The constant as the functions return it.
    var rawValue32: Int32 { Int32(rawValue) }
}

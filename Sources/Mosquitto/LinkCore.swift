import MQTT
import CMosquitto
import LinuxIO
import Synchronization

/// The library's client, as a pointer: the thread that holds the lock around it may use it, and the network thread alone creates and
/// destroys it.
struct Handle: @unchecked Sendable {
    let pointer: OpaquePointer
}

/// State that the network thread, the callbacks and the owner share. It never refers to ``MosquittoLink``: a last release on the network
/// thread must not join that very thread.
final class LinkCore: Sendable {
    struct State: Sendable {
        /// The client of the present attempt.
        var handle: Handle?
        /// The broker accepted CONNECT on this connection: the only sign that publishing makes sense.
        var isAccepted = false
        var version = ProtocolVersion.v5
        /// MQTT 3.1.1 is asked for because MQTT 5 had no answer.
        var isOldBySilence = false
        var subscriptions: [Subscription] = []
        var isStopping = false
        /// The broker publishes the will at the end, too.
        var leavesWill = false
        /// Control of the line of this connection.
        var line = LineControl()
        /// The large subscriptions were asked for on this connection.
        var hasAskedForLarge = false
        /// Largest packet that the broker takes, in bytes, where the broker said so.
        var maximumPacket: Int?
        /// A text about the losses that this broker's refusals cause, reported with the connection.
        var note = ""
        /// The subscriptions after a message that was too large to take.
        var probation = Probation()
        /// Place of the present broker in the list.
        private(set) var place = 0
        /// The states of the lines to the other brokers, by their places.
        private var others: [Int: (LineControl, String, Probation)] = [:]
        /// Place of the broker that the owner wants; `nil`: the link chooses.
        var wanted: Int?
        /// The present broker is to be left, so that it publishes the will.
        fileprivate(set) var isLeaving = false
        /// The present broker is left for its will alone, and tried again at once.
        fileprivate(set) var isLeavingForWill = false
        /// Number of the present attempt.
        private(set) var attempt = 0

        /// The present broker is to be left: for the first one, or for the one that the owner wants.
        var mustLeave: Bool { isLeaving || wanted.map { $0 != place } ?? false }

        /// Turns to the broker at a place: what was learnt of one broker says nothing about another.
        mutating func turn(to place: Int) {
            (isLeaving, isLeavingForWill) = (false, false)
            attempt += 1
            guard place != self.place else { return }
            others[self.place] = (line, note, probation)
            (line, note, probation) = others[place] ?? (LineControl(), "", Probation())
            self.place = place
        }

        mutating func forgetConnection(isOverdue: Bool, at now: Double) {
            handle = nil
            isAccepted = false
            line = line.next(isOverdue: isOverdue, at: now)
            hasAskedForLarge = false
            maximumPacket = nil
            probation.forgetConnection()
        }
    }

    /// Messages of the present connection that the library still holds: the socket did not take them yet, or the broker has
    /// not acknowledged them.
    struct Pending: Sendable {
        var sizes: [Int32: Int] = [:]
        var bytes = 0
        /// Somebody waits for these messages.
        var isAwaited = false
    }

    /// Bytes that may be pending. The keepalive finds a broker that hangs, but a broker that answers pings and takes nothing would fill the
    /// memory. The messages of a thousand packs after a connect fit.
    private static let pendingLimit = 32 << 20

    let configuration: LinkConfiguration
    let random: @Sendable () -> Double
    let state = Lock(State())
    let report = Lock(Report())
    let pending = Lock(Pending())
    /// Requests that the broker has yet to answer.
    let requests = PendingRequests()
    /// Topics on which the broker recently took no messages.
    private let refusedTopics = Lock(RefusedTopics())
    let backlog: Backlog
    let stop = EventDescriptor()
    /// Ends the wait for the next attempt: the owner wants another broker.
    let turn = EventDescriptor()
    /// Place of the present broker, for those who cannot lock ``state``.
    let place = Atomic<Int>(0)
    /// Wakes the network thread from its wait: there is something to write, or the thread has to end.
    let wake = EventDescriptor()
    let finished = EventDescriptor()
    let progress = EventDescriptor()
    let heartbeat = Heartbeat()

    init(
        _ configuration: LinkConfiguration, backlog: Backlog, random: @escaping @Sendable () -> Double
    ) {
        self.configuration = configuration
        self.backlog = backlog
        self.random = random
    }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Sentences about the present broker.
    var texts: FailureText { FailureText(configuration: configuration, place: place.load(ordering: .relaxed)) }

    /// Leaves the broker of an attempt, so that it publishes the will, unless another attempt has begun by now.
    func leave(attempt: Int) {
        let isPresent = state.withLock { state in
            guard state.attempt == attempt else { return false }
            state.isLeaving = true
            return true
        }
        if isPresent { wake.set() }
    }

    /// Ends the present connection so that the broker publishes the will.
    func leaveForWill() {
        state.withLock { state in
            guard state.isAccepted, !state.isLeaving else { return }
            (state.isLeaving, state.isLeavingForWill) = (true, true)
        }
        wake.set()
    }

    /// Turns to the broker at a place, and stays there; `nil`: the next attempt is the link's own choice.
    func steer(to place: Int?) {
        let isNews = state.withLock { state in
            guard place.map(configuration.brokers.indices.contains) ?? true, state.wanted != place else { return false }
            state.wanted = place
            return place != nil
        }
        guard isNews else { return }
        turn.set()
        wake.set()
    }

    /// Publishes on the accepted connection, with one system call unless the socket is full.
    ///
    /// - Parameter mayWait: true lets a QoS 0 message wait while the line takes nothing, in the place of an older one of its topic.
    /// - Returns: the outcome and the library's identifier of the message; 0 while it waits.
    func publish(_ message: MQTTMessage, mayWait: Bool = true) -> (PublishOutcome, Int32) {
        state.withLock { state in
            guard state.isAccepted, let handle = state.handle?.pointer else { return (.notConnected, 0) }
            let now = MonotonicTime.seconds()
            let waits =
                mayWait && message.mayWait
                && state.line.mustWait(message.precedence, isFull: mosquitto_want_write(handle), at: now)
            let growth = waits ? state.line.held.growth(by: message) : message.size
            guard pending.withLock({ $0.bytes + state.line.held.bytes + growth <= Self.pendingLimit }) else {
                backlog.countLoss()
                return (.full, 0)
            }
            guard waits else {
                // An older message that waits would come after this one.
                state.line.held.drop(message.topic)
                return write(message, &state, handle, at: now)
            }
            state.line.held.hold(message, at: now)
            // Otherwise a receipt wakes the network thread.
            if !state.line.throughput.isAwaiting || mosquitto_want_write(handle) { wake.set() }
            return (.queued, 0)
        }
    }

    /// Looks for receipts, and sends waiting messages as far as the line takes them. Called with the state locked, on the network thread.
    func release(_ state: inout State, _ handle: OpaquePointer) {
        let now = MonotonicTime.seconds()
        var hasReceived = false
        while let identifier = state.line.throughput.nextReceipt, pending.withLock({ $0.sizes[identifier] == nil }) {
            state.line.throughput.received(at: now)
            reportLine(&state, handle)
            hasReceived = true
        }
        guard !state.line.held.isEmpty, !mosquitto_want_write(handle) else { return }
        var held = state.line.held
        state.line.held = HeldMessages()
        // Within a batch on a slow line, no message waits for another.
        let isBatch = state.line.throughput.isSlow && !state.line.throughput.isAwaiting
        var room = state.line.throughput.room
        for precedence in MQTTMessage.Precedence.allCases where precedence != .large || !isBatch {
            guard isBatch || !state.line.throughput.mustWait(precedence, at: now, hasReceived: hasReceived) else {
                continue
            }
            held.release(precedence, at: now) { message, waited in
                let (outcome, _) = write(message, &state, handle, waited: waited, at: now)
                if outcome == .late { return true }
                if precedence >= .normal { room -= message.size }
                let isFull = isBatch && !state.line.throughput.hasQuota(pending: pending.withLock { $0.sizes.count })
                return !mosquitto_want_write(handle) && !isFull && room > 0
                    && (isBatch || !state.line.throughput.mustWait(precedence, at: now, hasReceived: hasReceived))
            }
        }
        state.line.held = held
    }

    private func reportLine(_ state: inout State, _ handle: OpaquePointer) {
        guard let takesLarge = state.line.change() else { return }
        if takesLarge, !state.hasAskedForLarge {
            state.hasAskedForLarge = true
            send(state.subscriptions.filter(\.isLarge), &state, handle)
        }
        report.withLock { $0.takesLarge = takesLarge }
    }

    private func write(
        _ message: MQTTMessage, _ state: inout State, _ handle: OpaquePointer, waited: Double = 0, at now: Double
    ) -> (PublishOutcome, Int32) {
        let delay = waited + state.line.throughput.transit(message.size)
        guard let message = message.arriving(after: delay) else { return (.late, 0) }
        let hasReceipt =
            message.qos == 0
            && state.line.throughput.wantsReceipt(message.size, at: now, pending: pending.withLock { $0.sizes.count })
        // A broker that gives no receipts may never acknowledge anything, and the library would keep back what comes after its quota.
        let isHopeless =
            state.line.throughput.isGivenUp
            && !state.line.throughput.hasQuota(pending: pending.withLock { $0.sizes.count })
        var qos = hasReceipt ? 1 : isHopeless ? 0 : message.qos
        var (code, identifier) = Self.publish(message, qos: qos, handle, state.version)
        if code == MOSQ_ERR_QOS_NOT_SUPPORTED.rawValue32 {
            qos = 0
            state.line.throughput.giveUp()
            reportLine(&state, handle)
            wake.set()
            (code, identifier) = Self.publish(message, qos: qos, handle, state.version)
        }
        if code == MOSQ_ERR_OVERSIZE_PACKET.rawValue32 {
            // A message that waited has no caller any more that could report this.
            note(
                texts.tooLarge(message, limit: state.maximumPacket),
                of: message.topic, .size, isOfSize: true)
            wake.set()
            return (.tooLarge, 0)
        }
        guard code == MOSQ_ERR_SUCCESS.rawValue32 else { return (.failed(code), 0) }
        noteTaken(message.topic, .size)
        let isWaiting = mosquitto_want_write(handle)
        if isWaiting { wake.set() }
        if isWaiting || qos > 0 { pending.withLock { $0.add(identifier, message.size) } }
        if qos > 0 {
            requests.note(
                identifier, .publish(message.topic, bytes: message.size, isLarge: message.precedence == .large))
        }
        // The first acknowledgement of a connection is as good as a receipt.
        let isLarge = message.precedence == .large
        let isReceipt =
            hasReceipt || isLarge || (state.line.throughput.isNarrow == nil && !state.line.throughput.isAwaiting)
        state.line.throughput.sent(
            message.size, receipt: isReceipt && qos > 0 ? identifier : nil, isLarge: isLarge, at: now)
        return (.queued, identifier)
    }

    private static func publish(
        _ message: MQTTMessage, qos: Int, _ handle: OpaquePointer, _ version: ProtocolVersion
    ) -> (Int32, Int32) {
        var identifier: Int32 = 0
        let length = Int32(truncatingIfNeeded: message.payload.count)
        if version == .v5 {
            let properties = PropertyList(message)
            let code = mosquitto_publish_v5(
                handle, &identifier, message.topic, length, message.payload, Int32(qos), message.retain,
                properties.head)
            return (code, identifier)
        }
        let code = mosquitto_publish(
            handle, &identifier, message.topic, length, message.payload, Int32(qos), message.retain)
        return (code, identifier)
    }

    /// Remembers filters and asks for them where there is a connection.
    func subscribe(_ subscriptions: [Subscription]) {
        state.withLock { state in
            let new = subscriptions.filter { !state.subscriptions.contains($0) }
            state.subscriptions += new
            if state.isAccepted, let handle = state.handle?.pointer {
                send(new.filter { !$0.isLarge || state.hasAskedForLarge }, &state, handle)
            }
        }
    }

    /// Asks for filters on the present connection alone.
    func subscribeOnce(_ subscriptions: [Subscription]) {
        state.withLock { state in
            guard state.isAccepted, let handle = state.handle?.pointer else { return }
            send(subscriptions, &state, handle)
        }
    }

    /// Hands on the news that the callbacks left, without a lock.
    func deliverNews(_ deliver: (LinkEvent) -> Void) {
        let news = report.withLock { report in
            let news = report
            if !report.messages.isEmpty { (report.messages, report.bytes) = ([], 0) }
            if !report.refusals.isEmpty { report.refusals = [] }
            if !report.changedTopics.isEmpty { report.changedTopics = [] }
            report.takesLarge = nil
            report.isAcknowledging = false
            return news
        }
        if news.isAcknowledging { state.withLock { $0.line.throughput.noteAcknowledgement() } }
        for refusal in news.refusals { configuration.onRefusal?(refusal) }
        if news.connack == 0, let (version, note) = accept(news) {
            deliver(.connected(version, note: note, place: place.load(ordering: .relaxed)))
        }
        for change in news.changedTopics {
            deliver(.refusal(topic: change.topic, isOver: change.isOver, isOfSize: change.isOfSize))
        }
        if let takesLarge = news.takesLarge { deliver(.line(takesLarge: takesLarge)) }
        for message in news.messages { deliver(.message(message)) }
    }

    /// Notes that the broker accepted CONNECT; `nil` where this is no news.
    private func accept(_ report: Report) -> (ProtocolVersion, note: String?)? {
        state.withLock { state in
            guard !state.isAccepted, let handle = state.handle else { return nil }
            state.isAccepted = true
            state.maximumPacket = report.maximumPacket
            refusedTopics.withLock { $0 = RefusedTopics() }
            if let receiveMaximum = report.receiveMaximum { state.line.throughput.limit(to: receiveMaximum) }
            // Causes come before this point; from here on the library would format a log line for each message, and nobody reads these
            // lines.
            mosquitto_log_callback_set(handle.pointer, nil)
            send(state.subscriptions.filter { !$0.isLarge }, &state, handle.pointer)
            // Nothing more will be known of a broker that gives no receipts.
            if state.line.throughput.isGivenUp {
                reportLine(&state, handle.pointer)
                wake.set()
            }
            let loss = state.version == .v5 ? "" : Self.lostWithout5(state.isOldBySilence)
            let notes = [loss, state.note].filter { !$0.isEmpty }
            state.note = ""
            return (state.version, notes.isEmpty ? nil : notes.joined(separator: "; it "))
        }
    }

    private static func lostWithout5(_ isBySilence: Bool) -> String {
        (isBySilence
            ? "answered in MQTT 3.1.1 and not in MQTT 5, so it speaks 3.1.1 only, or it hung or was just starting (then restart the bridge to use MQTT 5)"
            : "speaks MQTT 3.1.1 only")
            + ": no message expires by itself and answers have no correlation: state, cells and limits are not retained there"
    }

    /// Reason of MQTT 5 for a packet above the broker's limit.
    private static let packetTooLarge: Int32 = 149

    /// Takes the broker's answer to a subscription or a message. A refusal does not end the connection, so it must be reported.
    func answered(_ identifier: Int32, _ reason: Int32) {
        guard let request = requests.take(identifier) else { return }
        guard reason >= 128 else {
            if case .publish(let topic, _, _) = request {
                noteTaken(topic, .answer)
                report.withLock { $0.isAcknowledging = true }
            }
            return
        }
        let text = texts.refusal(of: request, reason)
        if case .publish(let topic, _, _) = request {
            return note(text, of: topic, .answer, isOfSize: reason == Self.packetTooLarge)
        }
        report.withLock { $0.add(text) }
    }

    /// Notes that the broker does not take messages on this topic, for this cause.
    private func note(_ text: String, of topic: String, _ cause: RefusedTopics.Cause, isOfSize: Bool) {
        let isNew = refusedTopics.withLock { $0.add(topic, cause) }
        report.withLock { report in
            report.add(text)
            if isNew { report.changedTopics.append((topic, false, isOfSize)) }
        }
    }

    /// Notes that the broker took a message on this topic, as far as this cause shows.
    private func noteTaken(_ topic: String, _ cause: RefusedTopics.Cause) {
        guard refusedTopics.withLock({ $0.remove(topic, cause) }) else { return }
        report.withLock { $0.changedTopics.append((topic, true, false)) }
        wake.set()
    }

    private func send(_ subscriptions: [Subscription], _ state: inout State, _ handle: OpaquePointer) {
        ask(state.probation.admit(subscriptions, at: MonotonicTime.seconds()), &state, handle)
    }

    /// Asks for the next of the subscriptions that go one by one. Called with the state locked, on the network thread.
    func askNext(_ state: inout State, _ handle: OpaquePointer) {
        guard state.isAccepted, let next = state.probation.next(at: MonotonicTime.seconds()) else { return }
        ask([next], &state, handle)
    }

    private func ask(_ subscriptions: [Subscription], _ state: inout State, _ handle: OpaquePointer) {
        // Where nothing keeps this client's own messages away, the client goes without the messages of others, too.
        for subscription in subscriptions
        where state.version == .v5 || !subscription.noLocal || subscription.toleratesOwn {
            // The next messages wait behind the subscriptions.
            state.line.throughput.sent(subscription.filter.utf8.count, receipt: nil, at: 0)
            let options =
                (subscription.noLocal ? MQTT_SUB_OPT_NO_LOCAL.rawValue : 0)
                | (subscription.retainAsPublished ? MQTT_SUB_OPT_RETAIN_AS_PUBLISHED.rawValue : 0)
            // A NATS cluster agrees about each subscription with quality 1 before it answers, and for a minute after the loss of a node that
            // fails after 4 s each, with everything else waiting behind. The session is clean: what is under way when a connection ends is
            // lost with quality 1, too.
            let qos = state.version == .v5 ? subscription.qos : 0
            var identifier: Int32 = 0
            let code = mosquitto_subscribe_v5(handle, &identifier, subscription.filter, Int32(qos), Int32(options), nil)
            if code == MOSQ_ERR_SUCCESS.rawValue32 { requests.note(identifier, .subscribe(subscription.filter)) }
        }
    }
}

extension LinkCore.Pending {
    mutating func add(_ identifier: Int32, _ size: Int) {
        // Identifiers come round again after 65,535 messages.
        remove(identifier)
        sizes[identifier] = size
        bytes += size
    }

    mutating func remove(_ identifier: Int32) {
        if let size = sizes.removeValue(forKey: identifier) { bytes -= size }
    }
}

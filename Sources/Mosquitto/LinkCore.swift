import CMosquitto
import LinuxIO

/// The library's client. Only a pointer: whoever holds the mutex around it may use it, and the network thread alone
/// creates and destroys it.
struct Handle: @unchecked Sendable {
    let pointer: OpaquePointer
}

/// What the network thread, the callbacks and the owner share. It never refers to ``MosquittoLink``: a last release on
/// the network thread must not join that very thread.
final class LinkCore: Sendable {
    struct State: Sendable {
        /// The client of the present attempt.
        var handle: Handle?
        /// The broker accepted CONNECT on this connection: the only sign that publishing makes sense.
        var isAccepted = false
        var version = ProtocolVersion.v5
        var subscriptions: [Subscription] = []
        var isStopping = false
        /// What waits for the line.
        var held = HeldMessages()
        var pace = LinePace()
        /// What was told of the pace on this connection.
        var isNarrow: Bool?
        /// The large subscriptions were asked for on this connection.
        var hasAskedForLarge = false
        /// Bytes of a packet that the broker takes, where it said so.
        var maximumPacket: Int?
        /// What is lost because of what this broker refused, told with the connection.
        var note = ""
        /// After a message too large to take.
        var probation = Probation()

        mutating func forgetConnection(isOverdue: Bool, at now: Double) {
            handle = nil
            isAccepted = false
            // Nothing is kept for a later connection.
            held = HeldMessages()
            pace = pace.next(isOverdue: isOverdue, at: now)
            isNarrow = nil
            hasAskedForLarge = false
            maximumPacket = nil
            probation.forgetConnection()
        }
    }

    /// What callbacks leave for the network thread. They run while it, or a publisher, holds ``state``.
    struct Report: Sendable {
        /// Answer to CONNECT, if one came; 0 is success.
        var connack: Int32?
        /// Messages that the broker takes unacknowledged, where it said so.
        var receiveMaximum: Int?
        /// Bytes of a packet that the broker takes, where it said so.
        var maximumPacket: Int?
        /// Why the broker ended the connection, where it said so (MQTT 5).
        var dismissal: Int32?
        /// Messages in the order of their arrival.
        var messages: [IncomingMessage] = []
        /// Bytes of their payloads.
        var bytes = 0
        /// Bytes that may come with one turn of the network thread.
        static let room = 4 << 20
        /// Sentences about subscriptions and messages that the broker refused.
        var refusals: [String] = []
        /// Topics of which the broker takes nothing, or takes something again.
        var changedTopics: [(topic: String, isOver: Bool)] = []
        /// What is new of the pace.
        var isNarrow: Bool?
        /// Lines of the library that tell causes.
        var lines: [String] = []
    }

    /// Messages of the present connection that the library still holds: the socket did not take them yet, or the broker has
    /// not acknowledged them.
    struct Pending: Sendable {
        var sizes: [Int32: Int] = [:]
        var bytes = 0
        /// Somebody waits for them.
        var isAwaited = false
    }

    /// Bytes that may pend. A broker that hangs is found out by the keepalive, but one that answers pings and takes nothing
    /// would fill the memory. What a thousand packs say after a connect fits.
    private static let pendingLimit = 32 << 20

    let configuration: LinkConfiguration
    let random: @Sendable () -> Double
    let state = Lock(State())
    let report = Lock(Report())
    let pending = Lock(Pending())
    /// What the broker has yet to answer.
    let requests = PendingRequests()
    /// Topics of which the broker took nothing lately.
    private let refusedTopics = Lock(RefusedTopics())
    let backlog: Backlog
    let stop = EventDescriptor()
    /// Calls the network thread from its wait: something is to be written, or it shall end.
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

    /// Publishes on the accepted connection: a call of the system, unless the socket is full.
    ///
    /// - Parameter mayWait: while the line takes nothing, a message of quality 0 waits in the place of an older one of its topic.
    /// - Returns: the outcome and the library's identifier of the message; 0 while it waits.
    func publish(_ message: OutgoingMessage, mayWait: Bool = true) -> (PublishOutcome, Int32) {
        state.withLock { state in
            guard state.isAccepted, let handle = state.handle?.pointer else { return (.notConnected, 0) }
            let now = MonotonicTime.seconds()
            let waits = mayWait && message.mayWait && mustWait(message.precedence, state, handle, at: now)
            let growth = waits ? state.held.growth(by: message) : message.size
            guard pending.withLock({ $0.bytes + state.held.bytes + growth <= Self.pendingLimit }) else {
                backlog.countLoss()
                return (.full, 0)
            }
            guard waits else {
                // What waited would come after it.
                state.held.drop(message.topic)
                return write(message, &state, handle, at: now)
            }
            state.held.hold(message, at: now)
            // Else a receipt calls the network thread.
            if !state.pace.isAwaiting || mosquitto_want_write(handle) { wake.set() }
            return (.queued, 0)
        }
    }

    /// Urgent messages wait for the line and for each other, the others for all that wait.
    private func mustWait(
        _ precedence: OutgoingMessage.Precedence, _ state: State, _ handle: OpaquePointer, at now: Double
    ) -> Bool {
        mosquitto_want_write(handle) || state.held.holds(precedence <= .early ? .first ... .early : .first ... .normal)
            || state.pace.mustWait(precedence, at: now)
    }

    /// Looks for receipts, and sends what waited as far as the line takes it. Called with the state locked, on the network thread.
    func release(_ state: inout State, _ handle: OpaquePointer) {
        let now = MonotonicTime.seconds()
        var hasReceived = false
        while let identifier = state.pace.nextReceipt, pending.withLock({ $0.sizes[identifier] == nil }) {
            state.pace.received(at: now)
            notePace(&state, handle)
            hasReceived = true
        }
        guard !state.held.isEmpty, !mosquitto_want_write(handle) else { return }
        var held = state.held
        state.held = HeldMessages()
        // Of a batch on a slow line nothing waits for the rest of it.
        let isBatch = state.pace.isSlow && !state.pace.isAwaiting
        var room = state.pace.room
        for precedence in OutgoingMessage.Precedence.allCases where precedence != .large || !isBatch {
            guard isBatch || !state.pace.mustWait(precedence, at: now, hasReceived: hasReceived) else { continue }
            held.release(precedence, at: now) { message, waited in
                let (outcome, _) = write(message, &state, handle, waited: waited, at: now)
                if outcome == .late { return true }
                if precedence == .normal { room -= message.size }
                let isFull = isBatch && !state.pace.hasQuota(pending: pending.withLock { $0.sizes.count })
                return !mosquitto_want_write(handle) && !isFull && room > 0
                    && (isBatch || !state.pace.mustWait(precedence, at: now, hasReceived: hasReceived))
            }
        }
        state.held = held
    }

    private func notePace(_ state: inout State, _ handle: OpaquePointer) {
        guard let isNarrow = state.pace.isNarrow, isNarrow != state.isNarrow else { return }
        if !isNarrow, !state.hasAskedForLarge {
            state.hasAskedForLarge = true
            send(state.subscriptions.filter(\.isLarge), &state, handle)
        }
        state.isNarrow = isNarrow
        report.withLock { $0.isNarrow = isNarrow }
    }

    private func write(
        _ message: OutgoingMessage, _ state: inout State, _ handle: OpaquePointer, waited: Double = 0, at now: Double
    ) -> (PublishOutcome, Int32) {
        let delay = waited + state.pace.transit(message.size)
        guard let message = message.arriving(after: delay) else { return (.late, 0) }
        let hasReceipt =
            message.qos == 0
            && state.pace.wantsReceipt(message.size, at: now, pending: pending.withLock { $0.sizes.count })
        var qos = hasReceipt ? 1 : message.qos
        var (code, identifier) = Self.publish(message, qos: qos, handle, state.version)
        if code == MOSQ_ERR_QOS_NOT_SUPPORTED.rawValue32 {
            qos = 0
            state.pace.giveUp()
            notePace(&state, handle)
            wake.set()
            (code, identifier) = Self.publish(message, qos: qos, handle, state.version)
        }
        if code == MOSQ_ERR_OVERSIZE_PACKET.rawValue32 {
            // One that waited has no caller any more that could tell it.
            note(
                FailureText(configuration: configuration).tooLarge(message, limit: state.maximumPacket),
                of: message.topic, .size)
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
        let isReceipt = hasReceipt || isLarge || (state.pace.isNarrow == nil && !state.pace.isAwaiting)
        state.pace.sent(message.size, receipt: isReceipt && qos > 0 ? identifier : nil, isLarge: isLarge, at: now)
        return (.queued, identifier)
    }

    private static func publish(
        _ message: OutgoingMessage, qos: Int, _ handle: OpaquePointer, _ version: ProtocolVersion
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

    /// Hands on what the callbacks left, without a lock.
    func deliverNews(_ deliver: (LinkEvent) -> Void) {
        let news = report.withLock { report in
            let news = report
            if !report.messages.isEmpty { (report.messages, report.bytes) = ([], 0) }
            if !report.refusals.isEmpty { report.refusals = [] }
            if !report.changedTopics.isEmpty { report.changedTopics = [] }
            report.isNarrow = nil
            return news
        }
        for refusal in news.refusals { configuration.onRefusal?(refusal) }
        if news.connack == 0, let (version, note) = accept(news) {
            deliver(.connected(version, note: note))
        }
        for change in news.changedTopics { deliver(.refusal(topic: change.topic, isOver: change.isOver)) }
        if let isNarrow = news.isNarrow { deliver(.pace(isNarrow: isNarrow)) }
        for message in news.messages { deliver(.message(message)) }
    }

    /// The broker accepted CONNECT; `nil` when that is no news.
    private func accept(_ report: Report) -> (ProtocolVersion, note: String?)? {
        state.withLock { state in
            guard !state.isAccepted, let handle = state.handle else { return nil }
            state.isAccepted = true
            state.maximumPacket = report.maximumPacket
            refusedTopics.withLock { $0 = RefusedTopics() }
            if let receiveMaximum = report.receiveMaximum { state.pace.limit(to: receiveMaximum) }
            // Causes are told before this; from here on each message would be worded for a line that nobody reads.
            mosquitto_log_callback_set(handle.pointer, nil)
            send(state.subscriptions.filter { !$0.isLarge }, &state, handle.pointer)
            // Of a broker that gives no receipts nothing more will be known.
            if state.pace.isGivenUp {
                notePace(&state, handle.pointer)
                wake.set()
            }
            let notes = [state.version == .v5 ? nil : Self.lostWithout5, state.note].compactMap { $0 }.filter {
                !$0.isEmpty
            }
            state.note = ""
            return (state.version, notes.isEmpty ? nil : notes.joined(separator: "; it "))
        }
    }

    private static let lostWithout5 =
        "speaks MQTT 3.1.1 only: no message expires by itself and answers have no correlation: state, cells and limits are not retained there"

    /// The broker answered a subscription or a message that wants an answer. A refusal ends nothing, and so it must be told.
    func answered(_ identifier: Int32, _ reason: Int32) {
        guard let request = requests.take(identifier) else { return }
        guard reason >= 128 else {
            if case .publish(let topic, _, _) = request { noteTaken(topic, .answer) }
            return
        }
        let text = FailureText(configuration: configuration).refusal(of: request, reason)
        if case .publish(let topic, _, _) = request { return note(text, of: topic, .answer) }
        report.withLock { $0.add(text) }
    }

    /// The broker takes a message on this topic not, for this cause.
    private func note(_ text: String, of topic: String, _ cause: RefusedTopics.Cause) {
        let isNew = refusedTopics.withLock { $0.add(topic, cause) }
        report.withLock { report in
            report.add(text)
            if isNew { report.changedTopics.append((topic, false)) }
        }
    }

    /// The broker took a message on this topic, as far as such a cause shows.
    private func noteTaken(_ topic: String, _ cause: RefusedTopics.Cause) {
        guard refusedTopics.withLock({ $0.remove(topic, cause) }) else { return }
        report.withLock { $0.changedTopics.append((topic, true)) }
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
        // Where nothing keeps this client's own messages away, it goes without the others', too.
        for subscription in subscriptions
        where state.version == .v5 || !subscription.noLocal || subscription.toleratesOwn {
            // What is said next waits behind them.
            state.pace.sent(subscription.filter.utf8.count, receipt: nil, at: 0)
            let options =
                (subscription.noLocal ? MQTT_SUB_OPT_NO_LOCAL.rawValue : 0)
                | (subscription.retainAsPublished ? MQTT_SUB_OPT_RETAIN_AS_PUBLISHED.rawValue : 0)
            var identifier: Int32 = 0
            let code = mosquitto_subscribe_v5(
                handle, &identifier, subscription.filter, Int32(subscription.qos), Int32(options), nil)
            if code == MOSQ_ERR_SUCCESS.rawValue32 { requests.note(identifier, .subscribe(subscription.filter)) }
        }
    }
}

extension LinkCore.Report {
    /// Sentences that wait for the network thread: what is said of a thousand packs is said of a few.
    private static let most = 64

    mutating func add(_ refusal: String) {
        if refusals.count < Self.most { refusals.append(refusal) }
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

import BatteryEngine
import BMSCore
import MQTT

/// Words of somebody else where only this bridge speaks: the truth is published again with the next step, and a person is told once.
extension Bridge {
    /// Handles a document that somebody else published.
    ///
    /// - Parameters:
    ///   - isRetained: the broker kept it, or its sender wanted it kept.
    ///   - expires: the broker forgets it by itself.
    mutating func hear(
        _ word: DocumentKind, of id: String, _ payload: [UInt8], isRetained: Bool, expires: Bool, at now: Moment,
        into outbox: inout Outbox
    ) {
        guard let place = place(of: id) else { return }
        if word.isKept, isRetained {
            // The settings of this bridge were published with the connection.
            guard word != .settings, !payload.isEmpty else { return }
            if expires {
                // Probably this bridge left it, and then it is gone by that time; else it goes where nothing takes its place.
                if !channels[place].has(word) {
                    strangers.owe(.document(word), of: id, from: now.monotonic + options.longestStay)
                }
                return
            }
        }
        guard word != .settings || !channels[place].hasNewestSettings(payload) else { return }
        // Nobody is misled by a topic that was emptied and is to be empty.
        guard word.isKept || !payload.isEmpty else { return }
        if word == .limits, !isRetained { strangers.heardLimits(payload, of: id, at: now.monotonic) }
        if let sentence = strangers.sentence(options.topics.word(word, of: id), id, payload, at: now.monotonic) {
            outbox.log(.warning, sentence)
        }
        // A live word where nothing is kept is over with the next document: nothing is to be said.
        guard word.isKept || isRetained else { return }
        // Where nothing is known here, a word that somebody says just now may be that of a bridge with data.
        strangers.owe(
            .document(word), of: id, from: now.monotonic + (isRetained ? 0 : StrangerWatch.presence))
        correct(at: now, into: &outbox)
    }

    /// Handles a status of a battery that somebody else published.
    mutating func hearStatus(of id: String, _ payload: [UInt8], at now: Moment, into outbox: inout Outbox) {
        guard let place = place(of: id),
            payload != Array((channels[place].isOnline ? "online" : "offline").utf8)
        else { return }
        if let sentence = strangers.sentence(options.topics.status(id), id, payload, at: now.monotonic) {
            outbox.log(.warning, sentence)
        }
        strangers.owe(.status, of: id, from: now.monotonic)
        correct(at: now, into: &outbox)
    }

    /// Handles a live announcement: this bridge's own comes back, and every other is somebody else's.
    mutating func hearAnnouncement(
        _ topic: String, _ payload: [UInt8], node: String, at now: Moment, into outbox: inout Outbox
    ) {
        guard let place = place(ofNode: node),
            !channels[place].hasAnnounced(topic, payload)
        else { return }
        let id = channels[place].battery.id
        if payload.contains("/\(id)/"), !payload.contains("\"\(options.topics.base)/\(id)/") {
            // The other bridge would answer each answer.
            if let sentence = strangers.sameName(topic, id, at: now.monotonic) { outbox.log(.warning, sentence) }
            return
        }
        if let sentence = strangers.sentence(topic, id, payload, at: now.monotonic) { outbox.log(.warning, sentence) }
        strangers.owe(.announcement, of: id, from: now.monotonic)
        correct(at: now, into: &outbox)
    }

    /// Corrects what may be corrected now; the rest waits.
    mutating func correct(at now: Moment, into outbox: inout Outbox) {
        guard !strangers.owesNothing else { return }
        let (channels, places) = (self.channels, self.channels.indices)
        let paid = strangers.pay(at: now.monotonic) { debt in
            guard let place = places.first(where: { channels[$0].battery.id == debt.pack }) else { return false }
            return switch debt.word {
            case .status: channels[place].isOnline
            // Without data the settings of a bridge that has some are left alone.
            case .document(let word): channels[place].has(word) && (word != .settings || channels[place].isOnline)
            case .announcement: true
            }
        }
        for debt in paid {
            guard let place = place(of: debt.pack) else { continue }
            engine.demandReport(of: place)
            switch debt.word {
            case .status: self.channels[place].repeatStatus()
            case .announcement: self.channels[place].announceAgain(at: now)
            case .document(let word) where channels[place].has(word): self.channels[place].repeatDocument(word)
            case .document(let word):
                outbox.send(MQTTMessage(options.topics.word(word, of: debt.pack), [], retain: true))
            }
        }
    }

    /// Place of the battery of an id; `nil`: there is none.
    func place(of id: String) -> Int? { channels.firstIndex { $0.battery.id == id } }

    /// Place of the battery that is announced under a node; `nil`: there is none.
    func place(ofNode node: String) -> Int? { channels.firstIndex { Discovery.node($0.battery.id) == node } }
}

extension [UInt8] {
    /// These bytes stand somewhere in it.
    func contains(_ text: String) -> Bool {
        let words = Array(text.utf8)
        guard count >= words.count else { return false }
        return (0...count - words.count).contains { self[$0..<$0 + words.count].elementsEqual(words) }
    }
}

import MQTT
import BMSCore

/// Words of somebody else where only this bridge speaks: what is true is said again with the next step, and a person is told once.
extension Bridge {
    /// - Parameters:
    ///   - isRetained: the broker kept it, or its sender wanted it kept.
    ///   - expires: the broker forgets it by itself.
    mutating func hear(
        _ word: OwnWord, of id: String, _ payload: [UInt8], isRetained: Bool, expires: Bool, at now: Moment
    ) -> Outbox {
        var outbox = Outbox()
        guard hasPack(id) else { return outbox }
        if word.isKept, isRetained {
            // Its settings were said anew with the connection.
            guard word != .settings, !payload.isEmpty else { return outbox }
            if expires {
                // This bridge left it, probably, and then it is gone by that time; else it goes where nothing takes its place.
                if !knows(word, of: id) {
                    strangers.owe(.document(word), of: id, from: now.monotonic + options.longestStay)
                }
                return outbox
            }
        }
        guard word != .settings || !hasSaidSettings(payload, of: id) else { return outbox }
        // Nobody is misled by a topic that was emptied and is to be empty.
        guard word.isKept || !payload.isEmpty else { return outbox }
        if word == .limits, !isRetained { strangers.heardLimits(payload, of: id, at: now.monotonic) }
        if let sentence = strangers.sentence(options.topics.word(word, of: id), id, payload) {
            outbox.say(.warning, sentence)
        }
        // A live word where nothing is kept is over with the next document: nothing is to be said.
        guard word.isKept || isRetained else { return outbox }
        // Where nothing is known here, a word that somebody says just now may be that of a bridge with data.
        strangers.owe(
            .document(word), of: id, from: now.monotonic + (isRetained ? 0 : StrangerWatch.presence))
        putRight(at: now, into: &outbox)
        return outbox
    }

    /// Somebody else spoke on a pack's status.
    mutating func hearStatus(of id: String, _ payload: [UInt8], at now: Moment) -> Outbox {
        var outbox = Outbox()
        guard hasPack(id), payload != Array((saysOnline(id) ? "online" : "offline").utf8) else { return outbox }
        if let sentence = strangers.sentence(options.topics.status(id), id, payload) { outbox.say(.warning, sentence) }
        strangers.owe(.status, of: id, from: now.monotonic)
        putRight(at: now, into: &outbox)
        return outbox
    }

    /// An announcement came live: its own comes back, and what is not its own is somebody else's.
    mutating func hearAnnouncement(_ topic: String, _ payload: [UInt8], node: String, at now: Moment) -> Outbox {
        var outbox = Outbox()
        let pack = packs.firstIndex { Discovery.node($0.options.id) == node }
        let bank = banks.firstIndex { Discovery.node($0.options.id) == node }
        guard let id = pack.map({ packs[$0].options.id }) ?? bank.map({ banks[$0].options.id }),
            pack.map({ packs[$0].hasSaid(topic, payload) }) != true,
            bank.map({ banks[$0].hasSaid(topic, payload) }) != true
        else { return outbox }
        if payload.contains("/\(id)/"), !payload.contains("\"\(options.topics.base)/\(id)/") {
            // The other bridge would answer each answer.
            if let sentence = strangers.sameName(topic, id) { outbox.say(.warning, sentence) }
            return outbox
        }
        if let sentence = strangers.sentence(topic, id, payload) { outbox.say(.warning, sentence) }
        strangers.owe(.announcement, of: id, from: now.monotonic)
        putRight(at: now, into: &outbox)
        return outbox
    }

    /// Has said again what may be said again now; the rest waits.
    mutating func putRight(at now: Moment, into outbox: inout Outbox) {
        guard !strangers.owesNothing else { return }
        var watch = strangers
        let paid = watch.pay(at: now.monotonic) { debt in
            switch debt.word {
            case .status: saysOnline(debt.pack)
            // Without data the settings of a bridge that has some are left alone.
            case .document(let word): knows(word, of: debt.pack) && (word != .settings || saysOnline(debt.pack))
            case .announcement: true
            }
        }
        strangers = watch
        for debt in paid {
            let pack = packs.firstIndex { $0.options.id == debt.pack }
            let bank = banks.firstIndex { $0.options.id == debt.pack }
            switch debt.word {
            case .status:
                if let pack { packs[pack].forgetStatus() }
                if let bank { banks[bank].forgetStatus() }
            case .announcement:
                if let pack { packs[pack].announceAgain(at: now) }
                if let bank { banks[bank].announceAgain(at: now) }
            case .document(let word):
                guard knows(word, of: debt.pack) else {
                    outbox.send(MQTTMessage(options.topics.word(word, of: debt.pack), [], retain: true))
                    continue
                }
                if let pack { packs[pack].forget(word) }
                if let bank { banks[bank].forget(word) }
            }
        }
    }

    private func hasPack(_ id: String) -> Bool {
        packs.contains { $0.options.id == id } || banks.contains { $0.options.id == id }
    }

    private func saysOnline(_ id: String) -> Bool {
        packs.contains { $0.options.id == id && $0.saysOnline }
            || banks.contains { $0.options.id == id && $0.saysOnline }
    }

    /// Another bridge of the same configuration says the same.
    private func hasSaidSettings(_ payload: [UInt8], of id: String) -> Bool {
        packs.contains { $0.options.id == id && $0.hasSaidSettings(payload) }
    }

    /// This bridge has such a document to say.
    private func knows(_ word: OwnWord, of id: String) -> Bool {
        packs.contains { $0.options.id == id && $0.knows(word) }
            || banks.contains { $0.options.id == id && $0.knows(word) }
    }
}

extension [UInt8] {
    /// These bytes stand somewhere in it.
    func contains(_ text: String) -> Bool {
        let words = Array(text.utf8)
        guard count >= words.count else { return false }
        return (0...count - words.count).contains { self[$0..<$0 + words.count].elementsEqual(words) }
    }
}

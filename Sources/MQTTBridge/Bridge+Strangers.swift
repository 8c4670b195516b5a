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
            // What this bridge left expires, and its settings were said anew with the connection.
            guard word != .settings, !expires, !payload.isEmpty else { return outbox }
        }
        // Nobody is misled by a topic that was emptied and is to be empty.
        guard word.isKept || !payload.isEmpty else { return outbox }
        if word == .limits, !isRetained { strangers.heardLimits(payload, of: id, at: now.monotonic) }
        let topic = options.topics.word(word, of: id)
        if let sentence = strangers.sentence(topic, id, payload) { outbox.say(.warning, sentence) }
        // A live word where nothing is kept is over with the next document: nothing is to be said.
        guard word.isKept || isRetained, strangers.mayCorrect(id, at: now.monotonic) else { return outbox }
        let isKnown = word.isKept && forget(word, of: id)
        // Where nothing is known here, a word that somebody says just now may be that of a bridge with data.
        if !isKnown, isRetained {
            outbox.send(OutboundMessage(topic, [], retain: true))
        }
        return outbox
    }

    /// Somebody else spoke on a pack's status.
    mutating func hearStatus(of id: String, _ payload: [UInt8], at now: Moment) -> Outbox {
        var outbox = Outbox()
        guard hasPack(id) else { return outbox }
        let isOnline =
            packs.contains { $0.options.id == id && $0.saysOnline }
            || banks.contains { $0.options.id == id && $0.saysOnline }
        guard payload != Array((isOnline ? "online" : "offline").utf8) else { return outbox }
        // Of two bridges the one with data has the last word.
        let isRival = !isOnline && payload == Array("online".utf8) && strangers.hasRival(id, at: now.monotonic)
        let topic = options.topics.status(id)
        if let sentence = strangers.sentence(topic, id, payload) { outbox.say(.warning, sentence) }
        guard !isRival, isOnline || strangers.mayCorrect(id, at: now.monotonic) else { return outbox }
        for index in packs.indices where packs[index].options.id == id { packs[index].forgetStatus() }
        for index in banks.indices where banks[index].options.id == id { banks[index].forgetStatus() }
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
        if let sentence = strangers.sentence(topic, id, payload) { outbox.say(.warning, sentence) }
        guard strangers.mayAnnounce(id, at: now.monotonic) else { return outbox }
        if let pack { packs[pack].announceAgain(at: now) }
        if let bank { banks[bank].announceAgain(at: now) }
        return outbox
    }

    private func hasPack(_ id: String) -> Bool {
        packs.contains { $0.options.id == id } || banks.contains { $0.options.id == id }
    }

    /// Has a document said again with the next step.
    ///
    /// - Returns: there is something to say.
    private mutating func forget(_ word: OwnWord, of id: String) -> Bool {
        if let index = packs.firstIndex(where: { $0.options.id == id }) { return packs[index].forget(word) }
        guard let index = banks.firstIndex(where: { $0.options.id == id }) else { return false }
        return banks[index].forget(word)
    }
}

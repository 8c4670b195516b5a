import CMicrohttpd
import LinuxIO

/// Requests, from their heads to their answers.
extension ServerThread {
    /// Goes on with a request: once with its head, for each part of the body, and at the end.
    ///
    /// - Returns: `false` closes the connection.
    func proceed(_ connection: OpenConnection, _ method: String, _ body: UnsafeRawBufferPointer) -> Bool {
        pace.hasMoved = true
        guard !connection.isClosing else { return false }
        return switch connection.phase {
        case .waiting: takeHead(connection, method)
        case .receiving(let head, let isTooLong):
            if body.isEmpty { complete(connection, head, isTooLong) } else { takeBody(connection, body) }
        case .owed(let owed, let isHead, let until): settle(connection, owed, isHead, until)
        case .answering, .streaming: false
        }
    }

    private func takeHead(_ connection: OpenConnection, _ method: String) -> Bool {
        var fields: [RequestHead.Field] = []
        withUnsafeMutablePointer(to: &fields) { pointer in
            cmicrohttpd_headers(connection.handle, collectField, pointer)
        }
        do throws(Refusal) {
            var head = try RequestHead(
                method: method, target: connection.target, fields: fields, peer: connection.peer.text, options)
            (head.request.address, head.request.network) = (connection.peer.bytes, connection.peer.network)
            head.request.isLoopback = connection.peer.isLoopback
            connection.phase = .receiving(head, isTooLong: false)
            return true
        } catch {
            return refuse(connection, error, isHead: method == "HEAD")
        }
    }

    private func takeBody(_ connection: OpenConnection, _ part: UnsafeRawBufferPointer) -> Bool {
        guard case .receiving(var head, let isTooLong) = connection.phase else { return false }
        // Not kept while it grows: two owners would mean a copy for each part.
        connection.phase = .waiting
        if !isTooLong, head.request.body.count + part.count <= options.bodyLength {
            head.request.body.append(contentsOf: part)
            connection.phase = .receiving(head, isTooLong: false)
            return true
        }
        // In chunks, a body does not say how long it will be. The library takes no answer before its end.
        connection.surplus += part.count
        head.request.body = []
        connection.phase = .receiving(head, isTooLong: true)
        return connection.surplus <= options.bodyLength * 4
    }

    private func complete(_ connection: OpenConnection, _ head: RequestHead, _ isTooLong: Bool) -> Bool {
        if isTooLong { return refuse(connection, .tooLong(options), isHead: head.isHead) }
        shared.count { $0.requests += 1 }
        let answer = handler(head.request)
        if case .later(let owed) = answer.content {
            owed.attach(shared.wake)
            return settle(connection, owed, head.isHead, MonotonicTime.seconds() + owed.seconds)
        }
        return send(connection, answer, isHead: head.isHead)
    }

    /// Sends an answer that was owed, or waits for it.
    private func settle(_ connection: OpenConnection, _ owed: LaterAnswer, _ isHead: Bool, _ until: Double) -> Bool {
        var answer = owed.answer
        if answer == nil, shared.state.withLock({ $0.isEnding }) { answer = .error(503, "the web server stops") }
        if answer == nil, MonotonicTime.seconds() >= until { answer = owed.substitute }
        if let answer {
            if case .later = answer.content {
                return send(connection, .error(500, "an answer was owed twice"), isHead: isHead)
            }
            return send(connection, answer, isHead: isHead)
        }
        connection.phase = .owed(owed, isHead: isHead, until: until)
        connection.deadline = .infinity
        connection.suspend()
        return true
    }

    private func refuse(_ connection: OpenConnection, _ refusal: Refusal, isHead: Bool) -> Bool {
        shared.count { $0.refused += 1 }
        var answer = HTTPAnswer.error(refusal.status, refusal.text)
        if refusal.status == 405 { answer.headers["Allow"] = RequestHead.methods }
        answer.headers["Connection"] = "close"
        return send(connection, answer, isHead: isHead)
    }

    func send(_ connection: OpenConnection, _ answer: HTTPAnswer, isHead: Bool) -> Bool {
        connection.phase = .answering
        connection.deadline = MonotonicTime.seconds() + options.answerSeconds
        if case .events(let tag, let mayGoOn, let first) = answer.content {
            if isHead { return queue(connection, answer, cmicrohttpd_bytes(nil, 0)) }
            return open(connection, answer, tag, mayGoOn, first)
        }
        if case .bytes(let bytes) = answer.content, bytes.count >= options.smallAnswer {
            guard hasRoom(for: bytes.count, connection.peer) else {
                shared.count { $0.refused += 1 }
                return send(
                    connection, .error(503, "many large answers are under way: ask again in a few seconds"),
                    isHead: isHead)
            }
            connection.answerBytes = bytes.count
        }
        switch Response.make(answer.content) {
        case .success(let response): return queue(connection, answer, response)
        case .failure(let refusal):
            let answer = HTTPAnswer.error(refusal.status, refusal.text)
            guard case .success(let response) = Response.make(answer.content) else { return false }
            return queue(connection, answer, response)
        }
    }

    /// The answers under way leave room for another one.
    private func hasRoom(for bytes: Int, _ peer: PeerAddress) -> Bool {
        var (near, all) = (bytes, bytes)
        for other in connections.values {
            all += other.answerBytes
            if other.peer.network == peer.network { near += other.answerBytes }
        }
        return all <= options.answerBytes && (near <= options.answerBytesPerNetwork || !peer.isBounded(options))
    }

    /// Hands an answer to the library.
    func queue(_ connection: OpenConnection, _ answer: HTTPAnswer, _ response: OpaquePointer?) -> Bool {
        guard let response else { return false }
        defer { MHD_destroy_response(response) }
        guard Response.addHeaders(answer, to: response, options) else { return false }
        return MHD_queue_response(connection.handle, UInt32(answer.status), response) == cmicrohttpd_yes
    }
}

import BMSCore
import BatteryEngine
import HTTPServer
import JSON
import LinuxIO

/// Who may look at the page, and who may command from it.
final class PageAccess: Sendable {
    /// Somebody who gave the password.
    private struct Session {
        /// Text that requests which change something have to repeat: a page of another site cannot read it.
        let token: String
        let begin: Timestamp
        var lastUse: Timestamp
    }

    private struct State {
        var sessions: [String: Session] = [:]
        /// Wrong passwords, by address, or by IPv6 network: one machine has all addresses of such a network.
        var attempts: [[UInt8]: RateLimiter] = [:]
        /// Addresses that gave the password, the newest last, with their wrong passwords. In IPv6 these are not networks, which others of
        /// the same home share.
        var owners: [(address: [UInt8], attempts: RateLimiter)] = []
        /// Wrong passwords from everywhere: who has many addresses may not guess either.
        var allAttempts = RateLimiter(burst: 100, perSecond: 2)
        var commands = RateLimiter(burst: 10, perSecond: 1)
    }

    /// Sessions at a time; the one that was unused longest ends when there would be more.
    static let mostSessions = 64
    /// Milliseconds without a request after which a session ends.
    static let idle: Int64 = 12 * 3_600_000
    /// Longest session, milliseconds.
    static let longest: Int64 = 7 * 24 * 3_600_000
    /// Addresses whose wrong passwords are counted.
    static let mostAddresses = 1_000

    /// Wrong passwords of somebody who gave none yet.
    private static let attempts = RateLimiter(burst: 5, perSecond: 0.1)

    private let password: String?
    /// Everybody who reaches the page may look.
    private let readsFreely: Bool
    /// Name of the cookie. A browser sends cookies to all ports of a machine, so that two pages need two names.
    private let cookie: String
    /// Unguessable text.
    private let secret: @Sendable () -> String
    private let state = Lock(State())

    init(
        password: String?, readsFreely: Bool, port: Int = 0,
        secret: @escaping @Sendable () -> String = PageAccess.randomText
    ) {
        (self.password, self.readsFreely, self.secret) = (password, readsFreely, secret)
        cookie = "bms-mqtt-\(port)"
    }

    /// Commands are taken from those who give the password.
    var takesCommands: Bool { password != nil }

    /// Lets a request read what the batteries say.
    ///
    /// - Returns: the refusal; `nil`: it may.
    func refusalToRead(_ request: HTTPRequest, at now: Timestamp) -> HTTPAnswer? {
        if readsFreely || token(of: request, at: now) != nil { return nil }
        let refusal = HTTPAnswer.error(
            401, "the password of this page is needed, as in a header 'Authorization: Bearer PASSWORD'")
        // As programs log in: Prometheus, scripts. Another scheme is meant for somebody else, as a reverse proxy.
        guard let header = request.header("authorization"), header.lowercased().hasPrefix("bearer ") else {
            return refusal
        }
        return check(String(header.dropFirst(7)), request, refusal, at: now)
    }

    /// Lets the stream of a reader with a session go on until the session ends. The stream counts as use of the session.
    func mayGoOn(
        _ request: HTTPRequest, at now: Timestamp, _ clock: @escaping @Sendable () -> Timestamp
    ) -> (@Sendable () -> Bool)? {
        guard !readsFreely, token(of: request, at: now) != nil else { return nil }
        return { self.token(of: request, at: clock()) != nil }
    }

    /// Lets a request change something.
    ///
    /// - Returns: the refusal; `nil`: it may.
    func refusalToCommand(_ request: HTTPRequest, at now: Timestamp) -> HTTPAnswer? {
        guard takesCommands else {
            return .error(403, "this page takes no commands: start 'bms-mqtt web' with --password-file")
        }
        guard let token = token(of: request, at: now) else { return .error(401, "log in first") }
        guard let given = request.header("x-token"), Self.isSame(given, token) else {
            return .error(403, "the request does not come from the page: load it again")
        }
        guard case .pass = state.withLock({ $0.commands.check(at: now) }) else {
            return .tooMany("too many commands: wait a few seconds", seconds: 2)
        }
        return nil
    }

    /// What a page asks first: whether it is logged in, and its token.
    func session(_ request: HTTPRequest, at now: Timestamp) -> HTTPAnswer {
        let token = token(of: request, at: now)
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("loggedIn", token != nil)
        writer.member("token", optional: token)
        writer.member("mayRead", readsFreely || token != nil)
        writer.endObject()
        return .json(writer.bytes)
    }

    /// Begins a session for who gives the password.
    func login(_ request: HTTPRequest, at now: Timestamp) -> HTTPAnswer {
        guard takesCommands else { return .error(403, "this page has no password") }
        let given = JSONValue(parsing: request.body)?["password"]?.text
        if let refusal = check(given, request, .error(403, "the password is wrong"), at: now) { return refusal }
        let (id, session) = (secret(), Session(token: secret(), begin: now, lastUse: now))
        state.withLock { state in
            if state.sessions.count >= Self.mostSessions,
                let oldest = state.sessions.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                state.sessions[oldest.key] = nil
            }
            state.sessions[id] = session
        }
        return setCookie(id, request)
    }

    /// Ends the session of a request.
    func logout(_ request: HTTPRequest) -> HTTPAnswer {
        if let id = request.cookie(cookie) { state.withLock { $0.sessions[id] = nil } }
        return setCookie("; Max-Age=0", request)
    }

    /// 128 bits of the system's random numbers.
    static func randomText() -> String {
        var source = SystemRandomNumberGenerator()
        return (0..<2).map { _ in
            let digits = String(source.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    private func setCookie(_ value: String, _ request: HTTPRequest) -> HTTPAnswer {
        var answer = HTTPAnswer.empty(204)
        // Without a path the cookie belongs to the folder of the page, wherever a reverse proxy has put that.
        let secure = request.header("x-forwarded-proto") == "https" ? "; Secure" : ""
        answer.headers["Set-Cookie"] = "\(cookie)=\(value); HttpOnly; SameSite=Strict\(secure)"
        return answer
    }

    /// The token of the session of a request; `nil`: there is none, or it has ended.
    private func token(of request: HTTPRequest, at now: Timestamp) -> String? {
        guard let id = request.cookie(cookie) else { return nil }
        return state.withLock { state in
            guard var session = state.sessions[id] else { return nil }
            guard now - session.lastUse < Self.idle, now - session.begin < Self.longest else {
                state.sessions[id] = nil
                return nil
            }
            session.lastUse = now
            state.sessions[id] = session
            return session.token
        }
    }

    /// Compares a password with the page's. Wrong ones are counted, and after too many even a right one has to wait.
    ///
    /// - Returns: the refusal; `nil`: it is the password.
    private func check(_ given: String?, _ request: HTTPRequest, _ refusal: HTTPAnswer, at now: Timestamp)
        -> HTTPAnswer?
    {
        state.withLock { state in
            let place = state.owners.firstIndex { $0.address == request.address }
            var own = place.map { state.owners[$0].attempts } ?? state.attempts[request.network] ?? Self.attempts
            var all = state.allAttempts
            let isPassed = own.check(at: now) == .pass
            // Others who guess keep nobody out who gave the password before.
            guard isPassed, place != nil || all.check(at: now) == .pass else {
                return .tooMany("too many wrong passwords: wait ten seconds", seconds: 10)
            }
            if let given, let password, Self.isSame(given, password) {
                if place == nil {
                    state.owners = state.owners.suffix(Self.mostSessions - 1) + [(request.address, Self.attempts)]
                }
                return nil
            }
            state.allAttempts = all
            if let place {
                state.owners[place].attempts = own
            } else {
                if state.attempts[request.network] == nil, state.attempts.count >= Self.mostAddresses {
                    state.attempts[state.attempts.keys.first ?? []] = nil
                }
                state.attempts[request.network] = own
            }
            return refusal
        }
    }

    /// Compares in a time that does not depend on where two texts differ.
    private static func isSame(_ one: String, _ other: String) -> Bool {
        let (one, other) = (Array(one.utf8), Array(other.utf8))
        guard one.count == other.count else { return false }
        return zip(one, other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

extension HTTPAnswer {
    /// The refusal of what comes too often.
    fileprivate static func tooMany(_ text: String, seconds: Int) -> HTTPAnswer {
        var answer = error(429, text)
        answer.headers["Retry-After"] = String(seconds)
        return answer
    }
}

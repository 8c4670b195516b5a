/// The pace of the server's thread: it rests while the library asks for turns in which nothing happens. Pure.
///
/// The library asks for another turn at once as long as a connection has bytes to read and no room for them. A client can hold one in that
/// state until its time is over, and the thread would take a whole processor meanwhile.
struct TurnPace {
    /// Turns in a row that may pass without a rest. A request that is answered takes a few.
    static let mostIdle = 32
    /// Seconds of a rest. It ends early when anything happens on a connection.
    static let rest = 0.01

    /// The library did something for a connection since the last turn ended.
    var hasMoved = false
    /// Turns in a row in which nothing happened, although the library had asked for them.
    private var idle = 0

    /// Ends a turn.
    ///
    /// - Parameter wish: seconds after which the library wants the next turn; `nil`: it does not care.
    /// - Returns: seconds after which the library gets it; `nil`: it need not.
    mutating func wait(_ wish: Double?) -> Double? {
        idle = wish == 0 && !hasMoved ? idle + 1 : 0
        hasMoved = false
        return idle > Self.mostIdle ? Self.rest : wish
    }
}

/// Whether every pack was heard, and after that every one again: while that goes on, silence has nothing to tell.
///
/// A few operations a frame, whatever the number of packs.
struct ListeningRound: Sendable {
    /// By pack, the round in which it was heard last.
    private var heardIn: [Int]
    private var round = 1
    private var heard = 0

    init(packs: Int) { heardIn = Array(repeating: 0, count: packs) }

    /// A pack was heard.
    ///
    /// - Returns: every other one was heard since this was said last.
    mutating func note(_ pack: Int) -> Bool {
        guard heardIn[pack] != round else { return false }
        heardIn[pack] = round
        heard += 1
        guard heard == heardIn.count else { return false }
        round += 1
        heard = 0
        return true
    }
}

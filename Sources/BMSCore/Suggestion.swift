/// Suggestions for unknown words: the nearest of the known ones.
package enum Suggestion {
    /// The text `: did you mean 'x'?`, or the list of known words.
    package static func text(_ word: String, _ known: [String]) -> String {
        let unique = Array(Set(known)).sorted()
        if let near = nearest(word, unique) { return ": did you mean '\(near)'?" }
        return unique.isEmpty ? "" : "; known here: \(unique.joined(separator: ", "))"
    }

    /// The nearest word, if it is near enough to be a typing error, else the only word that begins with it.
    package static func nearest(_ word: String, _ known: [String]) -> String? {
        closest(word, known) ?? completion(word, known)
    }

    /// "user" is short for "username" where nothing else begins so.
    private static func completion(_ word: String, _ known: [String]) -> String? {
        let longer = Set(known).filter { $0.lowercased().hasPrefix(word.lowercased()) }
        return word.count >= 3 && longer.count == 1 ? longer.first : nil
    }

    private static func closest(_ word: String, _ known: [String]) -> String? {
        let ranked = known.map { ($0, distance(word.lowercased().prefix(40), $0.lowercased().prefix(40))) }
        guard let best = ranked.min(by: { $0.1 < $1.1 }), best.1 <= most(best.0) else { return nil }
        return best.0
    }

    /// Largest distance of a typing error from a word. In a word of three letters two wrong ones make another word.
    private static func most(_ word: String) -> Int { word.count < 4 ? min(1, word.count - 1) : max(2, word.count / 3) }

    /// Number of insertions, deletions and replacements that turn one word into the other.
    private static func distance(_ left: Substring, _ right: Substring) -> Int {
        let target = Array(right)
        var row = Array(0...target.count)
        for (index, character) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in target.indices {
                let replaced = diagonal + (character == target[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, row[column] + 1, diagonal + 1)
            }
        }
        return row[target.count]
    }
}

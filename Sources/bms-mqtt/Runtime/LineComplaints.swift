import ServiceIO

/// Complaints about bad lines of an input, by their numbers: twenty, then no more.
struct LineComplaints {
    /// The last words, about the lines that follow.
    var rest = "are not reported"
    /// Number of bad lines.
    private(set) var count = 0

    mutating func add(_ line: Int, _ text: String) {
        count += 1
        if count <= 20 { Console.complain("line \(line): \(text)") }
        if count == 20 { Console.complain("further bad lines \(rest)") }
    }
}

import JSON

/// One line of a check-up: what was looked at, how it is, and what to do.
struct Finding: Hashable, Sendable {
    enum Level: String, CaseIterable, Sendable {
        case ok
        /// Worth knowing; nothing has to be done.
        case note
        /// The part works, and somebody should look at it.
        case warning
        /// The part does not work.
        case fault
    }

    var area: String
    var level: Level
    var text: String
    var remedy: String?

    init(_ area: String, _ level: Level, _ text: String, remedy: String? = nil) {
        (self.area, self.level, self.text, self.remedy) = (area, level, text, remedy)
    }
}

/// The findings of a check-up, for people and for programs.
struct CheckUp: Sendable {
    var title: String
    var findings: [Finding] = []

    var faults: Int { findings.count { $0.level == .fault } }
    var warnings: Int { findings.count { $0.level == .warning } }

    /// Lines for people, by area, in the order in which areas came up.
    func lines(columns: Int, isUnicode: Bool, hasColour: Bool) -> [String] {
        var lines = [StyledText.bold(title)]
        var areas: [String] = []
        for finding in findings where !areas.contains(finding.area) { areas.append(finding.area) }
        for area in areas {
            lines.append(StyledText.bold(area))
            for finding in findings where finding.area == area {
                let text = StyledText.labelled("  \(mark(finding.level, isUnicode)) ", 7, finding.text, columns)
                lines += finding.level == .fault ? text.map(StyledText.warning) : text
                if let remedy = finding.remedy {
                    for line in remedy.split(separator: "\n") {
                        lines += StyledText.labelled("       ", 7, String(line), columns)
                    }
                }
            }
        }
        lines.append("")
        lines.append(
            faults + warnings == 0
                ? "All is well." : "\(Self.count(faults, "fault")), \(Self.count(warnings, "warning")).")
        return lines.map { StyledText.clip($0, columns, hasColour: hasColour) }
    }

    private static func count(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }

    private func mark(_ level: Finding.Level, _ isUnicode: Bool) -> String {
        switch level {
        case .ok: isUnicode ? "✓   " : "ok  "
        case .note: isUnicode ? "·   " : "--  "
        case .warning: "!   "
        case .fault: isUnicode ? "✗   " : "X   "
        }
    }

    /// One JSON object for programs.
    var json: String {
        var writer = JSONWriter(reserving: 4096)
        writer.beginObject()
        writer.member("title", title)
        writer.member("faults", Double(faults))
        writer.member("warnings", Double(warnings))
        writer.key("findings")
        writer.beginArray()
        for finding in findings {
            writer.beginObject()
            writer.member("area", finding.area)
            writer.member("level", finding.level.rawValue)
            writer.member("text", finding.text)
            writer.key("remedy")
            if let remedy = finding.remedy { writer.value(remedy) } else { writer.null() }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

import CLinux
import Glibc
import ServiceIO

/// The terminal on standard output, if there is one.
struct Terminal {
    /// Standard output is a terminal.
    static var isPresent: Bool { isatty(STDOUT_FILENO) == 1 }

    /// The screen for the present size of the window.
    static var screen: MonitorScreen {
        var columns: UInt16 = 0
        var rows: UInt16 = 0
        let isKnown = clinux_window_size(STDOUT_FILENO, &columns, &rows) == 0 && columns > 0 && rows > 0
        return MonitorScreen(
            columns: isKnown ? Int(columns) : 80, rows: isKnown ? Int(rows) : 24, isUnicode: isUnicode,
            hasColour: getenv("NO_COLOR") == nil)
    }

    private static var isUnicode: Bool {
        ["LC_ALL", "LC_CTYPE", "LANG"].contains { (name: String) in
            getenv(name).map { String(cString: $0).uppercased().contains("UTF") } ?? false
        }
    }

    /// Goes to the alternate screen and hides the cursor.
    static func enter() { Console.write("\u{1B}[?1049h\u{1B}[?25l") }

    /// Puts the terminal back as it was.
    static func leave() { Console.write("\u{1B}[?25h\u{1B}[?1049l") }

    /// Draws lines from the top over the old ones, without clearing the screen first, so that nothing flickers.
    ///
    /// - Returns: `false` when the terminal is gone.
    static func draw(_ lines: [String]) -> Bool {
        Console.write("\u{1B}[H" + lines.map { "\($0)\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
    }
}

import Glibc

/// Files of this repository.
public enum Repository {
    /// Absolute path of a file by its path in the repository.
    public static func path(_ name: String) -> String {
        let parts = #filePath.split(separator: "/").dropLast(3)
        return "/" + parts.joined(separator: "/") + "/" + name
    }

    /// Text of a file; empty if there is none.
    public static func text(_ name: String) -> String { read(path(name)) }

    /// Lines of a file; none if there is no file.
    public static func lines(_ name: String) -> [String] {
        text(name).split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    /// Writes a file of lines, and makes its folder if it is missing.
    public static func write(_ lines: [String], to name: String) {
        let path = path(name)
        mkdir(String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.endIndex)), 0o755)
        guard let file = fopen(path, "w") else {
            fatalError("cannot write \(path): \(String(cString: strerror(errno)))")
        }
        for line in lines { fputs(line + "\n", file) }
        fclose(file)
    }

    /// The first path that matches a pattern of the shell; `nil`: there is none.
    public static func first(_ pattern: String) -> String? {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0, let path = found.gl_pathv[0] else { return nil }
        return String(cString: path)
    }

    /// Text of any file; empty if there is none.
    public static func read(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk[0..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Test for the existence of a path.
public enum FileExists {
    /// Returns `true` if there is something at the path.
    public static func check(_ path: String) -> Bool { access(path, F_OK) == 0 }
}

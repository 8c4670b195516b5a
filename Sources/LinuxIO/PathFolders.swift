import Glibc

/// Folders in which somebody could replace the file that a path leads to.
package enum PathFolders {
    /// The largest number of links that are followed one after the other; the system itself gives up earlier.
    private static let mostLinks = 64

    /// The real folder of each link on the way and of the file at its end, with all folders above them, each once.
    package static func all(_ path: String) -> [String] {
        var folders: [String] = []
        var path = path
        for _ in 0..<mostLinks {
            guard let folder = resolved(parent(path)) else { break }
            var above = folder
            while !folders.contains(above) {
                folders.append(above)
                above = parent(above)
            }
            guard let target = target(of: path) else { break }
            path = target.hasPrefix("/") ? target : "\(folder)/\(target)"
        }
        return folders
    }

    private static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func resolved(_ path: String) -> String? {
        guard let pointer = realpath(path, nil) else { return nil }
        defer { free(pointer) }
        return String(cString: pointer)
    }

    /// The target of a link; `nil` where the path is not a link.
    private static func target(of path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    }
}

import Glibc

extension SourceAddress {
    /// A text that is equal for two spellings of one source, as far as this machine can tell: a path behind its links, a host in small
    /// letters, an address in its shortest form, 127.0.0.1 and ::1 as localhost. Host names are not looked up.
    public var identity: String {
        switch self {
        case .serial(let path): "serial:\(Self.resolved(path))"
        case .serialAuto, .simulator: description
        case .tcp(let host, let port): "tcp:\(Self.resolved(host: host)):\(port)"
        case .replay(let path, _): "replay:\(Self.resolved(path))"
        }
    }

    /// The path without links, dots and doubled slashes; a path that does not exist stays as it is.
    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    private static func resolved(host: String) -> String {
        var name = host.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        var four = in_addr()
        if inet_pton(AF_INET, name, &four) == 1 {
            return UInt32(bigEndian: four.s_addr) == INADDR_LOOPBACK ? "localhost" : shortest(AF_INET, &four)
        }
        var six = in6_addr()
        guard inet_pton(AF_INET6, name, &six) == 1 else { return name }
        let text = shortest(AF_INET6, &six)
        return text == "::1" ? "localhost" : text
    }

    private static func shortest(_ family: Int32, _ address: UnsafeRawPointer) -> String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(family, address, &text, socklen_t(text.count)) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

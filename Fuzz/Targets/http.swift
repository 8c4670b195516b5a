import FuzzSupport

@testable import HTTPServer

/// Fuzzes a request: its head is what the library would make of these bytes, line by line, and the rest is a body. Then the bytes are the
/// data of an event, which a stream takes in portions.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    checkHead(bytes)
    checkEvent(bytes)
    return 0
}

private let options: HTTPOptions = {
    var options = HTTPOptions()
    options.hostNames = ["garage.lan"]
    options.targetLength = 300
    options.parameters = 8
    return options
}()

private func checkHead(_ bytes: [UInt8]) {
    let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    let words = (lines.first ?? []).split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
    let fields = lines.dropFirst().prefix { !$0.isEmpty }.map { line in
        let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        let value = parts.count > 1 ? parts[1].drop { $0 == 0x20 } : []
        return RequestHead.Field(name: String(decoding: parts.first ?? [], as: UTF8.self), value: Array(value))
    }
    do throws(Refusal) {
        let method = String(decoding: words.first ?? [], as: UTF8.self)
        let target = words.count > 1 ? Array(words[1]) : []
        let head = try RequestHead(method: method, target: target, fields: fields, peer: "192.0.2.1", options)
        check(head.request)
    } catch {
        Invariant.hold((400...499).contains(error.status), "status \(error.status)")
        Invariant.hold(error.text.utf8.count < 200, "a long sentence: \(error.text)")
        guard case .bytes(let answer) = HTTPAnswer.error(error.status, error.text).content else { return }
        Invariant.checkJSON(answer, "an error")
    }
}

private func check(_ request: HTTPRequest) {
    let segments = request.path.split(separator: "/", omittingEmptySubsequences: false)
    Invariant.hold(!segments.contains("..") && !segments.contains("."), "path '\(request.path)'")
    Invariant.hold(segments.dropLast().allSatisfy { !$0.isEmpty }, "an empty part: '\(request.path)'")
    Invariant.hold(!request.path.utf8.contains(UInt8(ascii: "\\")), "a backslash: '\(request.path)'")
    Invariant.hold(request.path.utf8.count + request.query.count <= options.targetLength, "a long path")
    Invariant.hold(request.query.count <= options.parameters, "\(request.query.count) parameters")
    for text in [request.path] + request.query.keys + request.query.values {
        Invariant.hold(text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "a control character: '\(text)'")
    }
    let host = request.headers["host"]?.lowercased() ?? ""
    let isNamed = ["localhost", "garage.lan"].contains { host.hasPrefix($0) }
    let isNumeric = host.utf8.allSatisfy { "0123456789abcdef.:[]".utf8.contains($0) } && !host.isEmpty
    Invariant.hold(isNamed || isNumeric, "host '\(host)'")
    if let length = request.headers["content-length"] {
        Invariant.hold((0...options.bodyLength).contains(Int(length) ?? -1), "length '\(length)'")
        Invariant.hold(request.headers["transfer-encoding"] == nil, "two lengths")
    }
    for name in ["session", "a"] {
        guard let value = request.cookie(name) else { continue }
        Invariant.hold(request.headers["cookie"]?.contains("\(name)=\(value)") == true, "cookie '\(value)'")
    }
}

private func checkEvent(_ bytes: [UInt8]) {
    let text = ServerEvent.text("kind", bytes)
    var lines = text.split(separator: 0x0A, omittingEmptySubsequences: false)
    Invariant.hold(lines.count >= 4 && lines.suffix(2).allSatisfy(\.isEmpty), "an event without an end")
    lines.removeLast(2)
    Invariant.hold(lines[0].elementsEqual("event: kind".utf8), "another kind")
    Invariant.hold(lines.dropFirst().allSatisfy { $0.starts(with: "data: ".utf8) }, "a line of its own")
    Invariant.hold(!text.contains(0x0D), "a carriage return")
    var queue = EventQueue()
    var (sent, taken): ([UInt8], [UInt8]) = ([], [])
    for (index, byte) in bytes.prefix(200).enumerated() {
        if byte & 1 == 0 {
            let part = Array(text.prefix(Int(byte)))
            if queue.append(part, at: Double(index), limit: 400) { sent += part }
        } else {
            taken += queue.take(Int(byte), at: Double(index))
        }
        Invariant.hold(
            (0...400).contains(queue.count) && queue.count == sent.count - taken.count, "\(queue.count) bytes wait")
    }
    while queue.count > 0 { taken += queue.take(64, at: 200) }
    Invariant.hold(sent == taken, "other bytes than were sent")
}

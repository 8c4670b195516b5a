import CMicrohttpd
import Glibc
import LinuxIO

/// Answers in the library's form.
enum Response {
    /// A response of bytes or of a file, which the caller destroys.
    static func make(_ content: HTTPAnswer.Content) -> Result<OpaquePointer?, Refusal> {
        switch content {
        case .bytes(let bytes): .success(bytes.withUnsafeBytes { cmicrohttpd_bytes($0.baseAddress, $0.count) })
        case .file(let path): file(path)
        case .events, .later: .success(nil)
        }
    }

    private static func file(_ path: String) -> Result<OpaquePointer?, Refusal> {
        switch RegularFile.open(path) {
        // The path is no business of the reader's.
        case .failure: return .failure(Refusal(404, "the file is not there, or cannot be read"))
        case .success(let descriptor):
            guard let status = FileStatus(descriptor),
                let response = MHD_create_response_from_fd64(UInt64(max(0, status.size)), descriptor)
            else {
                close(descriptor)
                return .success(nil)
            }
            return .success(response)
        }
    }

    /// Adds the headers of an answer, and those that every answer has.
    ///
    /// - Returns: `false` where the library refuses one: it has a line end, or there is no memory.
    static func addHeaders(_ answer: HTTPAnswer, to response: OpaquePointer, _ options: HTTPOptions) -> Bool {
        var headers = answer.headers
        headers["Content-Security-Policy"] =
            "default-src 'self'; frame-ancestors \(options.frameAncestors); base-uri 'none'; form-action 'self'"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Cache-Control"] = answer.cache
        if !answer.type.isEmpty { headers["Content-Type"] = answer.type }
        // A proxy that collects an answer before it hands it on would hold events back.
        if case .events = answer.content { headers["X-Accel-Buffering"] = "no" }
        return headers.sorted { $0.key < $1.key }.allSatisfy {
            MHD_add_response_header(response, $0.key, $0.value) == cmicrohttpd_yes
        }
    }
}

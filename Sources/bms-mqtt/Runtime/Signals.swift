@preconcurrency import Dispatch
import CLinux
import Glibc

/// SIGTERM, SIGINT and SIGHUP as a stream; SIGPIPE is ignored.
enum Signals {
    enum Request: Sendable {
        /// Leave cleanly.
        case stop
        /// Read the configuration again.
        case reload
    }

    /// Starts to catch. Call it once, before any thread is started.
    static func requests() -> AsyncStream<Request> {
        signal(SIGPIPE, SIG_IGN)
        let (stream, continuation) = AsyncStream.makeStream(of: Request.self, bufferingPolicy: .bufferingNewest(8))
        let sources = [(SIGTERM, Request.stop), (SIGINT, .stop), (SIGHUP, .reload)].map { number, request in
            signal(number, SIG_IGN)
            return source(number) { continuation.yield(request) }
        }
        continuation.onTermination = { @Sendable _ in
            for source in sources { source.cancel() }
        }
        return stream
    }

    private static func source(_ number: Int32, _ handler: @escaping @Sendable () -> Void) -> any DispatchSourceSignal {
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler(handler: handler)
        source.resume()
        return source
    }
}

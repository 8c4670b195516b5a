import Glibc
import LinuxIO

/// Open, read until it ends, wait, open again: what serial ports and TCP connections share.
struct DescriptorLoop {
    /// An open descriptor.
    struct Opened {
        var descriptor: Int32
        /// What was opened, for people.
        var name: String
    }

    private let core: SourceCore
    private let name: String
    /// Seconds without a byte after which the source is opened anew; `nil`: never, silence is then the BMS's.
    private let silence: Double?
    private let open: () throws(SerialError) -> Opened

    init(
        _ core: SourceCore, name: String, silence: Double?, open: @escaping () throws(SerialError) -> Opened
    ) {
        self.core = core
        self.name = name
        self.silence = silence
        self.open = open
    }

    func run() {
        var delay = ReopenDelay()
        while true {
            let error: SerialError
            do throws(SerialError) {
                let opened = try open()
                core.report(.opened(opened.name))
                let end = read(opened, &delay)
                close(opened.descriptor)
                guard let end else { return }
                error = end
            } catch let failure {
                error = failure
            }
            let seconds = core.options.delay(&delay)
            core.report(.closed(error, retryIn: seconds))
            if core.pause(seconds: seconds) { return }
        }
    }

    /// Reads until the end; `nil` when told to stop.
    private func read(_ opened: Opened, _ delay: inout ReopenDelay) -> SerialError? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            switch Poll.wait(for: opened.descriptor, seconds: silence ?? 3600, stop: core.stop) {
            case .stopped: return nil
            case .timeout:
                guard let silence else { continue }
                return SerialError(.read, opened.name, "silent for \(Int(silence)) s: connecting anew")
            case .ready: break
            }
            let count = Glibc.read(opened.descriptor, &buffer, buffer.count)
            if count > 0 {
                delay.reset()
                core.report(.bytes(Array(buffer[..<count])))
            } else if count == 0 {
                return SerialError(.read, opened.name, "it hung up: was the cable pulled?")
            } else if errno != EINTR && errno != EAGAIN {
                return errno == EIO
                    ? SerialError(.read, opened.name, number: EIO, "it hung up: was the cable pulled?")
                    : .system(.read, opened.name, errno)
            }
        }
    }
}

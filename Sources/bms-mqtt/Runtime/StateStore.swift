import BMSCore
import CLinux
import Glibc
import LinuxIO
import BatteryEngine
import MQTTBridge
import ServiceIO

/// Settings and learned values of each pack in a file of its own, replaced as a whole: a power cut leaves the old file or
/// the new one.
///
/// A file that cannot be read is reported, and the bridge starts without it; a file that cannot be written is reported and tried
/// again later. Neither stops the bridge, because kept values make limits finer or lower, but never make them safe. A damaged file,
/// or one of a newer version, is renamed.
struct StateStore: Sendable {
    static let longestFile = 65_536

    let directory: String

    /// The directory to use: as configured, else by systemd, else by user.
    static func directory(configured: String?) -> String {
        func variable(_ name: String) -> String? {
            getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        if let configured { return configured }
        if let given = variable("STATE_DIRECTORY") { return String(given.prefix { $0 != ":" }) }
        if geteuid() == 0 { return "/var/lib/bms-mqtt" }
        if let home = variable("XDG_STATE_HOME") { return "\(home)/bms-mqtt" }
        return variable("HOME").map { "\($0)/.local/state/bms-mqtt" } ?? "/var/lib/bms-mqtt"
    }

    /// The kept state of a pack; `nil` if there is no file, or if the file is not valid, which is reported.
    func load(_ pack: String, at now: StateMoment, complain: (String) -> Void) -> PackState? {
        read(path(pack), otherwise: "starting with the configuration alone", complain: complain) {
            StateDocument.parse($0, at: now)
        }
    }

    /// Content of a file of the directory; `nil` if there is no file, or if the file is not valid, which is reported.
    ///
    /// - Parameters:
    ///   - effect: the consequence, for the complaint about a file that cannot be used.
    ///   - parse: `nil` for a damaged file, which is set aside.
    func read<Content>(
        _ path: String, upTo most: Int = longestFile, otherwise effect: String, complain: (String) -> Void,
        parse: ([UInt8]) -> Content?
    ) -> Content? {
        guard access(path, F_OK) == 0 else { return nil }
        if let openness {
            complain("\(openness): \(effect)")
            return nil
        }
        switch RegularFile.read(path, upTo: most) {
        case .failure(let failure):
            complain("\(failure.text): \(effect)")
            return nil
        case .success(let content):
            if let content = parse(content.bytes) { return content }
            complain("\(StateFile.setAside(path)): \(effect)")
            return nil
        }
    }

    /// Replaces the file of a pack; returns a sentence if that failed.
    func save(_ state: PackState, _ pack: String, at now: StateMoment) -> String? { save([pack: state], at: now)[pack] }

    /// Replaces the files of packs.
    ///
    /// - Returns: a sentence for each pack whose file could not be replaced.
    func save(_ states: [String: PackState], at now: StateMoment) -> [String: String] {
        if let failure = makeDirectory() ?? openness { return states.mapValues { _ in failure } }
        var failures: [String: String] = [:]
        for (pack, state) in states {
            failures[pack] = StateFile.write(
                StateDocument.bytes(state, at: now), temporary(pack), isOnDisk: states.count == 1)
        }
        // A thousand files that wait for the disk one after the other would take minutes on a card.
        if states.count > 1 { sync() }
        for pack in states.keys where failures[pack] == nil {
            failures[pack] = StateFile.move(temporary(pack), to: path(pack))
        }
        let folder = clinux_open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
        return failures
    }

    private func temporary(_ pack: String) -> String { path(pack) + ".new" }

    private func path(_ pack: String) -> String { "\(directory)/\(pack).json" }

    /// Reason why the files of the directory cannot be trusted; `nil`: there is none.
    var openness: String? {
        guard FileStatus(path: directory)?.isWorldWritable == true else { return nil }
        return "everybody on this machine can write to \(directory): chmod 700 \(directory)"
    }

    func makeDirectory() -> String? {
        var path = ""
        for part in directory.split(separator: "/") {
            path += "/\(part)"
            guard mkdir(path, 0o700) == 0 || errno == EEXIST || access(path, F_OK) == 0 else {
                return "cannot make the directory \(path): \(Console.reason(errno))"
            }
        }
        return nil
    }
}

import BMSCore
import CLinux
import ChargeLimits
import Glibc

/// Learned values of each pack in a file of its own, replaced as a whole: a power cut leaves the old file or the new one.
///
/// What cannot be read is reported and started without; what cannot be written is reported and tried again later. Neither
/// stops the bridge: what is learned makes limits finer, it never makes them safe.
struct StateStore: Sendable {
    private static let version = 1.0
    private static let longestFile = 16_384

    let directory: String

    /// The directory to use: as configured, by systemd, by user.
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

    /// What a pack had learned; `nil` where there is nothing, or nothing sound, which is told.
    func load(_ pack: String, wall: Int64, complain: (String) -> Void) -> LimitMemory? {
        let path = path(pack)
        guard access(path, F_OK) == 0 else { return nil }
        switch ChunkReader.open(path) {
        case .failure(let failure):
            complain("\(failure.text): starting without what was learned")
            return nil
        case .success(let descriptor):
            defer { close(descriptor) }
            var bytes: [UInt8] = []
            while bytes.count <= Self.longestFile, let chunk = ChunkReader.read(descriptor) { bytes += chunk }
            guard bytes.count <= Self.longestFile, let memory = Self.parse(bytes, wall: wall) else {
                complain("\(path) is no state of this program: starting without what was learned; it will be replaced")
                return nil
            }
            return memory
        }
    }

    /// Replaces the file of a pack; a sentence where that failed.
    func save(_ memory: LimitMemory, _ pack: String, wall: Int64) -> String? {
        if let failure = makeDirectory() { return failure }
        let temporary = path(pack) + ".new"
        let descriptor = clinux_open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return "cannot write \(temporary): \(Console.reason(errno))" }
        let isWritten = Console.write(Self.text(memory, wall: wall), to: descriptor) && fsync(descriptor) == 0
        let number = errno
        close(descriptor)
        guard isWritten, rename(temporary, path(pack)) == 0 else {
            let reason = Console.reason(isWritten ? errno : number)
            unlink(temporary)
            return "cannot write \(path(pack)): \(reason)"
        }
        let folder = clinux_open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
        return nil
    }

    private func path(_ pack: String) -> String { "\(directory)/\(pack).json" }

    private func makeDirectory() -> String? {
        var path = ""
        for part in directory.split(separator: "/") {
            path += "/\(part)"
            guard mkdir(path, 0o700) == 0 || errno == EEXIST || access(path, F_OK) == 0 else {
                return "cannot make the directory \(path): \(Console.reason(errno))"
            }
        }
        return nil
    }

    static func text(_ memory: LimitMemory, wall: Int64) -> String {
        var text = "{\"version\":1,\"cells\":\(memory.cellCount),\"capacityWh\":\(memory.capacity.rawValue)"
        if let learned = memory.resistance {
            text += ",\"resistance\":{\"mean\":\(learned.mean),\"variance\":\(learned.variance),"
            text += "\"steps\":\(learned.steps)}"
        }
        if let seconds = memory.secondsSinceFull { text += ",\"secondsSinceFull\":\(seconds)" }
        return text + ",\"savedAt\":\(wall)}\n"
    }

    /// The memory of a file, aged by the time since it was written; the calculator judges the figures.
    static func parse(_ bytes: [UInt8], wall: Int64) -> LimitMemory? {
        guard
            let value = JSONValue(parsing: bytes), value["version"]?.number == Self.version,
            let cells = value["cells"]?.whole, (1...255).contains(cells),
            let capacity = value["capacityWh"]?.whole, (0...10_000_000).contains(capacity)
        else { return nil }
        var memory = LimitMemory(cellCount: cells, capacity: WattHours(capacity))
        if let mean = value["resistance.mean"]?.number, let variance = value["resistance.variance"]?.number,
            let steps = value["resistance.steps"]?.whole
        {
            memory.resistance = LimitMemory.Resistance(mean: mean, variance: variance, steps: steps)
        }
        if let seconds = value["secondsSinceFull"]?.whole, let savedAt = value["savedAt"]?.whole, seconds >= 0 {
            // A clock that was wrong must not make a full charge look older than it can be.
            let away = (wall - Int64(savedAt)) / 1000
            memory.secondsSinceFull = min(Int64(seconds), 1_000_000_000) + min(max(0, away), 90 * 86_400)
        }
        return memory
    }
}

extension JSONValue {
    /// A whole number.
    fileprivate var whole: Int? { number.flatMap { Int(exactly: $0) } }
}

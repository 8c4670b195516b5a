import BMSCore
import CLinux
import ChargeLimits
import Glibc
import MQTTBridge

/// Settings and learned values of each pack in a file of its own, replaced as a whole: a power cut leaves the old file or
/// the new one.
///
/// What cannot be read is reported and started without; what cannot be written is reported and tried again later. Neither
/// stops the bridge: what is kept makes limits finer or lower, it never makes them safe. A damaged file, or one of a newer
/// version, is set aside beside the new one.
struct StateStore: Sendable {
    private static let version = 1.0
    private static let longestFile = 65_536
    /// Milliseconds since 1970 that a clock can have had.
    private static let times = 0...4_000_000_000_000

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

    /// What was kept of a pack; `nil` where there is nothing, or nothing sound, which is told.
    func load(_ pack: String, wall: Int64, complain: (String) -> Void) -> PackState? {
        let path = path(pack)
        guard access(path, F_OK) == 0 else { return nil }
        switch ChunkReader.open(path) {
        case .failure(let failure):
            complain("\(failure.text): starting with the configuration alone")
            return nil
        case .success(let descriptor):
            defer { close(descriptor) }
            var bytes: [UInt8] = []
            while bytes.count <= Self.longestFile, let chunk = ChunkReader.read(descriptor) { bytes += chunk }
            guard bytes.count <= Self.longestFile, let state = Self.parse(bytes, wall: wall) else {
                let aside = path + ".bad"
                let isAside = rename(path, aside) == 0
                complain(
                    "\(path) is damaged or of a newer version: starting with the configuration alone"
                        + (isAside ? "; it is kept as \(aside)" : ""))
                return nil
            }
            return state
        }
    }

    /// Replaces the file of a pack; a sentence where that failed.
    func save(_ state: PackState, _ pack: String, wall: Int64) -> String? {
        if let failure = makeDirectory() { return failure }
        let temporary = path(pack) + ".new"
        let descriptor = clinux_open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return "cannot write \(temporary): \(Console.reason(errno))" }
        let isWritten = Console.write(Self.text(state, wall: wall), to: descriptor) && fsync(descriptor) == 0
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

    static func text(_ state: PackState, wall: Int64) -> String {
        var text = "{\"version\":1,\"savedAt\":\(wall)"
        if let memory = state.memory {
            text += ",\"cells\":\(memory.cellCount),\"capacityWh\":\(memory.capacity.rawValue)"
            if let learned = memory.resistance {
                text += ",\"resistance\":{\"mean\":\(learned.mean),\"variance\":\(learned.variance),"
                text += "\"steps\":\(learned.steps)}"
            }
            if let seconds = memory.secondsSinceFull { text += ",\"secondsSinceFull\":\(seconds)" }
        }
        text += ",\"settings\":{"
        text += state.settings.sorted { $0.key < $1.key }.map { "\"\($0)\":\(setting($1))" }.joined(separator: ",")
        return text + "}}\n"
    }

    /// Names come from the table and values from checked commands: only texts need quoting.
    private static func setting(_ setting: StoredSetting) -> String {
        let value =
            switch setting.value {
            case .number(let number): "\"number\":\(number)"
            case .flag(let isOn): "\"flag\":\(isOn)"
            case .word(let word): "\"word\":\(quoted(word))"
            case .text(let text): "\"text\":\(quoted(text))"
            }
        let minute = setting.minuteOfDay.map { ",\"minute\":\($0)" } ?? ""
        return "{\(value),\"setAt\":\(setting.setAt)\(minute)}"
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.flatMap { "\"\\".contains($0) ? ["\\", $0] : [$0] } + "\""
    }

    /// The state of a file, aged by the time since it was written; calculator and settings judge the figures.
    static func parse(_ bytes: [UInt8], wall: Int64) -> PackState? {
        guard let value = JSONValue(parsing: bytes), value["version"]?.number == Self.version,
            let savedAt = value["savedAt"]?.whole, times.contains(savedAt)
        else { return nil }
        var state = PackState()
        if value["cells"] != nil {
            guard let memory = memory(value, age: wall - Int64(savedAt)) else { return nil }
            state.memory = memory
        }
        guard case .object(let settings)? = value["settings"], settings.count <= 100 else { return nil }
        for (name, entry) in settings { state.settings[name] = stored(entry) }
        return state
    }

    private static func memory(_ value: JSONValue, age: Int64) -> LimitMemory? {
        guard let cells = value["cells"]?.whole, (1...255).contains(cells),
            let capacity = value["capacityWh"]?.whole, (0...10_000_000).contains(capacity)
        else { return nil }
        var memory = LimitMemory(cellCount: cells, capacity: WattHours(capacity))
        if let mean = value["resistance.mean"]?.number, let variance = value["resistance.variance"]?.number,
            let steps = value["resistance.steps"]?.whole
        {
            memory.resistance = LimitMemory.Resistance(mean: mean, variance: variance, steps: steps)
        }
        if let seconds = value["secondsSinceFull"]?.whole, seconds >= 0 {
            // A clock that was wrong must not make a full charge look older than it can be.
            memory.secondsSinceFull = min(Int64(seconds), 1_000_000_000) + min(max(0, age / 1000), 90 * 86_400)
        }
        return memory
    }

    private static func stored(_ entry: JSONValue) -> StoredSetting? {
        let value: SettingValue? =
            entry["number"]?.whole.map { .number($0) } ?? entry["word"]?.text.map { .word($0) }
            ?? entry["text"]?.text.map { .text($0) } ?? entry["flag"]?.flag.map { .flag($0) }
        guard let value, let setAt = entry["setAt"]?.whole, times.contains(setAt) else { return nil }
        return StoredSetting(value, setAt: Int64(setAt), minuteOfDay: entry["minute"]?.whole)
    }
}

extension JSONValue {
    /// A whole number.
    fileprivate var whole: Int? { number.flatMap { Int(exactly: $0) } }
}

import BMSCore
import CLinux
import ChargeLimits
import Glibc
import JSONInput
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
        if let openness {
            complain("\(openness): starting with the configuration alone")
            return nil
        }
        switch RegularFile.read(path, upTo: Self.longestFile) {
        case .failure(let failure):
            complain("\(failure.text): starting with the configuration alone")
            return nil
        case .success(let content):
            guard let state = Self.parse(content.bytes, wall: wall) else {
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
    func save(_ state: PackState, _ pack: String, wall: Int64) -> String? { save([pack: state], wall: wall)[pack] }

    /// Replaces the files of packs.
    ///
    /// - Returns: sentences for those where that failed.
    func save(_ states: [String: PackState], wall: Int64) -> [String: String] {
        if let failure = makeDirectory() ?? openness { return states.mapValues { _ in failure } }
        var failures: [String: String] = [:]
        for (pack, state) in states {
            failures[pack] = write(Self.document(state, wall: wall), temporary(pack), isAlone: states.count == 1)
        }
        // A thousand files that wait for the disk one after the other would take minutes on a card.
        if states.count > 1 { sync() }
        for pack in states.keys where failures[pack] == nil {
            guard rename(temporary(pack), path(pack)) != 0 else { continue }
            failures[pack] = "cannot write \(path(pack)): \(Console.reason(errno))"
            unlink(temporary(pack))
        }
        let folder = clinux_open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
        return failures
    }

    /// Writes a file anew; a sentence where that failed.
    ///
    /// - Parameter isAlone: it is on the disk when this returns.
    private func write(_ document: [UInt8], _ path: String, isAlone: Bool) -> String? {
        // Made anew each time: nothing that lies there already, a link least of all, is written to.
        unlink(path)
        let descriptor = clinux_open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return "cannot write \(path): \(Console.reason(errno))" }
        defer { close(descriptor) }
        guard Console.write(document, to: descriptor), !isAlone || fsync(descriptor) == 0 else {
            let reason = Console.reason(errno)
            unlink(path)
            return "cannot write \(path): \(reason)"
        }
        return nil
    }

    private func temporary(_ pack: String) -> String { path(pack) + ".new" }

    private func path(_ pack: String) -> String { "\(directory)/\(pack).json" }

    /// Why nothing in the directory can be believed; `nil`: it can.
    private var openness: String? {
        guard FileStatus(path: directory)?.isWorldWritable == true else { return nil }
        return "everybody on this machine can write to \(directory): chmod 700 \(directory)"
    }

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

    static func document(_ state: PackState, wall: Int64) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("version", .integer(Int(version)))
        writer.member("savedAt", .integer(Int(wall)))
        if let memory = state.memory {
            writer.member("cells", .integer(memory.cellCount))
            writer.member("capacityWh", .integer(memory.capacity.rawValue))
            if let learned = memory.resistance {
                writer.key("resistance")
                writer.beginObject()
                writer.member("mean", learned.mean)
                writer.member("variance", learned.variance)
                writer.member("steps", .integer(learned.steps))
                writer.endObject()
            }
            if let seconds = memory.secondsSinceFull { writer.member("secondsSinceFull", .integer(Int(seconds))) }
        }
        if let lowest = state.peaks.minimumCell { writer.member("minimumCell", .integer(lowest.rawValue)) }
        if let highest = state.peaks.maximumCell { writer.member("maximumCell", .integer(highest.rawValue)) }
        if let strongest = state.peaks.strongestCell { writer.member("strongestCell", .integer(strongest)) }
        if let weakest = state.peaks.weakestCell { writer.member("weakestCell", .integer(weakest)) }
        if let share = state.share {
            writer.key("share")
            writer.beginObject()
            writer.member("bank", share.bank)
            writer.member("capacity", .integer(share.capacity.rawValue))
            if let charge = share.charge { writer.member("charge", charge) }
            if let discharge = share.discharge { writer.member("discharge", discharge) }
            writer.endObject()
        }
        writer.key("settings")
        writer.beginObject()
        for (name, setting) in state.settings.sorted(by: { $0.key < $1.key }) {
            writer.key(name)
            write(setting, &writer)
        }
        writer.endObject()
        writer.endObject()
        return writer.bytes + [UInt8(ascii: "\n")]
    }

    private static func write(_ setting: StoredSetting, _ writer: inout JSONWriter) {
        writer.beginObject()
        switch setting.value {
        case .number(let number): writer.member("number", .integer(number))
        case .flag(let isOn): writer.member("flag", isOn)
        case .word(let word): writer.member("word", word)
        case .text(let text): writer.member("text", text)
        }
        writer.member("setAt", .integer(Int(setting.setAt)))
        if let minute = setting.minuteOfDay { writer.member("minute", .integer(minute)) }
        writer.endObject()
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
        state.peaks.minimumCell = cell(value["minimumCell"])
        state.peaks.maximumCell = cell(value["maximumCell"])
        state.peaks.strongestCell = value["strongestCell"]?.whole.flatMap { (1...255).contains($0) ? $0 : nil }
        state.peaks.weakestCell = value["weakestCell"]?.whole.flatMap { (1...255).contains($0) ? $0 : nil }
        if let bank = value["share.bank"]?.text, let capacity = value["share.capacity"]?.whole {
            state.share = BankShare(
                bank: bank, capacity: WattHours(capacity), charge: weight(value["share.charge"]),
                discharge: weight(value["share.discharge"]))
        }
        guard case .object(let settings)? = value["settings"], settings.count <= 100 else { return nil }
        for (name, entry) in settings { state.settings[name] = stored(entry) }
        return state
    }

    private static func cell(_ value: JSONValue?) -> Millivolts? {
        value?.whole.flatMap { (500...6_000).contains($0) ? Millivolts($0) : nil }
    }

    private static func weight(_ value: JSONValue?) -> Double? {
        value?.number.flatMap { BankShare.range.contains($0) ? $0 : nil }
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

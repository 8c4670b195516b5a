import BMSCore
import ChargeLimits
import JSON
import BatteryEngine
import MQTTBridge

/// The JSON of a kept state. Anybody may have changed the file, so values that are not valid are left out or refused here, and
/// calculator and settings judge the rest.
enum StateDocument {
    private static let version = 1.0
    /// Range of a clock's time, milliseconds since 1970.
    private static let times = 0...4_000_000_000_000
    /// Range of the time in a line of the filter, milliseconds.
    private static let moments = -1_000_000_000_000_000...1_000_000_000_000_000
    private static let mostEntries = 100

    static func bytes(_ state: PackState, at now: StateMoment) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        write(now, &writer)
        write(state, &writer)
        writer.endObject()
        return writer.bytes + [UInt8(ascii: "\n")]
    }

    /// One document of several packs, by pack id.
    static func bytes(packs: [String: PackState], at now: StateMoment) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        write(now, &writer)
        writer.key("packs")
        writer.beginObject()
        for (id, state) in packs.sorted(by: { $0.key < $1.key }) {
            writer.key(id)
            writer.beginObject()
            write(state, &writer)
            writer.endObject()
        }
        writer.endObject()
        writer.endObject()
        return writer.bytes + [UInt8(ascii: "\n")]
    }

    /// The state of a document, aged by the time since it was written; `nil`: it is damaged or of a newer version.
    static func parse(_ bytes: [UInt8], at now: StateMoment) -> PackState? {
        guard let value = JSONValue(parsing: bytes), let savedAt = moment(value) else { return nil }
        return state(value, elapsed: now.elapsed(since: savedAt))
    }

    /// The states of a document of several packs, by pack id, aged as in ``parse(_:at:)``; `nil`: it is damaged or of a newer version.
    static func parsePacks(_ bytes: [UInt8], at now: StateMoment) -> [String: PackState]? {
        guard let value = JSONValue(parsing: bytes), let savedAt = moment(value),
            case .object(let packs)? = value["packs"]
        else { return nil }
        let elapsed = now.elapsed(since: savedAt)
        var states: [String: PackState] = [:]
        for (id, pack) in packs {
            guard let state = state(pack, elapsed: elapsed) else { return nil }
            states[id] = state
        }
        return states
    }

    // MARK: Writing

    private static func write(_ now: StateMoment, _ writer: inout JSONWriter) {
        writer.member("version", .integer(Int(version)))
        writer.member("savedAt", .integer(Int(now.wall)))
        guard let boot = now.boot else { return }
        writer.key("boot")
        writer.beginObject()
        writer.member("id", boot.id)
        writer.member("at", .integer(Int(boot.at)))
        writer.endObject()
    }

    private static func write(_ state: PackState, _ writer: inout JSONWriter) {
        if let memory = state.memory { write(memory, &writer) }
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
            if let exchange = share.chargeExchange { writer.member("chargeExchange", exchange) }
            if let exchange = share.dischargeExchange { writer.member("dischargeExchange", exchange) }
            writer.endObject()
        }
        writer.key("settings")
        writer.beginObject()
        for (name, setting) in state.settings.sorted(by: { $0.key < $1.key }) {
            writer.key(name)
            write(setting, &writer)
        }
        writer.endObject()
    }

    private static func write(_ memory: LimitMemory, _ writer: inout JSONWriter) {
        writer.member("cells", .integer(memory.cellCount))
        writer.member("capacityWh", .integer(memory.capacity.rawValue))
        if let low = memory.cellSettings.low { writer.member("lowVoltage", .integer(low.rawValue)) }
        if let nominal = memory.cellSettings.nominal { writer.member("nominalVoltage", .integer(nominal.rawValue)) }
        if let full = memory.cellSettings.full { writer.member("fullVoltage", .integer(full.rawValue)) }
        if let learned = memory.resistance {
            writer.key("resistance")
            writer.beginObject()
            writer.member("mean", learned.mean)
            writer.member("variance", learned.variance)
            writer.member("steps", .integer(learned.steps))
            writer.endObject()
        }
        if let sag = memory.sag { writer.member("sag", sag) }
        if let seconds = memory.secondsSinceFull { writer.member("secondsSinceFull", .integer(Int(seconds))) }
        if !memory.latches.isEmpty { writer.member("latches", memory.latches.map(\.rawValue).sorted()) }
        guard let recent = memory.recent else { return }
        writer.key("recent")
        writer.beginObject()
        writer.member("age", .integer(Int(recent.age)))
        if let levels = recent.levels {
            for kind in LimitKind.allCases { writer.member(kind.rawValue, .integer(levels.value(kind))) }
        }
        for number in LimitMemory.Number.allCases {
            if let value = recent.numbers[number] { writer.member(number.rawValue, value) }
        }
        if let soc = recent.stalledSoc { writer.member("stalledSoc", .integer(soc)) }
        writer.member("state", recent.state.rawValue)
        writer.endObject()
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
        if let age = setting.age { writer.member("age", .integer(Int(age))) }
        writer.endObject()
    }

    // MARK: Reading

    private static func moment(_ value: JSONValue) -> StateMoment? {
        guard value["version"]?.number == version, let savedAt = value["savedAt"]?.whole, moments.contains(savedAt)
        else { return nil }
        var moment = StateMoment(wall: Int64(savedAt))
        if let id = value["boot.id"]?.text, id.utf8.count <= StateMoment.longestID, let at = value["boot.at"]?.whole,
            times.contains(at)
        {
            moment.boot = StateMoment.Boot(id: id, at: Int64(at))
        }
        return moment
    }

    /// The state of a pack; `nil`: it is damaged.
    ///
    /// - Parameter elapsed: milliseconds since the state was kept; `nil`: unknown.
    private static func state(_ value: JSONValue, elapsed: Int64?) -> PackState? {
        var state = PackState()
        if value["cells"] != nil {
            guard let memory = memory(value) else { return nil }
            state.memory = memory.aged(by: elapsed)
        }
        state.peaks.minimumCell = cell(value["minimumCell"])
        state.peaks.maximumCell = cell(value["maximumCell"])
        state.peaks.strongestCell = value["strongestCell"]?.whole(in: 1...255)
        state.peaks.weakestCell = value["weakestCell"]?.whole(in: 1...255)
        if let bank = value["share.bank"]?.text, let capacity = value["share.capacity"]?.whole {
            var share = BankShare(
                bank: bank, capacity: WattHours(capacity), charge: value["share.charge"]?.number(in: BankShare.range),
                discharge: value["share.discharge"]?.number(in: BankShare.range))
            if let elapsed, elapsed <= LimitMemory.Recent.lifetime {
                share.chargeExchange = value["share.chargeExchange"]?.number(in: BankShare.exchanges)
                share.dischargeExchange = value["share.dischargeExchange"]?.number(in: BankShare.exchanges)
            }
            state.share = share
        }
        guard case .object(let settings)? = value["settings"], settings.count <= mostEntries else { return nil }
        for (name, entry) in settings { state.settings[name] = stored(entry, elapsed: elapsed) }
        return state
    }

    private static func cell(_ value: JSONValue?) -> Millivolts? {
        value?.whole(in: 500...6_000).map { Millivolts($0) }
    }

    private static func memory(_ value: JSONValue) -> LimitMemory? {
        guard let cells = value["cells"]?.whole(in: 1...255),
            let capacity = value["capacityWh"]?.whole(in: 0...10_000_000), let latches = latches(value["latches"])
        else { return nil }
        var memory = LimitMemory(cellCount: cells, capacity: WattHours(capacity))
        if let mean = value["resistance.mean"]?.number, let variance = value["resistance.variance"]?.number,
            let steps = value["resistance.steps"]?.whole
        {
            memory.resistance = LimitMemory.Resistance(mean: mean, variance: variance, steps: steps)
        }
        memory.sag = value["sag"]?.number
        memory.cellSettings.low = cell(value["lowVoltage"])
        memory.cellSettings.nominal = cell(value["nominalVoltage"])
        memory.cellSettings.full = cell(value["fullVoltage"])
        memory.secondsSinceFull = value["secondsSinceFull"]?.whole.flatMap { $0 >= 0 ? Int64($0) : nil }
        memory.latches = latches
        memory.recent = value["recent"].flatMap(recent)
        return memory
    }

    /// Latches by name; a name of a newer version is left out. A value that is not a list of names makes the file a damaged one,
    /// because a latch must not vanish unnoticed.
    private static func latches(_ value: JSONValue?) -> Set<LimitMemory.Latch>? {
        guard let value else { return [] }
        guard let names = value.array, names.count <= mostEntries else { return nil }
        var latches: Set<LimitMemory.Latch> = []
        for name in names {
            guard let name = name.text else { return nil }
            if let latch = LimitMemory.Latch(rawValue: name) { latches.insert(latch) }
        }
        return latches
    }

    private static func recent(_ value: JSONValue) -> LimitMemory.Recent? {
        guard let age = value["age"]?.whole(in: 0...Int(LimitMemory.Recent.lifetime)),
            let state = value["state"]?.text.flatMap({ ChargeState(rawValue: $0) })
        else { return nil }
        var recent = LimitMemory.Recent(age: Int64(age), state: state)
        for number in LimitMemory.Number.allCases {
            guard let kept = value[number.rawValue] else { continue }
            guard let sound = kept.number(in: number.range) else { return nil }
            recent.numbers[number] = sound
        }
        if let stalled = value["stalledSoc"] {
            guard let soc = stalled.whole(in: 0...100) else { return nil }
            recent.stalledSoc = soc
        }
        guard value["cvl"] ?? value["ccl"] ?? value["dcl"] != nil else { return recent }
        guard let cvl = value["cvl"]?.whole(in: 0...2_000_000), let ccl = value["ccl"]?.whole(in: 0...10_000_000),
            let dcl = value["dcl"]?.whole(in: 0...10_000_000)
        else { return nil }
        recent.levels = Limits.Levels(cvl: Millivolts(cvl), ccl: Milliamperes(ccl), dcl: Milliamperes(dcl))
        return recent
    }

    private static func stored(_ entry: JSONValue, elapsed: Int64?) -> StoredSetting? {
        let value: SettingValue? =
            entry["number"]?.whole.map { .number($0) } ?? entry["word"]?.text.map { .word($0) }
            ?? entry["text"]?.text.map { .text($0) } ?? entry["flag"]?.flag.map { .flag($0) }
        guard let value, let setAt = entry["setAt"]?.whole(in: times) else { return nil }
        let age = entry["age"]?.whole(in: times).map { Int64($0) + min(elapsed ?? 0, Int64(times.upperBound)) }
        return StoredSetting(value, setAt: Int64(setAt), minuteOfDay: entry["minute"]?.whole, age: age)
    }
}

extension JSONValue {
    /// The number, if it is whole.
    fileprivate var whole: Int? { number.flatMap { Int(exactly: $0) } }

    /// The number, if it is in a range.
    fileprivate func number(in range: ClosedRange<Double>) -> Double? {
        number.flatMap { range.contains($0) ? $0 : nil }
    }

    /// The number, if it is whole and in a range.
    fileprivate func whole(in range: ClosedRange<Int>) -> Int? {
        whole.flatMap { range.contains($0) ? $0 : nil }
    }
}

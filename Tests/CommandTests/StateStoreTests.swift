import BMSCore
import SmartBMS
import ChargeLimits
import Glibc
import BatteryEngine
import MQTTBridge
import TestSupport
import Testing

@testable import bms_mqtt

@Suite("State on disk")
struct StateStoreTests {
    private static let state = PackState(
        memory: LimitMemory(
            cellCount: 16, capacity: WattHours(5200),
            resistance: LimitMemory.Resistance(mean: 0.8125, variance: 0.0025, steps: 17), secondsSinceFull: 3600),
        settings: [
            "maxChargeCurrent": StoredSetting(.number(30_500), setAt: 1_795_000_000_000, minuteOfDay: 842),
            "chargeEnabled": StoredSetting(.flag(false), setAt: 5),
            "chargeMode": StoredSetting(.word("float"), setAt: 6),
            "customName": StoredSetting(.text("a \"b\" \\c 🔋"), setAt: 7),
        ],
        peaks: CellVoltageExtremes(
            minimumCell: Millivolts(2905), maximumCell: Millivolts(3550), strongestCell: 3, weakestCell: 255),
        share: BankShare(bank: "house", capacity: WattHours(5_100), charge: 0.25, discharge: 0.375))
    private static let day: Int64 = 86_400_000

    private func load(_ store: StateStore, wall: Int64 = 0) -> (state: PackState?, complaints: [String]) {
        var complaints: [String] = []
        let state = store.load("garage", at: StateMoment(wall: wall)) { complaints.append($0) }
        return (state, complaints)
    }

    @Test("A saved state comes back, older by the time between; its directory is made, and nobody else may read it")
    func roundTrip() throws {
        let folder = TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = StateStore(directory: "\(folder.path)/a/b")
        #expect(store.save(Self.state, "garage", at: StateMoment(wall: Self.day)) == nil)
        var status = stat()
        #expect(stat("\(store.directory)/garage.json", &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        let loaded = load(store, wall: Self.day + 60_000)
        var expected = Self.state
        expected.memory?.secondsSinceFull = 3660
        #expect(loaded.state == expected)
        #expect(loaded.complaints == [])
        #expect(load(store, wall: 0).state?.memory?.secondsSinceFull == 3600, "a clock that ran back")
        let wild = load(store, wall: .max).state?.memory?.secondsSinceFull
        #expect(wild == 7_779_600, "a clock gone wild")
    }

    @Test("An impossible share is not used, and the rest is")
    func wildShare() {
        func share(_ capacity: String) -> BankShare? {
            let share = #"{"bank":"house","charge":1e9,"discharge":0.4\#(capacity)}"#
            let text = #"{"version":1,"savedAt":0,"settings":{},"share":\#(share)}"#
            return StateDocument.parse(Array(text.utf8), at: StateMoment(wall: 0))?.share
        }
        #expect(share(#","capacity":100"#) == BankShare(bank: "house", capacity: WattHours(100), discharge: 0.4))
        #expect(share("") == nil, "of no known pack")
        #expect(share(#","capacity":"100""#) == nil)
    }

    @Test("A missing file is not a fault")
    func absent() {
        let result = load(StateStore(directory: TemporaryFolder().path))
        #expect(result.state == nil)
        #expect(result.complaints == [])
    }

    @Test(
        "A file that is damaged or of a newer version is reported and set aside, and no part of it is used",
        arguments: [
            "", "nonsense", "[]", "{}", #"{"version":1,"savedAt":0}"#, #"{"version":2,"savedAt":0,"settings":{}}"#,
            #"{"version":1,"savedAt":-9e18,"settings":{}}"#, #"{"version":1,"savedAt":0,"settings":[]}"#,
            #"{"version":1,"savedAt":0,"settings":{},"cells":0,"capacityWh":5200}"#,
            #"{"version":1,"savedAt":0,"settings":{},"cells":16.5,"capacityWh":5200}"#,
            #"{"version":1,"savedAt":0,"settings":{},"cells":16,"capacityWh":1e300}"#,
            #"{"version":1,"savedAt":0,"settings":{},"cells":"16","capacityWh":5200}"#,
            String(repeating: "[", count: 5000), String(repeating: " ", count: 20_000),
        ])
    func bad(text: String) {
        let folder = TemporaryFolder()
        folder.write(text, "garage.json")
        let store = StateStore(directory: folder.path)
        let result = load(store)
        #expect(result.state == nil)
        #expect(result.complaints.count == 1)
        #expect(result.complaints.first?.contains("garage.json is damaged or of a newer version") == true)
        #expect(Repository.read("\(folder.path)/garage.json.bad") == text, "set aside")
        #expect(store.save(Self.state, "garage", at: StateMoment(wall: 0)) == nil)
        #expect(load(store).state == Self.state)
    }

    @Test("Damaged bytes do not end the program")
    func damage() {
        var random = SeededRandom(5)
        let good = StateDocument.bytes(Self.state, at: StateMoment(wall: 1))
        for _ in 0..<2000 {
            var bytes = good
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            _ = StateDocument.parse(bytes, at: StateMoment(wall: 0))
        }
    }

    @Test("A failed write names the place and the cause, and leaves the old file")
    func unwritable() {
        let folder = TemporaryFolder()
        let blocked = StateStore(directory: folder.write("a file", "file"))
        #expect(
            blocked.save(Self.state, "garage", at: StateMoment(wall: 0))?.contains(
                "file/garage.json.new: Not a directory") == true)
        let full = StateStore(directory: folder.path)
        #expect(full.save(Self.state, "garage", at: StateMoment(wall: 0)) == nil)
        #expect(mkdir("\(folder.path)/garage.json.new", 0o700) == 0)
        #expect(
            full.save(Self.state, "garage", at: StateMoment(wall: 9))?.contains("garage.json.new: File exists") == true)
        #expect(load(full).state == Self.state)
    }

    @Test("Many packs are written together, and one that cannot be written does not affect the others")
    func together() {
        let folder = TemporaryFolder()
        let store = StateStore(directory: folder.path)
        #expect(mkdir("\(folder.path)/shed.json.new", 0o700) == 0)
        let failures = store.save(
            ["garage": Self.state, "shed": Self.state, "attic": PackState()], at: StateMoment(wall: Self.day))
        #expect(failures.keys.sorted() == ["shed"])
        #expect(failures["shed"]?.contains("shed.json.new: File exists") == true)
        #expect(load(store).state == Self.state)
        #expect(access("\(folder.path)/attic.json", F_OK) == 0)
        #expect(access("\(folder.path)/attic.json.new", F_OK) != 0)
    }

    @Test("The directory comes from the configuration before anything else")
    func directory() {
        #expect(StateStore.directory(configured: "/somewhere") == "/somewhere")
        #expect(StateStore.directory(configured: nil).hasSuffix("bms-mqtt"))
    }

    private static let bank = BankState(
        energyIn: WattHours(12_345_000), energyOut: WattHours(11_000_000),
        today: BankState.Today(
            energyIn: WattHours(7_010), energyOut: WattHours(3), since: 1_795_000_000_000,
            readings: ["a": BankState.Reading(energyIn: WattHours(4_000), energyOut: WattHours(2))]))

    @Test("A bank's totals come back, next to the packs' files, with and without a day")
    func bankRoundTrip() {
        let folder = TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = StateStore(directory: "\(folder.path)/a/b")
        var complaints: [String] = []
        #expect(store.loadBank("house") { complaints.append($0) } == nil)
        var plain = Self.bank
        plain.today = nil
        for state in [Self.bank, plain] {
            #expect(store.saveBank(state, "house", wall: Self.day) == nil)
            #expect(store.loadBank("house") { complaints.append($0) } == state)
        }
        // The name of a pack may begin like the bank's file.
        #expect(store.save(Self.state, "bank-house", at: StateMoment(wall: Self.day)) == nil)
        #expect(store.loadBank("house") { complaints.append($0) } == plain)
        #expect(complaints == [])
        var status = stat()
        #expect(stat("\(store.directory)/bank.house.json", &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test("A damaged file of a bank is set aside and reported, and its totals begin at 0")
    func bankDamage() throws {
        let whole = StateStore.document(Self.bank, wall: Self.day)
        #expect(StateStore.parseBank(whole) == Self.bank)
        for length in 0..<(whole.count - 2) { #expect(StateStore.parseBank(Array(whole.prefix(length))) == nil) }
        var random = SeededRandom(9)
        for _ in 0..<2_000 {
            var bytes = whole
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            guard let state = StateStore.parseBank(bytes) else { continue }
            #expect(state.energyIn >= .zero && state.energyOut >= .zero)
        }
        for text in [
            #"{"version":1,"savedAt":0,"inWh":-1,"outWh":0}"#, #"{"version":1,"savedAt":0,"inWh":1e15,"outWh":0}"#,
            #"{"version":1,"savedAt":0,"inWh":0.5,"outWh":0}"#, #"{"version":2,"savedAt":0,"inWh":0,"outWh":0}"#,
            #"{"version":1,"savedAt":0,"inWh":1}"#,
            #"{"version":1,"savedAt":0,"inWh":1,"outWh":1,"today":{"inWh":0,"outWh":0,"packs":{"a":{}}}}"#,
        ] {
            #expect(StateStore.parseBank(Array(text.utf8)) == nil, "\(text)")
        }
        let folder = TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = StateStore(directory: folder.path)
        _ = folder.write("{", "bank.house.json")
        var complaints: [String] = []
        #expect(store.loadBank("house") { complaints.append($0) } == nil)
        #expect(complaints.first?.contains("is damaged or of a newer version (kept as") == true)
        #expect(Repository.read("\(folder.path)/bank.house.json.bad") == "{")
    }
}

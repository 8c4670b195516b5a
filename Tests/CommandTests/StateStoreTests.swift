import BMSCore
import ChargeLimits
import Glibc
import TestSupport
import Testing

@testable import bms_mqtt

@Suite("State on disk")
struct StateStoreTests {
    private static let memory = LimitMemory(
        cellCount: 16, capacity: WattHours(5200),
        resistance: LimitMemory.Resistance(mean: 0.8125, variance: 0.0025, steps: 17), secondsSinceFull: 3600)
    private static let day: Int64 = 86_400_000

    private func load(_ store: StateStore, wall: Int64 = 0) -> (memory: LimitMemory?, complaints: [String]) {
        var complaints: [String] = []
        let memory = store.load("garage", wall: wall) { complaints.append($0) }
        return (memory, complaints)
    }

    @Test("What was saved comes back, older by the time between; the directory is made, nobody else may read it")
    func roundTrip() throws {
        let store = StateStore(directory: "\(TemporaryFolder().path)/a/b")
        #expect(store.save(Self.memory, "garage", wall: Self.day) == nil)
        var status = stat()
        #expect(stat("\(store.directory)/garage.json", &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        let loaded = load(store, wall: Self.day + 60_000)
        var expected = Self.memory
        expected.secondsSinceFull = 3660
        #expect(loaded.memory == expected)
        #expect(loaded.complaints == [])
        #expect(load(store, wall: 0).memory?.secondsSinceFull == 3600, "a clock that ran back")
        let wild = load(store, wall: .max).memory?.secondsSinceFull
        #expect(wild == 7_779_600, "a clock gone wild")
    }

    @Test("No file is no fault")
    func absent() {
        let result = load(StateStore(directory: TemporaryFolder().path))
        #expect(result.memory == nil)
        #expect(result.complaints == [])
    }

    @Test(
        "A file that is none of ours is told and replaced, never half believed",
        arguments: [
            "", "nonsense", "[]", "{}", #"{"version":2,"cells":16,"capacityWh":5200}"#,
            #"{"version":1,"cells":0,"capacityWh":5200}"#, #"{"version":1,"cells":16.5,"capacityWh":5200}"#,
            #"{"version":1,"cells":16,"capacityWh":1e300}"#, #"{"version":1,"cells":"16","capacityWh":5200}"#,
            String(repeating: "[", count: 5000), String(repeating: " ", count: 20_000),
        ])
    func bad(text: String) {
        let folder = TemporaryFolder()
        folder.write(text, "garage.json")
        let store = StateStore(directory: folder.path)
        let result = load(store)
        #expect(result.memory == nil)
        #expect(result.complaints.count == 1)
        #expect(result.complaints.first?.contains("garage.json is no state of this program") == true)
        #expect(store.save(Self.memory, "garage", wall: 0) == nil)
        #expect(load(store).memory == Self.memory)
    }

    @Test("Damaged bytes end nothing")
    func damage() {
        var random = SeededRandom(5)
        let good = Array(StateStore.text(Self.memory, wall: 1).utf8)
        for _ in 0..<2000 {
            var bytes = good
            bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            _ = StateStore.parse(bytes, wall: 0)
        }
    }

    @Test("Where nothing can be written the sentence names the place and the cause; the old file stays")
    func unwritable() {
        let folder = TemporaryFolder()
        let blocked = StateStore(directory: folder.write("a file", "file"))
        #expect(blocked.save(Self.memory, "garage", wall: 0)?.contains("file/garage.json.new: Not a directory") == true)
        let full = StateStore(directory: folder.path)
        #expect(full.save(Self.memory, "garage", wall: 0) == nil)
        #expect(symlink("/dev/full", "\(folder.path)/garage.json.new") == 0)
        #expect(full.save(Self.memory, "garage", wall: 9)?.contains("No space left on device") == true)
        #expect(load(full).memory == Self.memory)
    }

    @Test("The directory comes from the configuration before anything else")
    func directory() {
        #expect(StateStore.directory(configured: "/somewhere") == "/somewhere")
        #expect(StateStore.directory(configured: nil).hasSuffix("bms-mqtt"))
    }
}

import BMSCore
import CLinux
import Glibc
import JSON
import BatteryEngine
import MQTTBridge

/// The energy totals of each bank in a file of its own, in the packs' directory and with the rules of their files.
extension StateStore {
    /// Range of a total, Wh; its end is about a megawatt for a century.
    private static let energies = 0...1_000_000_000_000
    private static let version = 1.0
    /// Range of a clock's time, milliseconds since 1970.
    private static let times = 0...4_000_000_000_000
    /// Largest number of packs of a bank.
    private static let mostReadings = 1_000

    /// The kept state of a bank; `nil` if there is no file, or if the file is not valid, which is reported.
    func loadBank(_ bank: String, complain: (String) -> Void) -> BankState? {
        read(
            bankPath(bank), otherwise: "its energy totals begin at 0", complain: complain, parse: Self.parseBank)
    }

    /// Replaces the file of a bank; returns a sentence if that failed.
    func saveBank(_ state: BankState, _ bank: String, wall: Int64) -> String? {
        let path = bankPath(bank)
        if let failure = makeDirectory() ?? openness { return failure }
        if let failure = StateFile.replace(path, with: Self.document(state, wall: wall)) { return failure }
        let folder = clinux_open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
        return nil
    }

    /// Path of the file, whose name no pack's file can have, because ids have no dots.
    private func bankPath(_ bank: String) -> String { "\(directory)/bank.\(bank).json" }

    static func document(_ state: BankState, wall: Int64) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("version", .integer(Int(version)))
        writer.member("savedAt", .integer(Int(wall)))
        writer.member("inWh", .integer(state.energyIn.rawValue))
        writer.member("outWh", .integer(state.energyOut.rawValue))
        if let today = state.today {
            writer.key("today")
            writer.beginObject()
            writer.member("inWh", .integer(today.energyIn.rawValue))
            writer.member("outWh", .integer(today.energyOut.rawValue))
            if let since = today.since { writer.member("since", .integer(Int(since))) }
            writer.key("packs")
            writer.beginObject()
            for (id, reading) in today.readings.sorted(by: { $0.key < $1.key }) {
                writer.key(id)
                writer.beginObject()
                writer.member("inWh", .integer(reading.energyIn.rawValue))
                writer.member("outWh", .integer(reading.energyOut.rawValue))
                writer.endObject()
            }
            writer.endObject()
            writer.endObject()
        }
        writer.endObject()
        return writer.bytes + [UInt8(ascii: "\n")]
    }

    /// The state of a file; `nil` if a figure is not valid.
    static func parseBank(_ bytes: [UInt8]) -> BankState? {
        guard let value = JSONValue(parsing: bytes), value["version"]?.number == Self.version,
            let savedAt = value["savedAt"]?.wholeNumber, times.contains(savedAt), let total = reading(value)
        else { return nil }
        var state = BankState(energyIn: total.energyIn, energyOut: total.energyOut)
        guard let today = value["today"] else { return state }
        guard let sum = reading(today), case .object(let packs)? = today["packs"], packs.count <= mostReadings else {
            return nil
        }
        var day = BankState.Today(energyIn: sum.energyIn, energyOut: sum.energyOut)
        if let since = today["since"] {
            guard let since = since.wholeNumber, times.contains(since) else { return nil }
            day.since = Int64(since)
        }
        for (id, entry) in packs {
            guard let reading = reading(entry) else { return nil }
            day.readings[id] = reading
        }
        state.today = day
        return state
    }

    private static func reading(_ value: JSONValue) -> BankState.Reading? {
        guard let energyIn = value["inWh"]?.wholeNumber, let energyOut = value["outWh"]?.wholeNumber,
            energies.contains(energyIn), energies.contains(energyOut)
        else { return nil }
        return BankState.Reading(energyIn: WattHours(energyIn), energyOut: WattHours(energyOut))
    }
}

extension JSONValue {
    fileprivate var wholeNumber: Int? { number.flatMap { Int(exactly: $0) } }
}

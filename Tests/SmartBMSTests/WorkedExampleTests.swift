import BMSCore
import SmartBMS
import Testing
import TestSupport

/// One line of frames.jsonl.
struct WorkedExample: Decodable, Sendable, CustomTestStringConvertible {
    var id: String
    var bytes: String?
    var chunks: [String]?
    var frames: Int
    var expect: [String: Int?]?

    var testDescription: String { id }
    /// Bytes of single reads.
    var reads: [[UInt8]] { (chunks ?? [bytes ?? ""]).compactMap(Fixtures.bytes(hex:)) }

    static let all = (try? Fixtures.objects(of: "frames.jsonl", as: WorkedExample.self)) ?? []
    static func named(_ prefix: String) -> WorkedExample? { all.first { $0.id.hasPrefix(prefix) } }
}

@Suite("Worked examples")
struct WorkedExampleTests {
    @Test("There are twenty examples")
    func count() {
        #expect(WorkedExample.all.count == 20)
    }

    @Test("Each field decodes to the integer of the example", arguments: WorkedExample.all.filter { $0.expect != nil })
    func fields(example: WorkedExample) throws {
        let frame = try #require(example.reads.first.flatMap { FrameDecoder.decode($0) })
        let expected = try #require(example.expect)
        #expect(frame.namedFields == expected)
    }

    @Test("A receiver that judges the shape alone finds the stated number of frames", arguments: WorkedExample.all)
    func frames(example: WorkedExample) {
        var stream = FrameStream(rules: .shapeOnly)
        var count = 0
        for read in example.reads {
            stream.push(read)
            while stream.nextFrame() != nil { count += 1 }
        }
        #expect(count == example.frames)
    }

    /// w01 and w02 are the example values of the vendor's paper: 2.8 V cells in a pack of 335 V, thresholds of 28 V. w12 has 15 cells of
    /// 3.3 V in a pack of 53 V. No battery can have these values, so refusing them is intended.
    @Test(
        "The default rules refuse the paper curiosities for the right reason",
        arguments: [
            ("w01", Rejection.packVoltage), ("w02", .thresholds), ("w12", .packVoltage),
        ])
    func curiosities(id: String, rejection: Rejection) throws {
        let bytes = try #require(WorkedExample.named(id)?.reads.first)
        var stream = FrameStream()
        stream.push(bytes)
        #expect(stream.nextFrame() == nil)
        #expect(stream.counters.rejections == [rejection: 1])
    }

    @Test(
        "The default rules accept every other example",
        arguments: WorkedExample.all.filter {
            !["w01", "w02", "w12"].contains($0.id.prefix(3))
        })
    func defaultRules(example: WorkedExample) {
        var stream = FrameStream()
        var count = 0
        for read in example.reads {
            stream.push(read)
            while stream.nextFrame() != nil { count += 1 }
        }
        #expect(count == example.frames)
    }

    @Test("The slot above the count of w12 is ignored, and its frame is used")
    func slotOutsidePack() throws {
        let bytes = try #require(WorkedExample.named("w12")?.reads.first)
        var receiver = PackDecoder(rules: .shapeOnly)
        #expect(receiver.receive(bytes, at: .seconds(0)) == [.refused(.settings)])
        #expect(receiver.receive(bytes, at: .seconds(1)) == [.measured])
        #expect(receiver.snapshot.cells == [CellReading?](repeating: nil, count: 15))
    }

    @Test("After the second key 0 of w13 its values are known, and no others")
    func keys() throws {
        let example = try #require(WorkedExample.named("w13"))
        var receiver = PackDecoder()
        // The gate needs the first settings twice, so the first frame comes twice.
        for (second, read) in ([example.reads[0]] + example.reads).enumerated() {
            receiver.feed(read, at: .seconds(Double(second)))
        }
        var expected = KeyValues()
        expected.stateOfHealth = 94
        expected.nominalVoltage = Millivolts(3300)
        expected.firmware = "3.3.9"
        expected.cycles = 523
        expected.fullVoltage = Millivolts(3455)
        #expect(receiver.snapshot.keys == expected)
    }
}

extension Frame {
    /// The fields with the names and units of the examples.
    fileprivate var namedFields: [String: Int?] {
        let degrees = TemperatureScale.measured
        return [
            "pack_mv": packVoltage.rawValue, "i1_ma": current1?.rawValue, "i2_ma": current2?.rawValue,
            "isum_ma": current?.rawValue, "low_mv": lowestVoltage.rawValue, "low_cell": lowestVoltageCell,
            "high_mv": highestVoltage.rawValue, "high_cell": highestVoltageCell,
            "cold_mdeg": degrees.temperature(lowestTemperature).rawValue, "cold_cell": lowestTemperatureCell,
            "warm_mdeg": degrees.temperature(highestTemperature).rawValue, "warm_cell": highestTemperatureCell,
            "slot_cell": slotCell, "cells": cellCount, "slot_mv": slotVoltage.rawValue,
            "slot_mdeg": degrees.temperature(slotTemperature).rawValue, "status": Int(status.rawValue),
            "today_in_wh": energyInToday.rawValue, "stored_wh": energyStored.rawValue,
            "today_out_wh": energyOutToday.rawValue, "soc": soc, "total_in_kwh": lifetimeIn.rawValue / 1000,
            "total_out_kwh": lifetimeOut.rawValue / 1000, "byte47": Int(keyByte), "byte48": Int(keyValue),
            "capacity_wh": capacity.rawValue, "vmin_mv": minimumVoltage.rawValue,
            "vmax_mv": maximumVoltage.rawValue, "vbal_mv": balanceVoltage.rawValue,
        ]
    }
}

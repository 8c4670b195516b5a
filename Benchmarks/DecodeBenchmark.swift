import BMSCore
import SmartBMS

/// Frames for benchmarks: a pack that changes a little with each frame.
enum SampleFrames {
    static func make(_ count: Int) -> [Frame] {
        (0..<count).map { index in
            var frame = Frame.blank
            frame.packVoltage = Millivolts(53_000 + index % 7 * 5)
            frame.current1 = Milliamperes(12_500)
            frame.current = frame.current1
            frame.lowestVoltage = Millivolts(3305)
            frame.lowestVoltageCell = 3
            frame.highestVoltage = Millivolts(3320)
            frame.highestVoltageCell = 11
            frame.lowestTemperature = RawTemperature(293)
            frame.lowestTemperatureCell = 1
            frame.highestTemperature = RawTemperature(297)
            frame.highestTemperatureCell = 16
            frame.slotCell = index % 16 + 1
            frame.cellCount = 16
            frame.slotVoltage = Millivolts(3310)
            frame.slotTemperature = RawTemperature(294)
            frame.status = .permissions
            frame.energyStored = WattHours(7400)
            frame.soc = 58
            frame.keyByte = UInt8(25 + index % 19)
            frame.keyValue = 3
            frame.capacity = WattHours(12_800)
            frame.minimumVoltage = Millivolts(2900)
            frame.maximumVoltage = Millivolts(3650)
            frame.balanceVoltage = Millivolts(3400)
            return frame
        }
    }

    static func bytes(_ count: Int) -> [UInt8] { make(count).flatMap(FrameEncoder.encode) }
}

/// From bytes to checked, decoded frames, as in `bms-mqtt decode` without printing.
enum DecodeBenchmark {
    static func run() {
        let count = 100_000
        let bytes = SampleFrames.bytes(count)
        let chunks = stride(from: 0, to: bytes.count, by: 65_536).map {
            Array(bytes[$0..<min($0 + 65_536, bytes.count)])
        }
        var found = 0
        var checksum = 0
        func measure() -> Double {
            Stopwatch.best(of: 5) {
                var stream = FrameStream()
                found = 0
                for chunk in chunks {
                    stream.push(chunk)
                    while case .success(let frame)? = stream.next() {
                        found += 1
                        checksum &+= frame.packVoltage.rawValue
                    }
                }
            }
        }
        var seconds = measure()
        precondition(found == count && checksum != 0)
        let python = PythonComparison.inTurns("decode.py", frames: SampleFrames.make(20_000), best: max) {
            seconds = min(seconds, measure())
        }
        let rate = Double(count) / seconds
        print("| decode \(count) frames, one core, aim 3000000 | \(Int(rate)) frames/s |")
        guard let python else { return }
        print("| the same in Python | \(Int(python)) frames/s |")
        print("| ratio, aim 100 or more | \(Int(rate / python)) |")
    }
}

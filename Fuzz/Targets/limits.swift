import BMSCore
import SmartBMS
import FuzzSupport
import Glibc
import JSON
import BatteryEngine
import MQTTBridge

@testable import bms_mqtt

/// Fuzzes `bms-mqtt limits`: each line is answered by one line of JSON, and no answer is above the file's caps.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = UnsafeBufferPointer(start: start, count: count)
    let asked = input.count { $0 == UInt8(ascii: "\n") } + (input.isEmpty || input.last == UInt8(ascii: "\n") ? 0 : 1)
    let file = MemoryFile(UnsafeRawBufferPointer(input))
    let answers = MemoryFile()
    Invariant.hold(
        LimitsCommand.run(SamplePack.options, input: file.descriptor, output: answers.descriptor) == 0, "exit code")
    let lines = answers.contents().split(separator: UInt8(ascii: "\n"))
    Invariant.hold(lines.count == asked, "\(lines.count) answers to \(asked) lines")
    for line in lines {
        Invariant.hold(line.count <= 4096, "an answer of \(line.count) bytes")
        guard let answer = JSONValue(parsing: Array(line)), answer["t"]?.number != nil else {
            Invariant.hold(false, "no JSON: \(String(decoding: line, as: UTF8.self))")
            continue
        }
        for (name, cap) in [("cvl", 27.2), ("ccl", 60), ("dcl", 80)] {
            Invariant.hold((0...cap).contains(answer[name]?.number ?? 0), "\(name) is \(answer[name]?.number ?? 0)")
        }
    }
    return 0
}

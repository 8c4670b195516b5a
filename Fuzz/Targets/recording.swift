import FuzzSupport
import Glibc
import JSON

@testable import SerialLink
@testable import bms_mqtt

/// Fuzzes a recording in `bms-mqtt decode`, in both its forms, and in the lines of a replay.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: start, count: count)
    for format in DecodeCommand.Format.allCases {
        let file = MemoryFile(input)
        let output = MemoryFile()
        Invariant.hold(DecodeCommand(format: format).run(file: file.path, output: output.descriptor) == 0, "exit code")
        for line in output.contents().split(separator: UInt8(ascii: "\n")) {
            Invariant.checkJSON(Array(line), "\(format)")
        }
    }
    for line in input.split(separator: UInt8(ascii: "\n")) {
        guard case .bytes(let time, let bytes) = RecordFormat.parse(line), let time else { continue }
        let again = Array(RecordFormat.line(milliseconds: time, bytes).utf8.dropLast())
        Invariant.hold(RecordFormat.parse(again) == .bytes(time, bytes), "a line is another when written again")
    }
    return 0
}

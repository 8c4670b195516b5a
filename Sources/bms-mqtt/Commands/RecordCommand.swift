import BMSCore
import Glibc
import LinuxIO
import SerialLink
import ServiceIO

/// `bms-mqtt record`: writes the bytes of a source to a file, for a bug report or a test.
struct RecordCommand: Sendable {
    var source: SourceAddress
    var file: String

    /// Runs until cancelled or the disk is full.
    func run() async -> Int32 {
        guard let reader = ByteSource(source) else {
            Console.complain("\(source) cannot be recorded: use 'bms-mqtt simulate --stdout'")
            return 2
        }
        let writer: RecordWriter
        do throws(SerialError) {
            writer = try RecordWriter(path: file)
        } catch {
            Console.complain(error.description)
            return 1
        }
        reader.start()
        var bytes = 0
        let code: Int32 = await withTaskCancellationHandler {
            for await event in reader.events {
                switch event {
                case .bytes(let chunk, let time):
                    bytes += chunk.count
                    do throws(SerialError) {
                        try writer.append(chunk, milliseconds: Int64(time * 1000))
                    } catch {
                        Console.complain(error.description)
                        reader.stop()
                        return 1
                    }
                case .opened(let name): Console.complain("recording \(name) to \(file); Ctrl-C ends it")
                case .closed(let error, let seconds):
                    Console.complain("\(error); next attempt in \(Int(seconds.rounded(.up))) s")
                case .dropped(let seconds):
                    Console.complain(
                        "this program was held up for \(Int(seconds)) s: the bytes of that time are missing in \(file)")
                case .complaint(let error): Console.complain(error.description)
                case .ended: reader.stop()
                }
            }
            return 0
        } onCancel: {
            reader.stop()
        }
        guard bytes > 0 else {
            unlink(file)
            Console.complain("nothing came from \(source): no file was made")
            return 1
        }
        Console.complain("\(bytes) bytes written to \(file)")
        return code
    }
}

extension RecordCommand {
    static let row = CommandRow(
        name: "record", summary: "record the bytes of a source",
        options: [
            OptionRow(
                name: "--port", kind: .text("SOURCE"), meaning: "serial:auto, serial:/dev/ttyUSB0, tcp:host:port",
                isRequired: true),
            OptionRow(name: "file", kind: .file("FILE"), meaning: "a new file", isRequired: true), .seconds,
        ],
        details: """
            Writes text, a line for each read, 100 MiB at most. 'source: replay:FILE' plays the file to a bridge. If nothing came, no file
            is left and the exit code is 1.
            """, examples: ["bms-mqtt record --port serial:auto garage.rec --seconds 600"],
        work: .waiting(start))

    private static func start(_ arguments: Arguments) async throws(CommandFailure) -> Int32 {
        let source: SourceAddress
        do throws(SourceAddressError) {
            source = try SourceAddress(arguments.text("--port") ?? "")
        } catch {
            throw .usage(error.description)
        }
        return await RecordCommand(source: source, file: arguments.text("file") ?? "").run()
    }
}

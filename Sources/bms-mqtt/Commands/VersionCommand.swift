import Mosquitto
import ServiceIO

/// `bms-mqtt version`: versions of the program and of its MQTT library.
enum VersionCommand {
    static let row = CommandRow(
        name: "version", summary: "the version", options: [], details: "Name and version of this program.",
        examples: ["bms-mqtt version"],
        work: .plain(start))

    private static func start(_ arguments: Arguments) throws(CommandFailure) -> Int32 {
        Console.write("bms-mqtt \(Version.number)\n\(MosquittoLibrary.text)\n")
        return 0
    }
}

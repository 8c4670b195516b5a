import Glibc

/// The vendor's cable among the serial ports, by the name that the system makes from its USB strings. The name stays when the cable comes
/// back as another ttyUSB.
enum SerialCable {
    /// Part of the name: the cable calls itself "SmartBMSToUSB" or "123SmartBMS Controller".
    private static let mark = "smartbms"

    /// The one path whose name fits.
    static func find(in folder: String) throws(SerialError) -> String {
        let names = names(in: folder)
        let fitting = names.filter { $0.lowercased().contains(mark) }
        if let only = fitting.first, fitting.count == 1 { return "\(folder)/\(only)" }
        guard fitting.isEmpty else {
            throw SerialError(
                .find, "serial:auto",
                "\(fitting.count) cables fit (\(fitting.joined(separator: ", "))): name one, as in "
                    + "serial:\(folder)/\(fitting[0])")
        }
        let others = names.isEmpty ? "no serial port at all" : "only \(names.joined(separator: ", "))"
        throw SerialError(
            .find, "serial:auto",
            "no 123\\SmartBMS cable found, \(others) in \(folder): plug it in, or name the port, as in serial:/dev/ttyUSB0"
        )
    }

    /// At most 32 names, sorted.
    private static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while names.count < 32, let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}

import Glibc

/// A serial port of this machine.
public struct SerialPortName: Hashable, Sendable {
    /// Path under which a configuration should name it.
    public let path: String
    /// The port is the vendor's cable, by its name.
    public let isCable: Bool
}

/// The vendor's cable among the serial ports, by the name that the system makes from its USB strings. The name stays when the cable comes
/// back as another ttyUSB.
public enum SerialCable {
    /// Part of the name: the cable calls itself "SmartBMSToUSB" or "123SmartBMS Controller", and the package's udev rule "smartbms-...".
    private static let mark = "smartbms"
    /// Names of ports that a BMS may be at, where no name of the USB device is known.
    private static let devices = ["smartbms", "ttyUSB", "ttyACM"]
    /// Most names that are read of a folder.
    private static let mostNames = 10_000
    /// Most names in a message.
    private static let mostShown = 8

    /// Folders in which ports are looked for.
    public struct Folders: Sendable {
        /// Links with names of the USB devices.
        public var byName = "/dev/serial/by-id"
        /// The devices themselves.
        public var devices = "/dev"

        /// The system's folders.
        public init() {}

        /// Other folders, for tests.
        public init(byName: String, devices: String) { (self.byName, self.devices) = (byName, devices) }
    }

    /// All serial ports, the vendor's cables first. A port that has a name by its USB device is not listed a second time.
    public static func ports(in folders: Folders = Folders()) -> [SerialPortName] {
        let named = names(in: folders.byName).map { "\(folders.byName)/\($0)" }
        let targets = Set(named.compactMap(target))
        let others = names(in: folders.devices)
            .filter { name in devices.contains { name.hasPrefix($0) } }
            .map { "\(folders.devices)/\($0)" }
            .filter { path in target(path).map { !targets.contains($0) } ?? true }
        // A link of a udev rule and its device are one port, under the name of the link.
        let linked = Set(others.filter { $0.split(separator: "/").last?.hasPrefix(mark) == true }.compactMap(target))
        let ports = (named + others.filter { !linked.contains($0) }).map { path in
            SerialPortName(path: path, isCable: path.split(separator: "/").last?.lowercased().contains(mark) == true)
        }
        return ports.filter(\.isCable) + ports.filter { !$0.isCable }
    }

    /// The path of the only cable.
    static func find(in folders: Folders) throws(SerialError) -> String {
        let ports = ports(in: folders)
        let cables = ports.filter(\.isCable).map(\.path)
        if let only = cables.first, cables.count == 1 { return only }
        guard cables.isEmpty else {
            throw SerialError(
                .find, "serial:auto",
                "\(cables.count) cables fit (\(shown(cables))): name one, as in serial:\(cables[0])")
        }
        let others = ports.isEmpty ? "and no other serial port" : "only \(shown(ports.map(\.path)))"
        throw SerialError(
            .find, "serial:auto",
            "no 123\\SmartBMS cable found, \(others): plug it in, or name the port, as in serial:/dev/ttyUSB0")
    }

    private static func shown(_ paths: [String]) -> String {
        paths.prefix(mostShown).joined(separator: ", ")
            + (paths.count > mostShown ? " and \(paths.count - mostShown) more" : "")
    }

    /// The device behind a link, or the path of a device.
    private static func target(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    /// Names in a folder, sorted.
    private static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while names.count < mostNames, let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}

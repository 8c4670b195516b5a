import CMosquitto

/// The C library inside this program.
public enum MosquittoLibrary {
    /// True for the library of this project: no packet of a broker ends the process, and no packet is taken into memory beyond
    /// ``LinkConfiguration/maximumPacket``. Debian's own library promises neither.
    public static let hasBounds = MOSQ_HAS_BOUNDS != 0

    /// The version of the library, and its origin.
    public static var text: String {
        var (major, minor, revision): (Int32, Int32, Int32) = (0, 0, 0)
        mosquitto_lib_version(&major, &minor, &revision)
        let version = "libmosquitto \(major).\(minor).\(revision)"
        return hasBounds
            ? "\(version), Debian's source \(MOSQ_BOUNDS_SOURCE) with the patches of bms-mqtt, linked in"
            : "\(version) of the system"
    }
}

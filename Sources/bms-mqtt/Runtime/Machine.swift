import CLinux
import Glibc
import LinuxIO

/// Names of the machine.
enum Machine {
    /// A portal id that stays the same for this machine and client: the form of a locally administered hardware address, which
    /// no real device has.
    static func portalID(_ client: String) -> String {
        let file = clinux_open("/etc/machine-id", O_RDONLY | O_CLOEXEC, 0)
        var identity = (try? ChunkReader.read(file, upTo: 64)) ?? []
        if file >= 0 { close(file) }
        if identity.isEmpty { identity = Array(name.utf8) }
        // FNV-1a is enough: the id has to differ between machines, and keeps no secret.
        let hash = (identity + Array(client.utf8)).reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        let address = hash & 0xFCFF_FFFF_FFFF | 0x0200_0000_0000
        let digits = String(address, radix: 16)
        return String(repeating: "0", count: 12 - digits.count) + digits
    }

    /// Host name, or "host" where there is none.
    static var name: String { HostName.ofMachine ?? "host" }
}

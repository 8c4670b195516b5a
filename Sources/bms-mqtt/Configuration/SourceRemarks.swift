import BMSCore
import BatteryEngine
import ChargeLimits
import Glibc
import LinuxIO
import SerialLink

/// Remarks on a valid configuration that depend on the machine: ports that are absent, numbers that swap, the time zone.
enum SourceRemarks {
    /// One line for each remark.
    static func lines(_ packs: [ServicePlan.Pack]) -> [String] {
        let numbered = packs.filter { pack in
            if case .serial(let path) = pack.source {
                path.hasPrefix("/dev/ttyUSB") || path.hasPrefix("/dev/ttyACM")
            } else {
                false
            }
        }
        var lines: [String] = []
        for pack in packs {
            if case .serial(let path) = pack.source, FileStatus(path: path) == nil {
                lines.append("pack \(pack.options.id): \(path) is not there now")
            }
        }
        if numbered.count > 1 {
            let ids = numbered.map(\.options.id).joined(separator: ", ")
            lines.append(
                "packs \(ids): the numbers of ttyUSB ports change places at a restart or a new plug; name ports by /dev/serial/by-id, "
                    + "or one pack may get the other's data")
        }
        if packs.contains(where: { $0.options.limits.balanceHours != nil }) {
            lines.append(
                "charging.balanceHours count in this machine's time zone, where it is \(Clock.timeOfDay(Clock.now().wall)) now"
            )
        }
        return lines
    }
}

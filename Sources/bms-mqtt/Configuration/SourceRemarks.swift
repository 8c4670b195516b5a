import BMSCore
import BatteryEngine
import CANBus
import ChargeLimits
import Glibc
import LinuxIO
import SerialLink
import ServiceIO

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
                    + (hasTimeZone ? "" : "; it has none, so that is UTC: set the variable TZ, or install tzdata"))
        }
        return lines
    }

    /// One line for each CAN bus that cannot be opened.
    static func lines(_ buses: [ServicePlan.Bus]) -> [String] {
        buses.compactMap { bus in bus.address.obstacle.map { "\(bus.address) cannot be opened now: \($0)" } }
    }

    /// What the owner should do about the machine.
    static func advice(_ pack: ServicePlan.Pack) -> [Advice] {
        guard pack.options.limits.balanceHours != nil, !hasTimeZone else { return [] }
        return [
            Advice(
                .timeZone,
                "charging.balanceHours count in UTC, because this machine has no time zone: set the variable TZ, or install tzdata"
            )
        ]
    }

    /// The machine knows a time zone: by the variable TZ, else by /etc/localtime. A container often knows none, and counts in UTC.
    private static var hasTimeZone: Bool {
        guard let zone = getenv("TZ").map({ String(cString: $0) }), !zone.isEmpty else {
            return FileStatus(path: "/etc/localtime") != nil
        }
        let name = zone.drop { $0 == ":" }
        // "CET-1CEST,M3.5.0,M10.5.0" needs no file.
        return name.contains(",") || name == "UTC"
            || FileStatus(path: name.hasPrefix("/") ? String(name) : "/usr/share/zoneinfo/\(name)") != nil
    }
}

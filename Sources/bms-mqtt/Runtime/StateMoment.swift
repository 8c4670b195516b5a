import BMSCore
import Glibc
import LinuxIO
import BatteryEngine
import MQTTBridge
import ServiceIO

/// A moment on every clock that can tell how long ago a state was kept.
struct StateMoment: Hashable, Sendable {
    /// Milliseconds since 1970 UTC; in the `limits` filter the time of its lines.
    var wall: Int64
    /// The moment on the clock since boot, suspend included; `nil`: unknown.
    var boot: Boot?

    /// A moment on the clock of one boot.
    struct Boot: Hashable, Sendable {
        /// The kernel's random id of the boot.
        var id: String
        /// Milliseconds since boot.
        var at: Int64
    }

    /// Milliseconds from an earlier moment to this one, 0 or more; `nil`: unknown, because the clock was set back.
    ///
    /// Within one boot the clock since boot counts, which nobody can set; over a boot the wall clock is the only one.
    func elapsed(since earlier: StateMoment) -> Int64? {
        if let boot, let before = earlier.boot, boot.id == before.id {
            return boot.at >= before.at ? boot.at - before.at : nil
        }
        let (difference, isOverflow) = wall.subtractingReportingOverflow(earlier.wall)
        guard !isOverflow else { return wall > earlier.wall ? .max : nil }
        return difference >= 0 ? difference : nil
    }
}

extension StateMoment {
    /// Largest length of a valid boot id, bytes.
    static let longestID = 64

    /// The present moment by the machine's clocks.
    static func now() -> StateMoment {
        let now = Clock.now()
        return StateMoment(wall: now.wall, boot: bootID.map { Boot(id: $0, at: now.monotonic.milliseconds) })
    }

    /// The id of this boot; `nil` if the kernel gives none.
    private static let bootID: String? = {
        guard let descriptor = try? ChunkReader.open("/proc/sys/kernel/random/boot_id").get() else { return nil }
        defer { close(descriptor) }
        let id = String(decoding: ((try? ChunkReader.read(descriptor)) ?? []).prefix { $0 > 0x20 }, as: UTF8.self)
        return id.isEmpty || id.utf8.count > longestID ? nil : id
    }()
}

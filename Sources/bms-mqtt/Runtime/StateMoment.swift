import BMSCore
import Glibc
import LinuxIO
import MQTTBridge

/// A moment on every clock that can tell how long ago a state was kept.
struct StateMoment: Hashable, Sendable {
    /// Milliseconds since 1970 UTC; of the `limits` filter the time of its lines.
    var wall: Int64
    /// Milliseconds since boot, suspend included, and which boot that was; `nil`: unknown.
    var boot: Boot?

    /// A moment on the clock of one boot.
    struct Boot: Hashable, Sendable {
        /// The kernel's random id of the boot.
        var id: String
        /// Milliseconds since boot.
        var at: Int64
    }

    /// Milliseconds from an earlier moment to this one, 0 or more; `nil`: unknown, for the clock stands before it.
    ///
    /// Within one boot nobody sets the clock that counts; over a boot the wall's clock is the only one.
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
    /// Longest id of a boot that is believed.
    static let longestID = 64

    /// By the machine's clocks.
    static func now() -> StateMoment {
        let now = Clock.now()
        return StateMoment(wall: now.wall, boot: bootID.map { Boot(id: $0, at: now.monotonic.milliseconds) })
    }

    /// The id of this boot; `nil` where the kernel tells none.
    private static let bootID: String? = {
        guard let descriptor = try? ChunkReader.open("/proc/sys/kernel/random/boot_id").get() else { return nil }
        defer { close(descriptor) }
        let id = String(decoding: ((try? ChunkReader.read(descriptor)) ?? []).prefix { $0 > 0x20 }, as: UTF8.self)
        return id.isEmpty || id.utf8.count > longestID ? nil : id
    }()
}

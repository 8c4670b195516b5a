package import BMSCore
import CLinux
import Glibc
import LinuxIO
package import BatteryEngine

/// The clocks of the machine: time since boot, wall time and local time.
package enum Clock {
    /// Time since boot, suspend included, because data age during a suspend, too.
    package static func monotonic() -> Timestamp { Timestamp(milliseconds: read(CLOCK_BOOTTIME)) }

    /// The present moment on both clocks, with the minute of the local day.
    package static func now() -> Moment {
        let wall = read(CLOCK_REALTIME)
        return Moment(monotonic: monotonic(), wall: wall, minuteOfDay: minuteOfDay(wall))
    }

    /// Minute of the local day; `nil` where the system does not know it. Time zones change on whole minutes, so one question to the
    /// system for each minute is enough.
    private static func minuteOfDay(_ wall: Int64) -> Int? {
        known.withLock { known in
            if known.minute != wall / 60_000 {
                var seconds = time_t(wall / 1000)
                var local = tm()
                let isKnown = localtime_r(&seconds, &local) != nil
                known = (wall / 60_000, isKnown ? Int(local.tm_hour) * 60 + Int(local.tm_min) : nil)
            }
            return known.value
        }
    }

    /// Local time of day, like "14:02:31".
    ///
    /// - Parameter wall: milliseconds since 1970 UTC.
    package static func timeOfDay(_ wall: Int64) -> String {
        var seconds = time_t(wall / 1000)
        var local = tm()
        guard localtime_r(&seconds, &local) != nil else { return "an unknown time" }
        return [local.tm_hour, local.tm_min, local.tm_sec].map { ($0 < 10 ? "0" : "") + "\($0)" }.joined(separator: ":")
    }

    private static let known = Lock<(minute: Int64, value: Int?)>((.min, nil))

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

import BMSCore
import CLinux
import Glibc
import MQTTBridge

/// The only place that reads clocks.
enum Clock {
    /// Milliseconds since boot, suspend included: data must be as old after a suspend as it really is.
    static func monotonic() -> Timestamp { Timestamp(milliseconds: read(CLOCK_BOOTTIME)) }

    /// Both clocks.
    static func now() -> Moment {
        let wall = read(CLOCK_REALTIME)
        var seconds = time_t(wall / 1000)
        var local = tm()
        let minute = localtime_r(&seconds, &local) == nil ? nil : Int(local.tm_hour) * 60 + Int(local.tm_min)
        return Moment(monotonic: monotonic(), wall: wall, minuteOfDay: minute)
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

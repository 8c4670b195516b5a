import Glibc

/// Time by clocks that nobody sets.
public enum MonotonicTime {
    /// Seconds since boot, suspend left out: for waits.
    public static func seconds() -> Double { read(CLOCK_MONOTONIC) }

    /// Seconds since boot, suspend included: for the age of data.
    public static func sinceBoot() -> Double { read(CLOCK_BOOTTIME) }

    private static func read(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

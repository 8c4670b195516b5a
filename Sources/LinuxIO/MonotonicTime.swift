import Glibc

/// Time for waits, by a clock that nobody sets.
public enum MonotonicTime {
    /// Seconds since boot, suspend left out.
    public static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

import Glibc
public import HistoryData

extension LocalDays {
    /// Days of this machine's time zone.
    public static let system: LocalDays = {
        tzset()
        return LocalDays { time in
            var seconds = time_t(time)
            var parts = tm()
            return localtime_r(&seconds, &parts) == nil ? 0 : Int(parts.tm_gmtoff)
        }
    }()
}

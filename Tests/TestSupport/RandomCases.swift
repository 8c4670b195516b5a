import Glibc

/// How many cases a randomised test runs. `BMS_MQTT_RANDOM_CASES=10` is a tenth of them: for a processor that is emulated.
public enum RandomCases {
    private static let percent = getenv("BMS_MQTT_RANDOM_CASES").flatMap { unsafe Int(String(cString: $0)) } ?? 100

    /// Returns the part of `all` cases that this run gets, one at least.
    public static func count(_ all: Int) -> Int { max(1, all * percent / 100) }

    /// Returns the first seeds of `all`, one at least.
    public static func seeds(_ all: ClosedRange<UInt64>) -> [UInt64] { Array(Array(all).prefix(count(all.count))) }
}

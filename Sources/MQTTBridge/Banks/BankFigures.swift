import ChargeLimits

/// What a bank's view holds beside what a pack's does.
struct BankFigures {
    /// Packs on the bus by configuration, as of now.
    var packs: [PackView]
    /// Packs that are heard, and that are not: silent, or taken off by configuration.
    var online = 0
    var offline = 0
    /// Packs that take no charge, and that give none.
    var blockingCharge = 0
    var blockingDischarge = 0
    /// Names of the packs with the lowest and highest cell and the coldest and warmest.
    var lowest: String?
    var highest: String?
    var coldest: String?
    var warmest: String?
    /// How long a pack is missing that was never heard; `nil`: there is none, or not for long enough to say.
    var unheard: AlarmLevel?
    /// Packs that cannot be in parallel.
    var isMismatched = false
}

/// What is known of a battery at one moment. What is unknown is `nil`, never 0.
public struct HistorySample: Hashable, Sendable {
    /// Seconds since 1970, UTC.
    public var time: Double
    /// The values that are plotted, in the units of ``HistoryValue``.
    public var values: [HistoryValue: Double]
    /// Counter of the energy that went in, kWh: of today or of a lifetime. It may begin anew at any time.
    public var energyIn: Double?
    /// Counter of the energy that went out, kWh.
    public var energyOut: Double?
    /// Counter of a lifetime, kWh, which may be coarse. It tells what flowed while nobody read the other one.
    public var lifetimeIn: Double?
    /// The same of the energy that went out.
    public var lifetimeOut: Double?
    /// The word of `chargeState` in `limits`, as "float".
    public var chargeState: String?
    /// Voltage of each cell, V, where they are known; the first 255 count.
    public var cells: [Double?]
    /// Temperature of each cell, °C; the first 255 count.
    public var temperatures: [Double?]

    /// A moment of which only the time and the given values are known.
    public init(
        time: Double, values: [HistoryValue: Double] = [:], energyIn: Double? = nil, energyOut: Double? = nil,
        lifetimeIn: Double? = nil, lifetimeOut: Double? = nil, chargeState: String? = nil, cells: [Double?] = [],
        temperatures: [Double?] = []
    ) {
        self.time = time
        self.values = values
        self.energyIn = energyIn
        self.energyOut = energyOut
        self.lifetimeIn = lifetimeIn
        self.lifetimeOut = lifetimeOut
        self.chargeState = chargeState
        self.cells = cells
        self.temperatures = temperatures
    }

    /// The battery is full: the BMS counts 100 %, or the bridge holds it there.
    var isFull: Bool { values[.soc].map { $0 >= 100 } == true || chargeState == "float" }
}

/// Something that happened.
public struct HistoryEvent: Hashable, Sendable {
    /// Seconds since 1970, UTC; milliseconds are kept.
    public var time: Double
    /// Kind of event; 64 bytes of it are kept.
    public var kind: String
    /// A sentence; 500 bytes of it are kept.
    public var text: String

    /// An event.
    public init(time: Double, kind: String, text: String) {
        self.time = time
        self.kind = kind
        self.text = text
    }
}

/// A limit that has another value or another reason than before.
public struct LimitChange: Hashable, Sendable {
    /// Seconds since 1970, UTC; milliseconds are kept.
    public var time: Double
    /// Name of the limit: "cvl", "ccl" or "dcl".
    public var limit: String
    /// The limit from now on, V or A, in hundredths; `nil`: there is none.
    public var value: Double?
    /// Name of the rule that decides; 64 bytes of it are kept.
    public var name: String
    /// The reason as a sentence; 500 bytes of it are kept.
    public var sentence: String

    /// A change.
    public init(time: Double, limit: String, value: Double?, name: String, sentence: String) {
        self.time = time
        self.limit = limit
        self.value = value
        self.name = name
        self.sentence = sentence
    }
}

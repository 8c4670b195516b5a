/// A CAN bus on which the limits of a battery are told to an inverter.
public struct BusFigures: Hashable, Sendable {
    /// The state of the sending, from the best to the worst.
    public enum State: String, CaseIterable, Comparable, Sendable {
        /// A set of frames goes out each second.
        case sending
        /// There is nothing that may be said: no limits are known yet, or the link to the BMS is lost.
        case silent
        /// No other node acknowledges the frames, or the adapter takes none.
        case unacknowledged
        /// The controller has left the bus after too many errors.
        case busOff = "bus-off"
        /// There is no adapter, or its interface is down.
        case closed

        private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

        /// A better state is less than a worse one.
        public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
    }

    /// Interface or adapter, as the configuration names it.
    public var address: String
    /// The state of the sending.
    public var state = State.closed
    /// The sets of frames that went out whole.
    public var sets = 0
    /// The times that a set was not whole, or the bus was lost.
    public var faults = 0
    /// The keep-alives of inverters that were heard.
    public var keepAlives = 0
    /// An inverter was heard a short time ago; `nil`: none was ever heard. Of several buses the worst.
    public var hearsInverter: Bool?
    /// Frames of another sender of the same limits that were heard.
    public var others = 0
    /// Advice to the owner, in a sentence; `nil`: none.
    public var complaint: String?

    /// A bus that is not open yet.
    public init(address: String) { self.address = address }

    /// Several buses of one battery as one: the worst state, and the sums.
    public static func merged(_ buses: [BusFigures]) -> BusFigures? {
        guard var all = buses.first else { return nil }
        for bus in buses.dropFirst() {
            all.address += ", \(bus.address)"
            all.state = max(all.state, bus.state)
            all.sets += bus.sets
            all.faults += bus.faults
            all.keepAlives += bus.keepAlives
            all.others += bus.others
        }
        guard buses.count > 1 else { return all }
        let hearings = buses.map(\.hearsInverter)
        all.hearsInverter = hearings.contains(false) ? false : hearings.contains(nil) ? nil : true
        let complaints = buses.compactMap { bus in bus.complaint.map { "\(bus.address): \($0)" } }
        all.complaint = complaints.isEmpty ? nil : complaints.joined(separator: "\n")
        return all
    }
}

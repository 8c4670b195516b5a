public import BMSCore

/// Turns frames into the knowledge of a pack, a ``PackSnapshot``. Time is a parameter; nothing here reads a clock.
public struct SnapshotBuilder: Sendable {
    /// Largest moves of values between two frames, and the number of frames that confirm changed settings.
    public struct ConfirmationLimits: Hashable, Sendable {
        /// Largest move of the highest cell voltage.
        public var highestCell = Millivolts(300)
        /// Largest move of the lowest cell voltage: heavy loads pull it down within a second.
        public var lowestCell = Millivolts(500)
        /// Largest move of a temperature, in counts of 0.857 K; 17 counts are 14.6 K.
        public var temperatureCounts = 17
        /// Largest move of the state of charge, in points of a percent.
        public var socPoints = 5
        /// Largest move of the stored energy, in thousandths of the capacity; 100 Wh at least.
        public var energyPermille = 50
        /// Largest move of a current. Twice the capacity's current, 2 C, is the limit where that is more.
        public var current = Milliamperes(100_000)
        /// Equal frames that confirm changed settings.
        public var settingsConfirmation = 5
        /// Milliseconds for which frames that are equal in every byte count; `nil` for no bound. The configuration sets 20 s.
        public var stuck: Int64?

        /// Creates the defaults above.
        public init() {}
    }

    /// Properties of a pack by configuration.
    public struct Options: Hashable, Sendable {
        /// Generation of the BMS: 2 has a clock where 3 has key-values.
        public var generation = Generation.three
        /// Chemistry; `nil` to infer it.
        public var chemistry: Chemistry?
        /// Rule for temperatures.
        public var temperatureScale = TemperatureScale.measured
        /// Limits for frames that do not follow from the frame before.
        public var confirmation = ConfirmationLimits()
        /// Times after which data is stale.
        public var freshness = FreshnessTimes()
        /// The arrival of frames shows their age. False for a recording or a simulation, which may run at any pace.
        public var judgesArrival = true

        /// Creates the defaults above.
        public init() {}
    }

    /// Fate of a frame.
    public enum Outcome: Hashable, Sendable {
        /// The frame was believed.
        case measured
        /// The status byte of the frame was used; its measurements may be junk.
        case statusOnly
        /// The frame was refused; it counts as no frame.
        case refused(Rejection)
    }

    /// Knowledge as of now.
    public private(set) var snapshot = PackSnapshot()

    private let options: Options
    private var confirmation: ChangeConfirmation
    private var vote = StatusVote()
    private var flicker: FlickerGuard
    private var votedAt: Timestamp?
    private var keys = KeyCollector()
    private var repetition = StuckFrameDetector()
    /// Memory of an earlier decoding, until the first believed frame.
    private var memory: PackMemory?

    /// A decoding that has seen no frame.
    ///
    /// - Parameter memory: knowledge of an earlier decoding; `nil` for none.
    public init(_ options: Options = Options(), memory: PackMemory? = nil) {
        self.options = options
        self.memory = options.generation == .three ? memory : nil
        confirmation = ChangeConfirmation(options.confirmation)
        flicker = FlickerGuard(patience: options.freshness.stale)
        snapshot.chemistry = options.chemistry
    }

    /// Takes a frame that obeyed the ``FrameValidator``. The status byte of a frame that is refused for the frames before it counts as
    /// ``refuse(_:for:at:)`` says.
    ///
    /// - Parameter isConfirmed: true where something shows that the frame was measured just now. A frame that is not confirmed is refused,
    ///   but counts as one of two: a decision that needs two frames waits for one more.
    @discardableResult
    public mutating func take(_ frame: Frame, isConfirmed: Bool = true, at now: Timestamp) -> Outcome {
        guard isConfirmed || !frame.status.contains(.noCellCommunication) else {
            refuse(frame.status, for: .heldBack, at: now)
            return .refused(.heldBack)
        }
        if frame.status.contains(.noCellCommunication) {
            note(frame.status, at: now)
            snapshot.keys = keys.values(at: now)
            return .statusOnly
        }
        if let since = repetition.stuck(frame, at: now, options) {
            // All equal frames are as old as the first: nobody has measured anything since.
            (snapshot.linkAt, snapshot.measuredAt, votedAt) = (since, since, since)
            snapshot.refusal = .stuck
            return .refused(.stuck)
        }
        if let rejection = confirmation.check(frame) ?? (isConfirmed ? nil : .heldBack) {
            if snapshot.measurements == nil || !isConfirmed {
                // The first frame, of all or after a silence, waits for a second one; permission then rests on both.
                cast(frame.status, at: now)
                lower(frame.status, for: rejection, at: now)
            } else {
                refuse(frame.status, for: rejection, at: now)
            }
            return .refused(rejection)
        }
        note(frame.status, at: now)
        snapshot.measurements = frame.measurements(options.temperatureScale)
        snapshot.measuredAt = now
        snapshot.framesMeasured += 1
        let isOtherPack = confirmation.settings?.cellCount != snapshot.settings?.cellCount
        if isOtherPack { snapshot.cellSettings = recalled(confirmation.settings) }
        snapshot.settings = confirmation.settings
        noteCell(frame, at: now)
        if options.generation == .three { keys.add(frame, at: now) }
        snapshot.keys = keys.values(at: now)
        snapshot.cellSettings.note(snapshot.keys)
        if options.chemistry == nil {
            snapshot.chemistry = Chemistry(
                balance: frame.balanceVoltage, minimum: frame.minimumVoltage, maximum: frame.maximumVoltage,
                full: snapshot.cellSettings.full)
        }
        return .measured
    }

    /// Voltages of the keys of a pack with these settings, as far as an earlier decoding knew them.
    private mutating func recalled(_ settings: PackSettings?) -> CellSettings {
        defer { memory = nil }
        guard let memory, memory.cellCount == settings?.cellCount, memory.capacity == settings?.capacity else {
            return CellSettings()
        }
        return memory.cellSettings
    }

    /// Takes the status byte of a frame that is refused although its signs and sum are right.
    ///
    /// The fault that makes frames implausible often makes the BMS open its relays, too. So permissions may be lost and alarms raised by
    /// such a frame; it gives no permission, clears no alarm, and makes no data younger.
    public mutating func refuse(_ status: StatusFlags, for rejection: Rejection, at now: Timestamp) {
        vote.add(status, of: status.careful)
        lower(status, for: rejection, at: now)
    }

    private mutating func lower(_ status: StatusFlags, for rejection: Rejection, at now: Timestamp) {
        snapshot.refusal = rejection
        snapshot.heardAt = now
        snapshot.carefulStatus.formUnion(status.careful)
        flicker.note(careful: snapshot.carefulStatus, isTaken: false, at: now)
        snapshot.heldStatus = flicker.held
        snapshot.newestStatus = snapshot.newestStatus.lowered(snapshot.carefulStatus.union(flicker.held))
        snapshot.permissions.formIntersection(heldPermissions)
        snapshot.alarms.formUnion(heldAlarms)
    }

    private var heldPermissions: StatusFlags {
        flicker.held.contains(.noCellCommunication) ? [] : vote.permissions.subtracting(flicker.held)
    }

    private var heldAlarms: StatusFlags { vote.majority.union(flicker.held).intersection(.alarms) }

    /// Casts a vote. Permission must be earned again after a silence: readings from before it prove nothing now.
    private mutating func cast(_ status: StatusFlags, at now: Timestamp) {
        if options.freshness.freshness(of: votedAt, at: now) > .holding { vote.reset(.permissions) }
        if options.freshness.freshness(of: snapshot.heardAt, at: now) > .holding { vote.reset(.alarms) }
        vote.add(status)
        votedAt = now
    }

    private mutating func note(_ status: StatusFlags, at now: Timestamp) {
        cast(status, at: now)
        snapshot.refusal = nil
        snapshot.linkAt = now
        snapshot.heardAt = now
        snapshot.carefulStatus = status.careful
        flicker.note(careful: status.careful, isTaken: true, at: now)
        snapshot.heldStatus = flicker.held
        snapshot.newestStatus = status.lowered(flicker.held)
        snapshot.permissions = heldPermissions
        snapshot.alarms = heldAlarms
    }

    /// Notes the cell in the slot. A slot of 0, above the count, or outside the range that the frame gives for its cells is dropped; the
    /// frame stays.
    private mutating func noteCell(_ frame: Frame, at now: Timestamp) {
        if snapshot.cells.count > frame.cellCount {
            snapshot.cells.removeLast(snapshot.cells.count - frame.cellCount)
        } else {
            while snapshot.cells.count < frame.cellCount { snapshot.cells.append(nil) }
        }
        let count = Millivolts(5)
        guard
            let reading = frame.slotReading(options.temperatureScale, at: now),
            frame.slotVoltage >= frame.lowestVoltage - count, frame.slotVoltage <= frame.highestVoltage + count,
            frame.slotTemperature.count >= frame.lowestTemperature.count - 1,
            frame.slotTemperature.count <= frame.highestTemperature.count + 1
        else { return }
        snapshot.cells[frame.slotCell - 1] = reading
    }
}

/// News of a CAN bus.
public enum BusEvent: Hashable, Sendable {
    /// The bus is open: frames can be sent.
    case opened
    /// The bus is closed: why, as a sentence without a full stop, and the seconds until the next attempt.
    case closed(String, retryIn: Double)
    /// Somebody else sent a frame.
    case frame(CANFrame)
    /// A frame of this program has reached the bus and was acknowledged.
    case confirmed
    /// The bus takes no frame at the moment: its queue is full.
    case refused
    /// The frame was not handed over, because this program was held up.
    case skipped
    /// The controller says that no other node acknowledges.
    case unacknowledged
    /// The controller has left the bus after too many errors.
    case busOff
    /// The controller is on the bus again. What it held is gone.
    case restarted
}

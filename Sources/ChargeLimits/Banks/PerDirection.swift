/// A value for each direction of current.
struct PerDirection<Content> {
    var charge: Content
    var discharge: Content

    /// Creates both values with a function of the direction.
    init(_ content: (FlowDirection) -> Content) {
        charge = content(.charge)
        discharge = content(.discharge)
    }

    subscript(direction: FlowDirection) -> Content {
        get {
            switch direction {
            case .charge: charge
            case .discharge: discharge
            }
        }
        set {
            switch direction {
            case .charge: charge = newValue
            case .discharge: discharge = newValue
            }
        }
    }
}

extension PerDirection: Sendable where Content: Sendable {}

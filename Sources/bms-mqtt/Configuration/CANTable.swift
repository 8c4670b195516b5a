import CANBus
import CANFrames

/// Keys of one CAN bus.
enum CANTable {
    typealias Key = ConfigurationKey<ServicePlan.Bus>

    static let keys: [Key] = [
        Key(
            "interface", .checked(address), nil,
            "CAN bus: can:can0 for an interface of this machine, or slcan:/dev/serial/by-id/... for a serial adapter. Required.",
            example: "can:can0"
        ) { bus, value in
            if let address = try? CANAddress(value.text) { bus.address = address }
        },
        Key(
            "protocol", .choice(CANProtocol.allCases.map(\.rawValue)), CANProtocol.victron.rawValue,
            "Frames that the inverter takes: victron (GX devices and many others) or pylontech (low voltage); docs/can.md."
        ) { $0.kind = CANProtocol(rawValue: $1.text) ?? .victron },
        Key(
            "battery", .checked(PackTable.identifier), nil,
            "Pack or bank whose limits are sent. Required where the file has more than one.", example: "garage"
        ) { $0.battery = $1.text },
    ]

    /// Complaint about the address of a bus; `nil`: it is valid.
    private static func address(_ text: String) -> String? {
        do throws(CANAddressError) {
            _ = try CANAddress(text)
            return nil
        } catch {
            return error.description
        }
    }
}

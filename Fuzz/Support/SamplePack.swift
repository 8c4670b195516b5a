import BMSCore
import SmartBMS
import ChargeLimits
public import BatteryEngine
import MQTTBridge

/// A pack of 8 cells by configuration, and the frame of its BMS.
public enum SamplePack {
    /// The pack "garage" with a cap for every limit.
    public static let options: PackOptions = {
        var pack = PackOptions(id: "garage")
        pack.limits.maximumChargeCurrent = Milliamperes(60_000)
        pack.limits.maximumDischargeCurrent = Milliamperes(80_000)
        pack.limits.maximumChargeVoltage = Millivolts(27_200)
        return pack
    }()

    /// The 58 bytes of a frame.
    public static let frame: [UInt8] = {
        let text = Array(
            "0014e82b01385800002b0138029b06029f020122080125050708029d0123030008980016b200015e510000000000001f330048024402da02a80b"
                .utf8)
        func digit(_ character: UInt8) -> UInt8 { character >= 97 ? character - 87 : character - 48 }
        return stride(from: 0, to: text.count - 1, by: 2).map { digit(text[$0]) << 4 | digit(text[$0 + 1]) }
    }()
}

/// All subcommands, in the order of the help.
enum CommandTable {
    static let defaultConfiguration = "/etc/bms-mqtt/config.yaml"

    static let rows: [CommandRow] = [
        RunCommand.row, DemoCommand.row, SimulateCommand.row, DecodeCommand.row, LimitsCommand.row, CANCommand.row,
        RecordCommand.row,
        SetupCommand.row, DoctorCommand.row, MonitorCommand.row, SettingsCommand.setRow, SettingsCommand.settingsRow,
        HealthCommand.row, WebCommand.row, ExportCommand.row, HomeAssistantCommand.row, GXSetupCommand.row,
        ACLCommand.row, SwitchesCommand.row, CheckConfigCommand.row, PrintDefaultConfigCommand.row,
        PrintPackageFileCommand.row, VersionCommand.row,
    ]

    /// The row of a command; `nil` if no command has this name.
    static func row(_ name: String) -> CommandRow? { rows.first { $0.name == name } }
}

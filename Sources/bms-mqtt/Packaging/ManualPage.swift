/// The manual page, made from the help texts in man(7)'s markup.
enum ManualPage {
    static var text: String {
        var text = """
            .TH BMS\\-MQTT 1 "" "bms\\-mqtt \(Version.number)" "User Commands"
            .SH NAME
            bms\\-mqtt \\- bridge from 123\\eSmartBMS battery packs to MQTT
            .SH SYNOPSIS
            .B bms\\-mqtt
            .I COMMAND
            .RI [ options ]
            .SH DESCRIPTION

            """
        text += paragraph(HelpText.description)
        text += "As a service it is run by systemd, see FILES. The other commands are tools around it.\n"
        text += ".SH COMMANDS\n"
        for row in CommandTable.rows { text += command(row) }
        text += """
            .SH FILES
            .TP
            .I /etc/bms\\-mqtt/config.yaml
            Configuration; a complete one is printed by
            .BR "bms\\-mqtt print\\-default\\-config" .
            .TP
            .I /var/lib/bms\\-mqtt
            Settings and learned values that outlive a restart.
            .TP
            .I bms\\-mqtt.service
            The service; to enable it when the configuration is complete:
            .BR "systemctl enable \\-\\-now bms\\-mqtt" .
            .SH SIGNALS
            .B SIGHUP
            makes
            .B bms\\-mqtt run
            read its configuration again, and ends every other command (not under
            .BR nohup (1)).
            .BR SIGTERM ,
            .BR SIGINT ,
            .BR SIGQUIT ,
            .B SIGALRM
            and
            .B SIGPWR
            end all of them cleanly, and so does
            .B SIGXCPU
            with exit status 1 of
            .BR run .
            .BR SIGUSR1 ,
            .BR SIGUSR2 ,
            .BR SIGIO ,
            .BR SIGVTALRM ,
            .BR SIGPROF ,
            .BR SIGSTKFLT ,
            the real\\-time signals,
            .B SIGPIPE
            and
            .B SIGXFSZ
            are ignored.
            .SH EXIT STATUS

            """
        for code in ExitCode.allCases { text += ".TP\n.B \(code.rawValue)\n\(escaped(code.meaning))\n" }
        text += """
            .SH SEE ALSO
            .BR mosquitto (8),
            .BR mosquitto_sub (1),
            .BR systemctl (1),
            .I /usr/share/doc/bms\\-mqtt

            """
        return text
    }

    private static func command(_ row: CommandRow) -> String {
        var text = ".SS \"\(escaped(row.name)): \(escaped(row.summary))\"\n"
        text += ".B \(escaped(String(HelpText.usage(row).dropFirst("usage: ".count))))\n.PP\n" + paragraph(row.details)
        for option in row.options { text += ".TP\n.B \(escaped(option.usage))\n\(escaped(option.meaning))\n" }
        text += ".PP\n\(row.examples.count == 1 ? "Example" : "Examples"):\n.PP\n.nf\n.RS\n"
        for example in row.examples { text += "\(escaped(example))\n" }
        return text + ".RE\n.fi\n"
    }

    private static func paragraph(_ words: String) -> String {
        words.split(separator: "\n").map { escaped(String($0)) + "\n" }.joined()
    }

    /// Escapes backslashes, hyphens and quotes, and the beginning of a line that would be a request.
    static func escaped(_ text: String) -> String {
        var result = text.hasPrefix(".") || text.hasPrefix("'") ? "\\&" : ""
        for character in text {
            switch character {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "'": result += "\\(aq"
            case "\"": result += "\\(dq"
            case "^": result += "\\(ha"
            case "~": result += "\\(ti"
            case "`": result += "\\(ga"
            default: result.append(character)
            }
        }
        return result
    }
}

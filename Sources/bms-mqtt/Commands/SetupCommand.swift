import BMSCore
import Glibc
import LinuxIO
import Mosquitto
import SerialLink
import ServiceIO

/// `bms-mqtt setup`: finds the cable, listens to it, asks what must be known, writes a configuration and checks it.
struct SetupCommand: Sendable {
    let file: String
    let arguments: Arguments
    /// Nobody is asked: what no option answers has its default.
    let isUnattended: Bool

    /// Keys that an option or an answer can set, by option.
    private static let answers: [(option: String, path: String, question: String)] = [
        ("--id", "id", "Id of the pack, a part of topics and entities; it should never change"),
        ("--name", "name", "Name for people"),
        ("--max-charge", "limits.maxChargeCurrent", "Largest charge current of cells, cables and charger, A"),
        ("--max-discharge", "limits.maxDischargeCurrent", "Largest discharge current, A"),
        ("--fuse", "limits.fuse", "Fuse of the pack, A"),
        ("--min-charge-temperature", "limits.minChargeTemperature", "Tmin for charging as set in the BMS, °C"),
        ("--max-temperature", "limits.maxTemperature", "Tmax as set in the BMS, °C"),
    ]

    func run() async -> Int32 {
        if FileStatus(path: file) != nil, !arguments.has("--replace"), !isUntouched {
            let remedy = "give --replace (the old file stays beside it), or another file with --config"
            guard !isUnattended,
                Prompt.confirm("\(file) exists. Replace it (it stays beside the new one)?", standard: false)
            else {
                Console.complain("\(file) exists: \(remedy)")
                return 1
            }
        }
        if let complaint = wrongOption {
            Console.complain(complaint)
            return 2
        }
        guard let source = chooseSource(), let probe = await listen(source), !Task.isCancelled else { return 1 }
        var draft = ConfigurationDraft(source: source)
        draft.probe = probe
        for answer in Self.answers {
            guard let text = ask(answer.option, answer.path, answer.question, draft) else { return 2 }
            if !text.isEmpty { draft.pack[answer.path] = text }
        }
        guard askBroker(&draft) else { return 2 }
        let text = draft.text
        do throws(ConfigurationFaults) {
            _ = try ConfigurationFile.parse(Array(text.utf8), file: file) { _ in nil }
        } catch {
            for line in error.lines { Console.complain(line) }
            return 1
        }
        guard !Task.isCancelled else { return 1 }
        do throws(StartFailure) {
            let old = try NewFile.write(text, to: file)
            Console.write("\nWritten: \(file)\(old.map { " (the old one is \($0))" } ?? "")\n")
        } catch {
            Console.complain("cannot write \(file): \(error.text)")
            return 1
        }
        return await check()
    }

    /// The file is the one that the package brought, so that nobody's work is lost with it.
    private var isUntouched: Bool {
        guard case .success(let content) = RegularFile.read(file, upTo: 65_536) else { return false }
        return String(decoding: content.bytes, as: UTF8.self).contains("# bms-mqtt-setup: this file may be replaced")
    }

    /// The complaint about an option, before anybody has to wait; `nil`: there is none.
    private var wrongOption: String? {
        if let text = arguments.text("--port") {
            do throws(SourceAddressError) {
                _ = try SourceAddress(text)
            } catch {
                return "--port: \(error.description)"
            }
        }
        let draft = ConfigurationDraft(source: .serialAuto)
        for answer in Self.answers {
            if let text = arguments.text(answer.option), let complaint = draft.complaint(answer.path, text) {
                return "\(answer.option): \(complaint)"
            }
        }
        if arguments.has("--password-file"), !arguments.has("--username") {
            return "--password-file needs --username: a password without a user is never sent"
        }
        return nil
    }

    // MARK: Source

    private func chooseSource() -> SourceAddress? {
        if let text = arguments.text("--port") { return source(text) }
        let ports = SerialCable.ports()
        let cables = ports.filter(\.isCable)
        if cables.count == 1 {
            Console.write("Cable: \(cables[0].path)\n")
            return .serialAuto
        }
        if cables.isEmpty { Console.write("No 123\\SmartBMS cable is plugged in.\n") }
        for port in ports { Console.write("  serial:\(port.path)\(port.isCable ? "  (the vendor's cable)" : "")\n") }
        guard !isUnattended else {
            Console.complain(
                cables.isEmpty
                    ? "no cable found: plug it in, or name the source with --port (serial:/dev/ttyUSB0, tcp:host:port)"
                    : "\(cables.count) cables found: name one with --port")
            return nil
        }
        while let text = Prompt.line("Source (serial:/dev/ttyUSB0, tcp:host:port; empty ends)"), !text.isEmpty {
            if let source = source(text) { return source }
        }
        return nil
    }

    private func source(_ text: String) -> SourceAddress? {
        do throws(SourceAddressError) {
            return try SourceAddress(text)
        } catch {
            Console.complain(error.description)
            return nil
        }
    }

    /// Findings of the source; `nil`: nothing came, and nobody wants a configuration all the same.
    private func listen(_ source: SourceAddress) async -> SourceProbe? {
        let seconds = arguments.whole("--listen") ?? 30
        let nothing = SourceProbe(snapshot: .init())
        guard seconds > 0 else { return nothing }
        Console.write("Listening to \(source) for up to \(seconds) s ...\n")
        // The number of a firmware comes once in 19 frames.
        let found = await SourceProbe.listen(to: source, seconds: Double(seconds)) {
            $0.frames >= 3 && ($0.firmware != nil || $0.frames >= 25)
        }
        guard let probe = found else { return nothing }
        let findings = SourceCheck.bytes(probe, "", nil, Double(seconds))
        for finding in findings {
            Console.write("  \(finding.text)\n" + (finding.remedy.map { "  -> \($0)\n" } ?? ""))
        }
        guard findings.contains(where: { $0.level == .fault }) else { return probe }
        guard !isUnattended, Prompt.confirm("Write a configuration all the same?", standard: false) else {
            Console.complain("nothing was written (--listen 0 writes a configuration without listening)")
            return nil
        }
        return probe
    }

    // MARK: Answers

    /// The answer for a key; empty: it is left out; `nil`: nobody answers any more.
    private func ask(_ option: String, _ path: String, _ question: String, _ draft: ConfigurationDraft) -> String? {
        let standard = draft.suggestion(path)
        // Its value was checked before anybody had to wait.
        if let text = arguments.text(option) { return text }
        guard !isUnattended else { return path == "id" ? standard : "" }
        // A ceiling that nobody chose is none of the owner's: what is used instead stays a remark in the file, and doctor asks for it.
        let isCeiling = path.hasPrefix("limits.")
        let meaning = !isCeiling ? standard : standard.isEmpty ? "not set" : "not set: \(standard) is used meanwhile"
        while let text = Prompt.line("\(question) [\(meaning)]") {
            let answer = text.isEmpty && !isCeiling ? standard : text
            guard !answer.isEmpty, let complaint = draft.complaint(path, answer) else { return answer }
            Console.complain(complaint)
        }
        return nil
    }

    private func askBroker(_ draft: inout ConfigurationDraft) -> Bool {
        if arguments.has("--broker") {
            do throws(CommandFailure) {
                if let broker = try arguments.broker() { (draft.host, draft.port) = broker }
            } catch {
                for line in error.lines { Console.complain(line) }
                return false
            }
        } else if !isUnattended {
            while let text = Prompt.line("MQTT broker, HOST or HOST:PORT [localhost]") {
                guard let broker = Arguments.broker(text.isEmpty ? "localhost" : text) else {
                    Console.complain("expected HOST or HOST:PORT, found '\(text.prefix(60))'")
                    continue
                }
                (draft.host, draft.port) = broker
                break
            }
        }
        draft.username = arguments.text("--username") ?? (isUnattended ? nil : Prompt.line("User at the broker [none]"))
        if draft.username?.isEmpty ?? true {
            draft.username = nil
            return true
        }
        if let path = arguments.text("--password-file") {
            switch Password.read(path) {
            case .success(let password): draft.password = password.text
            case .failure(let failure):
                Console.complain("--password-file: \(failure.text)")
                return false
            }
        } else if !isUnattended {
            draft.password = Prompt.line("Password", isSecret: true)
        }
        return true
    }

    // MARK: Check

    private func check() async -> Int32 {
        Console.write("Checking it, as 'bms-mqtt doctor' does ...\n")
        // The source was listened to a moment ago.
        let (checkUp, _) = await DoctorCommand(file: file, seconds: 6).checkUp()
        Console.write(
            "\n"
                + checkUp.lines(columns: 120, isUnicode: Terminal.screen.isUnicode, hasColour: false).joined(
                    separator: "\n") + "\n")
        let isStandard = file == CommandTable.defaultConfiguration
        guard checkUp.faults == 0 else {
            let doctor = "bms-mqtt doctor\(isStandard ? "" : " --config \(file)")"
            Console.write("\nNext: mend what is marked above, then '\(doctor)'.\n")
            return 1
        }
        let run = isStandard ? "sudo systemctl enable --now bms-mqtt" : "bms-mqtt run --config \(file)"
        let monitor = isStandard ? "sudo bms-mqtt monitor" : "bms-mqtt monitor --config \(file)"
        Console.write(
            "\nNext: \(run); then '\(monitor)'. docs/safety.md says what to try before an inverter follows the limits.\n"
        )
        return 0
    }
}

extension SetupCommand {
    static let row = CommandRow(
        name: "setup", summary: "write a configuration: find the cable, listen, ask, check",
        options: [
            OptionRow(
                name: "--config", kind: .file("FILE"),
                meaning: "the file to write (default: \(CommandTable.defaultConfiguration))"),
            OptionRow(
                name: "--port", kind: .text("SOURCE"),
                meaning: "serial:auto, serial:/dev/ttyUSB0, tcp:host:port; found unless given"),
            OptionRow(
                name: "--listen", kind: .whole("S", 0...3600),
                meaning: "longest time to listen to the BMS, in seconds (default: 30); 0: none"),
        ]
            + answers.map { OptionRow(name: $0.option, kind: .text("VALUE"), meaning: $0.question) } + [
                OptionRow(
                    name: "--broker", kind: .text("HOST[:PORT]"), meaning: "the broker (default: localhost; port 1883)"),
                OptionRow(name: "--username", kind: .text("USER"), meaning: "user at the broker"),
                OptionRow(
                    name: "--password-file", kind: .file("FILE"), meaning: "file with the user's password in one line"),
                OptionRow(
                    name: "--replace", kind: .flag,
                    meaning: "replace an existing file, which stays beside it as FILE.old"),
                OptionRow(
                    name: "--yes", kind: .flag,
                    meaning: "ask nothing: what no option answers has its default or is left out"),
            ],
        details: """
            Asks only where standard input is a terminal, and --yes is not given. Answers are checked as check-config does. The file
            is readable by its owner alone, because it may contain a password; owner and group of an existing file stay. At the end it is checked
            as by 'doctor'. Exit code 0: no fault; 1: a fault; 2: an invalid answer.
            """,
        examples: [
            "sudo bms-mqtt setup",
            "bms-mqtt setup --config ./config.yaml --id garage --max-charge 100 --fuse 160 --broker 192.0.2.7 --yes",
        ],
        work: .waiting(start))

    private static func start(_ arguments: Arguments) async throws(CommandFailure) -> Int32 {
        let command = SetupCommand(
            file: arguments.text("--config") ?? CommandTable.defaultConfiguration, arguments: arguments,
            isUnattended: arguments.has("--yes") || isatty(STDIN_FILENO) != 1)
        return await command.run()
    }
}

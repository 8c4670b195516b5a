import BMSCore
import BatteryEngine
import CLinux
import Glibc
import LinuxIO
import SerialLink
import SmartBMS

/// The check of a pack's source: port, group, bytes, frames, generation.
enum SourceCheck {
    /// Knowledge of a running bridge about a source.
    enum Service: Sendable {
        /// No bridge runs, as far as the broker knows.
        case no
        /// Good frames come.
        case live
        /// The bridge has the source, and no good frames come, for this reason.
        case silent(String)
    }

    /// Findings about the source of a pack.
    ///
    /// - Parameters:
    ///   - service: a running bridge reads this source, so that it is not opened a second time.
    ///   - seconds: longest time of listening.
    static func findings(_ pack: ServicePlan.Pack, _ service: Service, seconds: Double) async -> [Finding] {
        let area = "pack \(pack.options.id) from \(pack.source)"
        var findings = port(pack.source, area)
        guard !findings.contains(where: { $0.level == .fault }) else { return findings }
        switch service {
        case .live:
            findings.append(Finding(area, .ok, "the running bridge reads it, and good frames come"))
            return findings
        case .silent(let reason):
            findings.append(
                Finding(
                    area, .fault, "the running bridge gets no good frames: \(reason)",
                    remedy: "its log names the cause: journalctl -u bms-mqtt; is the cable in EXT OUT, and the BMS on?")
            )
            return findings
        case .no: break
        }
        let generation = pack.options.decoding.generation
        guard
            let probe = await SourceProbe.listen(
                to: pack.source, generation: generation, seconds: seconds,
                until: { $0.frames >= 3 && ($0.firmware != nil || $0.frames >= 25) })
        else {
            findings.append(Finding(area, .note, "a simulated pack: there is nothing to listen to"))
            return findings
        }
        return findings + bytes(probe, area, pack, seconds)
    }

    /// Findings about a serial port before it is opened.
    private static func port(_ source: SourceAddress, _ area: String) -> [Finding] {
        let path: String
        switch source {
        case .serial(let name): path = name
        case .serialAuto:
            let cables = SerialCable.ports().filter(\.isCable)
            guard let cable = cables.first, cables.count == 1 else { return cables.isEmpty ? [noCable(area)] : [] }
            path = cable.path
        case .tcp, .replay, .simulator: return []
        }
        guard FileStatus(path: path) != nil else {
            let ports = SerialCable.ports().map(\.path)
            return [
                Finding(
                    area, .fault, "\(path) is not there",
                    remedy: ports.isEmpty
                        ? "plug the cable in; no serial port is there at all"
                        : "there are: \(ports.joined(separator: ", "))")
            ]
        }
        guard access(path, R_OK | W_OK) == 0 else {
            return [
                Finding(
                    area, .fault, "this user may not open \(path)",
                    remedy: "sudo usermod -aG dialout \(userName), then log in again (the service of the package may)")
            ]
        }
        return [Finding(area, .ok, "\(path) is there, and this user may open it")]
    }

    private static func noCable(_ area: String) -> Finding {
        let others = SerialCable.ports().map(\.path)
        return Finding(
            area, .fault, "no 123\\SmartBMS cable is plugged in",
            remedy: others.isEmpty
                ? "plug it in; 'sudo dmesg | tail' shows what the system says of it"
                : "if it is one of \(others.joined(separator: ", ")): name it as source, as in serial:\(others[0])")
    }

    /// Findings about what came.
    static func bytes(_ probe: SourceProbe, _ area: String, _ pack: ServicePlan.Pack?, _ seconds: Double) -> [Finding] {
        guard probe.name != nil else {
            return [Finding(area, .fault, probe.failure ?? "it could not be opened in \(Int(seconds)) s")]
        }
        guard probe.bytes > 0 else {
            return [
                Finding(
                    area, .fault, "no bytes in \(Int(seconds)) s",
                    remedy:
                        "check that the cable is in EXT OUT of the End board (IN/OUT boards: of the OUT board) and that the BMS "
                        + "is on")
            ]
        }
        guard probe.frames > 0 else {
            let why = probe.rejection.map { " (refused by the check '\($0)')" } ?? ""
            return [
                Finding(
                    area, .fault, "\(probe.bytes) bytes and no good frame in \(Int(seconds)) s\(why)",
                    remedy: why.isEmpty
                        ? "is it the right port, 9600 baud, in raw mode (ser2net: no telnet)? 'bms-mqtt record' keeps the bytes"
                        : "docs/protocol.md explains the checks; 'bms-mqtt record' keeps the bytes for a question")
            ]
        }
        var findings = [Finding(area, .ok, "\(probe.frames) good frames: \(probe.pack ?? "settings not known yet")")]
        if let pack, let seen = probe.generation, seen != pack.options.decoding.generation {
            findings.append(
                Finding(
                    area, .warning, "the firmware is \(probe.firmware ?? ""), and the file says another generation",
                    remedy: "set 'generation: \(seen == .two ? 2 : 3)' for this pack"))
        } else if let firmware = probe.firmware {
            findings.append(Finding(area, .ok, "firmware \(firmware)"))
        }
        let alarms = probe.snapshot.newestStatus
        if alarms.contains(.noCellCommunication) {
            findings.append(
                Finding(area, .fault, "the BMS hears no cell boards", remedy: "check the wires between the boards"))
        }
        return findings
    }

    /// Name of the user of this process.
    private static var userName: String {
        getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? "$USER"
    }
}

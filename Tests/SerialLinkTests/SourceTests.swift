import CLinux
import Glibc
import LinuxIO
import TestSupport
import TestThreads
import Testing

@testable import SerialLink

/// Reader of a source's events, with a deadline.
private struct Reader {
    let source: ByteSource
    private var iterator: HandoverStream<SourceEvent>.Iterator

    init(_ address: SourceAddress, options: ByteSource.Options = Reader.options()) throws {
        source = try #require(ByteSource(address, options: options))
        iterator = source.events.makeAsyncIterator()
        source.start()
    }

    /// Options whose waits between attempts are short and equal.
    static func options(folder: String = "/nonexistent", silence: Double = 3600) -> ByteSource.Options {
        var options = ByteSource.Options()
        options.delay = { _ in 0.02 }
        options.cableFolders = SerialCable.Folders(byName: folder, devices: "/nonexistent")
        options.tcpSilence = silence
        return options
    }

    mutating func next() async -> SourceEvent? { await iterator.next(isolation: #isolation) }

    /// The next event that fits.
    mutating func first(where condition: (SourceEvent) -> Bool) async -> SourceEvent? {
        while let event = await next() {
            if condition(event) { return event }
        }
        return nil
    }

    /// Reads until there are enough bytes.
    mutating func bytes(_ count: Int) async -> [UInt8] {
        var result: [UInt8] = []
        while result.count < count, let event = await next() {
            if case .bytes(let bytes, _) = event { result += bytes }
        }
        return result
    }

    mutating func opened() async -> Bool { await first { if case .opened = $0 { true } else { false } } != nil }

    mutating func error() async -> SerialError? {
        guard case .closed(let error, _)? = await first(where: { if case .closed = $0 { true } else { false } }) else {
            return nil
        }
        return error
    }
}

@Suite("Serial port", .waits, .timeLimit(.minutes(10)))
struct SerialPortTests {
    @Test("bytes come through as written, in any chunks")
    func chunks() async throws {
        let pty = PtyPair()
        var reader = try Reader(.serial(path: pty.path))
        #expect(await reader.opened())
        let bytes = (0..<580).map { UInt8(truncatingIfNeeded: $0 * 7) }
        var sent = 0
        for size in [1, 15, 16, 58, 2, 116, 372] {
            pty.write(Array(bytes[sent..<sent + size]))
            sent += size
        }
        #expect(await reader.bytes(580) == bytes)
        reader.source.stop()
    }

    @Test("the line is 9600 baud, 8N1, raw")
    func line() async throws {
        let pty = PtyPair()
        var reader = try Reader(.serial(path: pty.path))
        #expect(await reader.opened())
        let settings = pty.settings
        #expect(cfgetispeed([settings]) == speed_t(B9600))
        #expect(settings.c_cflag & tcflag_t(CSIZE) == tcflag_t(CS8))
        #expect(settings.c_cflag & tcflag_t(PARENB | CSTOPB) == 0)
        #expect(settings.c_lflag & tcflag_t(ICANON | ECHO) == 0)
        reader.source.stop()
    }

    @Test("a second reader of one port is refused, with the remedy to find the first")
    func exclusive() async throws {
        let pty = PtyPair()
        var first = try Reader(.serial(path: pty.path))
        #expect(await first.opened())
        var second = try Reader(.serial(path: pty.path))
        let error = await second.error()
        #expect(error?.description.contains("another program holds it") == true)
        first.source.stop()
        second.source.stop()
    }

    @Test("a pulled cable is noticed, and found again under another port behind the same name")
    func pulled() async throws {
        let folder = TemporaryFolder()
        let link = "\(folder.path)/usb-123electric_SmartBMSToUSB_1234-if00-port0"
        let before = PtyPair()
        symlink(before.path, link)
        var reader = try Reader(.serialAuto, options: Reader.options(folder: folder.path))
        #expect(await reader.opened())
        before.write([1, 2, 3])
        #expect(await reader.bytes(3) == [1, 2, 3])
        unlink(link)
        before.hangUp()
        #expect(await reader.error()?.description.contains("was the cable pulled?") == true)
        #expect(await reader.error()?.description.contains("no 123\\SmartBMS cable found") == true)
        let after = PtyPair()
        symlink(after.path, link)
        #expect(await reader.opened())
        after.write([4, 5])
        #expect(await reader.bytes(2) == [4, 5])
        reader.source.stop()
    }

    @Test("an absent port is reported with a remedy")
    func absent() async throws {
        var reader = try Reader(.serial(path: "/dev/ttyNoSuchPort"))
        let error = await reader.error()
        #expect(error?.description.contains("/dev/ttyNoSuchPort") == true)
        #expect(error?.description.contains("is the cable plugged in?") == true)
        reader.source.stop()
        #expect(await reader.first { _ in false } == nil, "the events end")
    }

    @Test("a file is not a port")
    func noPort() async throws {
        let folder = TemporaryFolder()
        var reader = try Reader(.serial(path: folder.write("x", "file")))
        #expect(await reader.error()?.description.contains("no serial port") == true)
        reader.source.stop()
    }
}

@Suite("Cable by name")
struct SerialCableTests {
    private func folders(_ name: TemporaryFolder, _ devices: TemporaryFolder) -> SerialCable.Folders {
        SerialCable.Folders(byName: name.path, devices: devices.path)
    }

    @Test("A single fitting name wins, and none or several are refused with a list")
    func find() throws {
        let (folder, devices) = (TemporaryFolder(), TemporaryFolder())
        let folders = folders(folder, devices)
        #expect(throws: SerialError.self) { try SerialCable.find(in: folders) }
        folder.write("", "usb-FTDI_FT232R_USB_UART_A1-if00-port0")
        do throws(SerialError) {
            _ = try SerialCable.find(in: folders)
            Issue.record("found a cable that is none")
        } catch {
            #expect(error.description.contains("usb-FTDI_FT232R"))
        }
        folder.write("", "usb-123electric_123SmartBMS_Controller_7-if00-port0")
        #expect(try SerialCable.find(in: folders).hasSuffix("Controller_7-if00-port0"))
        folder.write("", "usb-123electric_SmartBMSToUSB_8-if00-port0")
        #expect(throws: SerialError.self) { try SerialCable.find(in: folders) }
    }

    @Test("The cable is found among hundreds of other ports, whatever their order")
    func many() throws {
        let (folder, devices) = (TemporaryFolder(), TemporaryFolder())
        for number in 0..<300 { folder.write("", "usb-FTDI_\(number)-if00-port0") }
        folder.write("", "usb-123electric_SmartBMSToUSB_8-if00-port0")
        #expect(try SerialCable.find(in: folders(folder, devices)).contains("SmartBMSToUSB_8"))
        #expect(SerialCable.ports(in: folders(folder, devices)).count == 301)
    }

    @Test("Without names of USB devices the link of the package's udev rule is found")
    func rule() throws {
        let (folder, devices) = (TemporaryFolder(), TemporaryFolder())
        devices.write("", "ttyUSB3")
        devices.write("", "ttyUSB4")
        devices.write("", "tty7")
        try #require(symlink("ttyUSB3", "\(devices.path)/smartbms-1234") == 0)
        let ports = SerialCable.ports(in: folders(folder, devices))
        #expect(ports.map(\.isCable) == [true, false])
        #expect(ports.map { $0.path.split(separator: "/").last } == ["smartbms-1234", "ttyUSB4"])
        #expect(try SerialCable.find(in: folders(folder, devices)).hasSuffix("smartbms-1234"))
    }

    @Test("A port that has a name by its USB device is listed once")
    func once() throws {
        let (folder, devices) = (TemporaryFolder(), TemporaryFolder())
        devices.write("", "ttyUSB0")
        try #require(symlink("\(devices.path)/ttyUSB0", "\(folder.path)/usb-123electric_SmartBMSToUSB_8") == 0)
        try #require(symlink("ttyUSB0", "\(devices.path)/smartbms-8") == 0)
        #expect(
            SerialCable.ports(in: folders(folder, devices)).map(\.path) == [
                "\(folder.path)/usb-123electric_SmartBMSToUSB_8"
            ])
    }
}

@Suite("TCP", .waits, .timeLimit(.minutes(10)))
struct TCPTests {
    @Test("bytes come over TCP, and a peer that hangs up is called again")
    func reconnect() async throws {
        let (listener, port) = FreePort.listener()
        defer { close(listener) }
        var reader = try Reader(.tcp(host: "127.0.0.1", port: port))
        let first = accept(listener, nil, nil)
        #expect(await reader.opened())
        _ = write(first, [9, 8, 7] as [UInt8], 3)
        #expect(await reader.bytes(3) == [9, 8, 7])
        close(first)
        #expect(await reader.error()?.description.contains("hung up") == true)
        let second = accept(listener, nil, nil)
        #expect(await reader.opened())
        close(second)
        reader.source.stop()
    }

    @Test("a silent peer is left and called again")
    func silence() async throws {
        let (listener, port) = FreePort.listener()
        defer { close(listener) }
        var reader = try Reader(.tcp(host: "127.0.0.1", port: port), options: Reader.options(silence: 0.2))
        let first = accept(listener, nil, nil)
        #expect(await reader.error()?.description.contains("silent for") == true)
        let second = accept(listener, nil, nil)
        #expect(await reader.opened())
        close(first)
        close(second)
        reader.source.stop()
    }

    @Test("a closed port and an unknown host are reported with a remedy")
    func unreachable() async throws {
        var closed = try Reader(.tcp(host: "127.0.0.1", port: FreePort.next()))
        #expect(await closed.error()?.description.contains("ser2net") == true)
        closed.source.stop()
        var unknown = try Reader(.tcp(host: "no-such-host.invalid", port: 1))
        #expect(await unknown.error()?.description.contains("cannot be found") == true)
        unknown.source.stop()
    }
}

@Suite("Recordings", .waits, .timeLimit(.minutes(10)))
struct RecordingTests {
    @Test("a recording is replayed byte for byte")
    func roundTrip() async throws {
        let folder = TemporaryFolder()
        let file = "\(folder.path)/garage.rec"
        let writer = try RecordWriter(path: file)
        try writer.append([0, 255, 16], milliseconds: 5_000)
        try writer.append([1], milliseconds: 5_020)
        #expect(throws: SerialError.self, "recordings are not overwritten") { try RecordWriter(path: file) }
        var reader = try Reader(.replay(path: file, speed: nil))
        #expect(await reader.bytes(4) == [0, 255, 16, 1])
        #expect(await reader.first { $0 == .ended } != nil)
    }

    @Test("bad lines are reported by number and skipped")
    func badLines() async throws {
        let folder = TemporaryFolder()
        let file = folder.write("# comment\n0 0102\n\nnonsense\n5 0g\n10 03\n20 0\n30 04", "bad.rec")
        var reader = try Reader(.replay(path: file, speed: nil))
        var bytes: [UInt8] = []
        var complaints: [String] = []
        while let event = await reader.next() {
            if case .bytes(let chunk, _) = event { bytes += chunk }
            if case .complaint(let error) = event { complaints.append(error.description) }
        }
        #expect(bytes == [1, 2, 3, 4])
        #expect(complaints.count == 3)
        for (complaint, line) in zip(complaints, [4, 5, 7]) { #expect(complaint.contains("line \(line):")) }
    }

    @Test("a line without end is cut and reported")
    func endlessLine() async throws {
        let folder = TemporaryFolder()
        let file = folder.write(String(repeating: "ab", count: 100_000) + "\n0 07\n", "long.rec")
        var reader = try Reader(.replay(path: file, speed: nil))
        #expect(await reader.first { if case .complaint = $0 { true } else { false } } != nil)
        #expect(await reader.bytes(1) == [7])
        reader.source.stop()
    }

    @Test("a recording larger than its bound ends with an error")
    func bound() throws {
        let folder = TemporaryFolder()
        let writer = try RecordWriter(path: "\(folder.path)/small.rec", limit: 100)
        #expect(throws: SerialError.self) {
            for time in 0..<100 { try writer.append([1, 2, 3, 4], milliseconds: Int64(time)) }
        }
    }

    @Test("an unreadable recording ends the source")
    func missing() async throws {
        var reader = try Reader(.replay(path: "/nonexistent.rec", speed: 1))
        #expect(await reader.error()?.description.contains("/nonexistent.rec") == true)
        #expect(await reader.first { $0 == .ended } != nil)
    }

    @Test("a pipe in place of a recording ends the source and does not block it")
    func pipe() async throws {
        let folder = TemporaryFolder()
        #expect(mkfifo("\(folder.path)/pipe", 0o600) == 0)
        var reader = try Reader(.replay(path: "\(folder.path)/pipe", speed: 1))
        let text = await reader.error()?.description
        #expect(text == "\(folder.path)/pipe: cannot open: it is a pipe, a regular file is needed")
        #expect(await reader.first { $0 == .ended } != nil)
    }
}

@Suite("Source addresses")
struct SourceAddressTests {
    @Test(
        "addresses of every form are understood and written back",
        arguments: [
            "serial:auto", "serial:/dev/ttyUSB0", "tcp:ser2net.lan:2000", "tcp:[::1]:2000", "replay:garage.rec",
            "replay:garage.rec@max", "replay:garage.rec@2.5", "simulator:day",
        ])
    func roundTrip(text: String) throws { #expect(try SourceAddress(text).description == text) }

    @Test(
        "an address of another form is refused",
        arguments: [
            "", "serial", "serial:", "serial:ttyUSB0", "tcp:host", "tcp:host:0", "tcp:host:65536", "tcp:host:x",
            "tcp::1",
            "tcp:::1:2000", "usb:/dev/x", "/dev/ttyUSB0",
        ])
    func refused(text: String) {
        #expect(throws: SourceAddressError.self) { try SourceAddress(text) }
    }

    @Test("waits between attempts grow to 5 s and start again after bytes")
    func delays() {
        var delay = ReopenDelay()
        #expect((0..<6).map { _ in delay.next(random: 0) } == [0.5, 1, 2, 5, 5, 5])
        delay.reset()
        #expect(delay.next(random: 0.999) < 0.63)
    }
}

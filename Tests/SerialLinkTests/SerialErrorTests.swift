import Glibc
import TestSupport
import Testing

@testable import SerialLink

/// Sentences in the log about a source that cannot be opened or read. Errors that can be provoked here are provoked, with the system's
/// error number.
@Suite("Sentences about a source")
struct SerialErrorTests {
    private func text(_ number: Int32, _ kind: SerialError.Target) -> String {
        SerialError.system(.open, "/dev/ttyUSB0", number, of: kind).description
    }

    @Test("a wrong port, a folder and an absent path have their system errors with remedies")
    func ports() throws {
        let folder = TemporaryFolder()
        func error(_ path: String) -> SerialError? {
            do throws(SerialError) {
                close(try SerialPort.open(path))
                return nil
            } catch { return error }
        }
        let file = try #require(error(folder.write("x", "file")))
        #expect(file.number == ENOTTY && file.description.hasSuffix("that is no serial port"))
        let directory = try #require(error(folder.path))
        #expect(directory.number == ENOTTY && directory.description.hasSuffix("that is no serial port"))
        let absent = try #require(error("\(folder.path)/none"))
        #expect(absent.number == ENOENT && absent.description.hasSuffix("is the cable plugged in?"))
        #expect([file, directory, absent].allSatisfy { $0.description.hasPrefix("\(folder.path)") })
    }

    @Test(
        "the same error number has the remedy of its target",
        arguments: [
            (ENOENT, SerialError.Target.port, "is the cable plugged in?"), (ENOENT, .file, "check the path"),
            (EACCES, .port, "group dialout"), (EACCES, .host, "a firewall of this machine"),
            (EACCES, .file, "permissions of the file and its folder"), (EPERM, .host, "a firewall of this machine"),
            (EBUSY, .port, "another program holds it"),
            (ENOSPC, .file, "the disk, or this user's share of it, is full"),
            (EDQUOT, .file, "the disk, or this user's share of it, is full"), (EROFS, .file, "may only be read"),
            (EMFILE, .port, "too many files are open"), (ECONNREFUSED, .host, "nobody listens there"),
            (ECONNRESET, .port, "was the serial server restarted?"),
            (ETIMEDOUT, .host, "check the address and the network"),
            (EHOSTUNREACH, .host, "check the address and the network"), (EIO, .port, "is the cable plugged in?"),
            (ENOMEM, .port, "see the system's log"),
        ])
    func remedies(number: Int32, kind: SerialError.Target, words: String) {
        #expect(text(number, kind).contains(words))
        #expect(text(number, kind).contains(String(cString: strerror(number))))
    }

    @Test("no host or file has the remedy of a port", arguments: SerialError.Target.allCases)
    func noFalseRemedy(kind: SerialError.Target) {
        let texts = (1...133 as ClosedRange<Int32>).map { text($0, kind) }
        #expect(texts.contains { $0.contains("dialout") } == [.port, .adapter].contains(kind))
    }
}

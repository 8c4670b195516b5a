import CLinux
import Glibc
import LinuxIO
import TestSupport
import TestThreads
import Testing

@testable import bms_mqtt

@Suite("Other things in place of a file", .waits, .timeLimit(.minutes(10)))
struct RegularFileTests {
    private static let program = EndToEndTests.program
    private static let yaml = "packs: [{id: a, source: 'serial:auto'}]\n"

    /// Kinds of things that are not files, by their word in messages.
    private static let others = ["a pipe", "a directory", "a socket", "a device", "does not exist", "No such file"]

    /// Makes one of ``others`` and returns its path.
    private static func make(_ kind: String, in folder: TemporaryFolder) -> String {
        let path = "\(folder.path)/thing"
        switch kind {
        case "a pipe": mkfifo(path, 0o600)
        case "a directory": mkdir(path, 0o700)
        case "a device": return "/dev/zero"
        case "does not exist": symlink("\(folder.path)/nothing", path)
        case "a socket":
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            close(descriptor)
        default: break
        }
        return path
    }

    @Test("no command waits for something that is not a file, and each names its kind", arguments: Self.others)
    func commands(_ kind: String) throws {
        let folder = TemporaryFolder()
        let path = Self.make(kind, in: folder)
        let lines = [
            ["check-config", path], ["run", "--config", path], ["health", "--config", path], ["decode", path],
            ["limits", "--config", path], ["gx-setup", "--config", path], ["acl", "--config", path],
            ["monitor", "--once", "--config", path],
        ]
        for line in lines {
            let process = try #require(ChildProcess(Self.program, line))
            #expect(process.exitCode().map { $0 != 0 } == true, "\(line)")
            let text = process.read()
            let isNamed = text.contains("cannot read \(path)") || text.contains("\(path): cannot be read: ")
            #expect(isNamed && text.contains(kind), "\(line): \(text)")
        }
    }

    @Test("a file whose end cannot be read is refused, like the memory of a process")
    func halfRead() throws {
        let path = "/proc/self/mem"
        for line in [
            ["check-config", path], ["run", "--config", path], ["decode", path], ["decode", "--format", "raw", path],
        ] {
            let process = try #require(ChildProcess(Self.program, line))
            #expect(process.exitCode().map { $0 != 0 } == true, "\(line)")
            let text = process.read()
            let words = ["cannot read \(path): Input/output error", "\(path): cannot be read: Input/output error"]
            #expect(words.contains { text.contains($0) }, "\(line): \(text)")
        }
        #expect(throws: ReadFailure.self) { try RegularFile.read(path, upTo: 10).get() }
    }

    @Test("a file that is written to while it is read is refused")
    func changed() throws {
        let folder = TemporaryFolder()
        let path = folder.write(Self.yaml, "config.yaml")
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        lseek(descriptor, 3, SEEK_SET)
        _ = try ChunkReader.read(descriptor)
        #expect(ChunkReader.change(descriptor) == nil, "from wherever it was read")
        #expect(truncate(path, 5) == 0)
        #expect(ChunkReader.change(descriptor)?.contains("while it was read") == true)
    }

    @Test("a password and a state are read only from files", arguments: Self.others.dropLast())
    func kept(_ kind: String) {
        let folder = TemporaryFolder()
        let path = Self.make(kind, in: folder)
        guard case .failure(let failure) = RegularFile.read(path, upTo: 10) else {
            Issue.record("\(kind) was read")
            return
        }
        #expect(failure.text.contains(kind))
    }

    @Test("a state replaces only a file", arguments: ["a pipe", "a directory", "a socket"])
    func replaced(_ kind: String) {
        let folder = TemporaryFolder()
        let path = Self.make(kind, in: folder)
        #expect(StateFile.replace(path, with: [1])?.contains("it is \(kind)") == true)
        #expect(FileStatus(path: path)?.kind == kind, "it is still there")
        #expect(FileStatus(path: "\(path).new") == nil)
        // This is only a question, because a failing test must not replace the machine's device.
        #expect(RegularFile.obstacle("/dev/null")?.contains("it is a device") == true)
    }

    @Test("a configuration may come through standard input or through a shell's descriptor")
    func descriptors() throws {
        for words in ["check-config -", "check-config /dev/stdin", "check-config /dev/fd/0"] {
            let process = try #require(ChildProcess(Self.program, words.split(separator: " ").map(String.init)))
            process.write(Self.yaml)
            process.closeInput()
            #expect(process.exitCode() == 0, "\(words)")
        }
    }

    @Test("a configuration behind a link is refused if everybody may replace a file or folder on the way")
    func links() throws {
        let folder = TemporaryFolder()
        for name in ["open", "safe"] { mkdir("\(folder.path)/\(name)", 0o700) }
        folder.write(Self.yaml, "safe/real.yaml")
        folder.write(Self.yaml, "open/bare.yaml")
        mkdir("\(folder.path)/open/inner", 0o700)
        folder.write(Self.yaml, "open/inner/deep.yaml")
        symlink("../open/bare.yaml", "\(folder.path)/safe/to-open.yaml")
        symlink("\(folder.path)/safe/real.yaml", "\(folder.path)/open/from-open.yaml")
        symlink("../open/from-open.yaml", "\(folder.path)/safe/through-open.yaml")
        symlink("real.yaml", "\(folder.path)/safe/fine.yaml")
        let bad = ["safe/to-open", "open/from-open", "safe/through-open", "open/inner/deep"]
        func complaint(_ name: String) -> String? {
            do throws(ConfigurationFaults) {
                _ = try ConfigurationFile.load("\(folder.path)/\(name).yaml")
                return nil
            } catch {
                return error.lines.joined()
            }
        }
        for name in bad + ["safe/fine"] { #expect(complaint(name) == nil, "\(name)") }
        chmod("\(folder.path)/open", 0o777)
        for name in bad { #expect(complaint(name)?.contains("chmod o-w \(folder.path)/open") == true, "\(name)") }
        #expect(complaint("safe/fine") == nil)
    }
}

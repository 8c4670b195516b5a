import CLinux
import Glibc
import ServiceIO

/// Entry point: runs the command that the command line names, and exits with its code.
@main
struct Main {
    /// This function is not `async`, because Swift's pool of threads has a timer that would wake an idle bridge every second.
    static func main() {
        StandardDescriptors.occupy()
        Signals.hold()
        clinux_bound_memory()
        do throws(UsageError) {
            switch try CommandLineParser.parse(Array(CommandLine.arguments.dropFirst())) {
            case .help(let text):
                Console.write(text)
                exit(Console.exitCode(0))
            case .run(let row, let arguments): exit(Console.exitCode(Dispatcher.run(row, arguments)))
            }
        } catch {
            Console.complain(error.text)
            Console.write(error.usage + "\n", to: STDERR_FILENO)
            exit(2)
        }
    }
}

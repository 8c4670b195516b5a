import CLinux
import Glibc

/// Words in, exit code out.
@main
struct Main {
    /// Not `async`: that would start Swift's pool of threads, whose timer wakes a bridge each second for nothing.
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

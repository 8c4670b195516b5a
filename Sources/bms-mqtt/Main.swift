import Glibc

@main
struct Main {
    static func main() async {
        let requests = Signals.requests()
        let task = Task {
            await DemoCommand(scenario: CommandLine.arguments.dropFirst().first ?? "day", speed: 20, version: "0").run()
        }
        let stopper = Task { for await r in requests { if r == .stop { task.cancel() } } }
        let code = await task.value
        stopper.cancel()
        exit(code)
    }
}

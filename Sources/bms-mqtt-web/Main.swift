import CLinux
import Glibc
import ServiceIO
import Viewer

/// The page of `bms-mqtt web`, a program of its own: nothing of HTTP is in the one that makes the limits.
@main
struct Main {
    static func main() {
        StandardDescriptors.occupy()
        Signals.hold()
        clinux_bound_memory()
        guard let text = getenv(WebPlan.variable).map({ String(cString: $0) }), let plan = WebPlan(text: text) else {
            Console.complain("bms-mqtt-web is started by 'bms-mqtt web' or 'export', which tell it what to do")
            exit(2)
        }
        unsetenv(WebPlan.variable)
        if let export = plan.export { exit(Console.exitCode(HistoryPrinter.run(export, plan.folder ?? "."))) }
        exit(WebService(plan, Log()).run())
    }
}

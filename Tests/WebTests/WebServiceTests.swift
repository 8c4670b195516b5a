import BMSCore
import HistoryData
import TestThreads
import Testing

@testable import Viewer
@testable import bms_mqtt_web

@Suite("The page's program", .waits, .timeLimit(.minutes(10)))
struct WebServiceTests {
    @Test("an end has one time for all that it waits for")
    func oneDeadline() {
        var (now, times) = (100.0, [Double]())
        func hang(_ seconds: Double) -> Bool {
            times.append(seconds)
            now += seconds
            return false
        }
        WebService.wait(
            8, clock: { now },
            [
                { _ in
                    now += 3
                    return true
                }, hang, hang,
            ])
        #expect(now == 108 && times == [5, 0])
    }

    @Test("an event has its own time only where that is near the time of its receipt")
    func eventTimes() {
        let received = 2e9
        let cases: [(said: Double?, kept: Double)] = [
            (nil, 0), (-86_400, -86_400), (86_400, 86_400), (86_401, 0), (-86_401, 0), (1e9, 0), (-1e300, 0),
        ]
        for (said, kept) in cases {
            let event = ReaderModel.Event(time: said.map { received + $0 }, kind: "alarm", text: "hot")
            #expect(HistoryIntake.event(event, at: received).time == received + kept)
        }
    }
}

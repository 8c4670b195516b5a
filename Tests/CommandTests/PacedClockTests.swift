import BMSCore
import BatteryEngine
import Testing

@testable import bms_mqtt

@Suite("The clock of a simulation")
struct PacedClockTests {
    @Test("A change of the speed never sets the clock back, and the new speed counts from then on")
    func speeds() {
        let clock = PacedClock(speed: 1_000)
        var last = clock.now().monotonic
        for speed in [1.0, 50, 1_000, 0.5, 1] {
            clock.setSpeed(speed)
            #expect(clock.speed == speed && clock.realSeconds(milliseconds: 1_000_000) == 1_000 / speed)
            let now = clock.now().monotonic
            #expect(now >= last)
            last = now
        }
    }
}

import Testing

@testable import Mosquitto

@Suite("The choice among brokers")
struct BrokerChoiceTests {
    /// Places of the brokers that are tried one after the other, with a `-1` for each pause, when none of them accepts.
    private func attempts(_ choice: inout BrokerChoice, _ count: Int, served: Double? = nil) -> [Int] {
        var places: [Int] = []
        for _ in 0..<count {
            places.append(choice.place)
            if choice.ended(served: served) { places.append(-1) }
        }
        return places
    }

    @Test("One broker alone has a pause after each attempt")
    func single() {
        var choice = BrokerChoice(count: 1)
        #expect(attempts(&choice, 3) == [0, -1, 0, -1, 0, -1])
    }

    @Test("The next broker is tried at once, and a pause comes once in a round")
    func rounds() {
        var choice = BrokerChoice(count: 3)
        #expect(attempts(&choice, 7) == [0, 1, 2, -1, 0, 1, 2, -1, 0])
    }

    @Test("After a long service a round begins anew, so that each other broker is tried before a pause")
    func loss() {
        var choice = BrokerChoice(count: 2)
        #expect(attempts(&choice, 1) == [0])
        #expect(attempts(&choice, 1, served: 3_600) == [1])
        #expect(attempts(&choice, 2) == [0, -1, 1])
    }

    @Test("Brokers that accept and soon end connections do not make a loop without a pause")
    func shortSessions() {
        var choice = BrokerChoice(count: 2)
        #expect(attempts(&choice, 4, served: 2) == [0, 1, -1, 0, 1, -1])
    }

    @Test("A return that fails goes back at once, and the next one comes later, up to a bound")
    func failedReturn() {
        var choice = BrokerChoice(count: 3)
        _ = attempts(&choice, 2)
        #expect(choice.place == 2 && choice.misses && choice.interval == 30)
        var intervals: [Double] = []
        for _ in 0..<6 {
            choice.returnToFirst()
            #expect(choice.place == 0 && choice.isReturning)
            let mustWait = choice.ended(served: nil)
            #expect(!mustWait && choice.place == 2 && !choice.isReturning)
            intervals.append(choice.interval)
        }
        #expect(intervals == [60, 120, 240, 480, 480, 480])
    }

    @Test("A first broker that serves for a moment after each return does not make the bridge move all the time")
    func flapping() {
        var choice = BrokerChoice(count: 2)
        _ = attempts(&choice, 1)
        choice.returnToFirst()
        _ = choice.ended(served: 20)
        #expect(choice.place == 1 && choice.interval == 60)
        choice.returnToFirst()
        _ = choice.ended(served: 59)
        #expect(choice.interval == 120)
        choice.returnToFirst()
        _ = choice.ended(served: 60)
        #expect(choice.interval == 30, "a return that held")
    }

    @Test("A return that ends goes back to the broker that was left, whatever failed before it served")
    func backToOrigin() {
        for served in [nil, 2.0, 59] {
            var choice = BrokerChoice(count: 3)
            _ = attempts(&choice, 2)
            choice.returnToFirst()
            let mustWait = choice.ended(served: served)
            #expect(!mustWait && choice.place == 2)
            #expect(attempts(&choice, 3) == [2, 0, 1, -1], "each is tried before a pause")
        }
    }

    @Test("After a return that held, the list is followed, because the broker that was left may be gone by now")
    func originForgotten() {
        var choice = BrokerChoice(count: 3)
        _ = attempts(&choice, 2)
        choice.returnToFirst()
        #expect(choice.isOnTrial(after: nil) && !choice.isOnTrial(after: 60))
        #expect(attempts(&choice, 1, served: 3_600) == [0])
        #expect(!choice.isReturning && attempts(&choice, 2) == [1, 2, -1])
    }

    @Test("A first broker that serves for a minute ends the long intervals, however it was reached")
    func proven() {
        var choice = BrokerChoice(count: 2)
        _ = attempts(&choice, 1)
        for _ in 0..<3 {
            choice.returnToFirst()
            _ = choice.ended(served: nil)
        }
        #expect(choice.interval == 240 && choice.place == 1)
        _ = attempts(&choice, 1, served: 3_600)
        #expect(choice.place == 0 && choice.interval == 240)
        _ = attempts(&choice, 1, served: 60)
        #expect(choice.interval == 30)
    }

    @Test("The first broker is not left for itself")
    func first() {
        var choice = BrokerChoice(count: 2)
        choice.returnToFirst()
        #expect(!choice.isReturning && !choice.misses)
    }
}

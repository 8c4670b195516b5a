import MQTT
import Testing

@testable import Mosquitto

@Suite("Messages that wait for the socket")
struct HeldMessagesTests {
    private func message(
        _ topic: String, _ text: String, expiry: Int? = nil, _ precedence: MQTTMessage.Precedence = .normal
    ) -> MQTTMessage {
        MQTTMessage(topic, Array(text.utf8), expiry: expiry, precedence: precedence)
    }

    private func released(_ held: inout HeldMessages, at now: Double, room: Int = 100) -> [MQTTMessage] {
        var sent: [MQTTMessage] = []
        for precedence in MQTTMessage.Precedence.allCases where sent.count < room {
            held.release(precedence, at: now) { message, _ in
                sent.append(message)
                return sent.count < room
            }
        }
        return sent
    }

    @Test("the newest message of a topic takes the place of the older one")
    func newest() {
        var held = HeldMessages()
        held.hold(message("limits", "old"), at: 0)
        held.hold(message("state", "one"), at: 0)
        held.hold(message("limits", "new"), at: 1)
        #expect(held.bytes == 17)
        #expect(released(&held, at: 1) == [message("limits", "new"), message("state", "one")])
        #expect(held.isEmpty && held.bytes == 0)
    }

    @Test("messages leave by precedence, then by age; a batch takes one precedence alone")
    func precedence() {
        var held = HeldMessages()
        held.hold(message("state", "one"), at: 0)
        held.hold(message("limits", "two", .early), at: 0)
        held.hold(message("gx", "three", .first), at: 0)
        held.hold(message("cells", "four"), at: 0)
        var all = held
        #expect(released(&all, at: 0).map(\.topic) == ["gx", "limits", "state", "cells"])
        #expect(held.holds(.normal ... .normal) && held.holds(.first ... .early))
        var sent: [String] = []
        held.release(.early, at: 0) { message, _ in
            sent.append(message.topic)
            return true
        }
        #expect(sent == ["limits"])
        #expect(held.holds(.normal ... .normal) && held.holds(.first ... .early))
    }

    @Test("a message is dropped when a newer one of its topic was sent past it")
    func drop() {
        var held = HeldMessages()
        held.hold(message("limits", "old", .early), at: 0)
        held.hold(message("state", "one"), at: 0)
        held.drop("limits")
        held.drop("unknown")
        #expect(held.bytes == 8 && !held.holds(.first ... .early))
        #expect(released(&held, at: 0).map(\.topic) == ["state"])
    }

    @Test("a message leaves with the time for which it waited")
    func wait() {
        var (held, waits) = (HeldMessages(), [Double]())
        held.hold(message("limits", "a", expiry: 28), at: 100)
        held.release(.normal, at: 104.25) { _, waited in
            waits.append(waited)
            return true
        }
        #expect(waits == [4.25])
    }

    @Test("a message that arrives later has a shorter expiry, in whole seconds rounded down")
    func expiry() {
        let message = message("gx", "a", expiry: 10)
        #expect(message.arriving(after: 0)?.expiry == 10)
        #expect(message.arriving(after: 4.2)?.expiry == 5)
        #expect(message.arriving(after: 9)?.expiry == 1)
        #expect(self.message("event", "a").arriving(after: 1000)?.expiry == nil)
    }

    @Test("a message that would arrive after its expiry is not sent, unless it replaces a retained one")
    func late() {
        var message = message("gx", "a", expiry: 10)
        #expect(message.arriving(after: 9.1) == nil)
        message.retain = true
        #expect(message.arriving(after: 9.1)?.expiry == 1)
    }

    @Test("a message that has expired while it waited is not sent")
    func expired() {
        var held = HeldMessages()
        held.hold(message("limits", "a", expiry: 28), at: 100)
        held.hold(message("gx", "b"), at: 100)
        #expect(released(&held, at: 127.5).map(\.topic) == ["gx"])
        #expect(held.isEmpty && held.bytes == 0)
    }

    @Test("a message without room keeps waiting, with its bytes counted")
    func room() {
        var held = HeldMessages()
        for topic in ["a", "b", "c"] { held.hold(message(topic, "1234"), at: 0) }
        #expect(released(&held, at: 0, room: 2).map(\.topic) == ["a", "b"])
        #expect(held.bytes == 5)
        #expect(held.growth(by: message("c", "12")) == -2)
        #expect(released(&held, at: 0).map(\.topic) == ["c"])
    }
}

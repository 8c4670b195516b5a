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

    @Test("the newest of a topic takes the older one's turn")
    func newest() {
        var held = HeldMessages()
        held.hold(message("limits", "old"), at: 0)
        held.hold(message("state", "one"), at: 0)
        held.hold(message("limits", "new"), at: 1)
        #expect(held.bytes == 17)
        #expect(released(&held, at: 1) == [message("limits", "new"), message("state", "one")])
        #expect(held.isEmpty && held.bytes == 0)
    }

    @Test("by precedence first, then by turn; a batch takes its own alone")
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

    @Test("what is sent past it is forgotten")
    func drop() {
        var held = HeldMessages()
        held.hold(message("limits", "old", .early), at: 0)
        held.hold(message("state", "one"), at: 0)
        held.drop("limits")
        held.drop("unknown")
        #expect(held.bytes == 8 && !held.holds(.first ... .early))
        #expect(released(&held, at: 0).map(\.topic) == ["state"])
    }

    @Test("what waited is sent with the time for which it did")
    func wait() {
        var (held, waits) = (HeldMessages(), [Double]())
        held.hold(message("limits", "a", expiry: 28), at: 100)
        held.release(.normal, at: 104.25) { _, waited in
            waits.append(waited)
            return true
        }
        #expect(waits == [4.25])
    }

    @Test("what arrives later expires sooner by that, whole seconds down")
    func expiry() {
        let message = message("gx", "a", expiry: 10)
        #expect(message.arriving(after: 0)?.expiry == 10)
        #expect(message.arriving(after: 4.2)?.expiry == 5)
        #expect(message.arriving(after: 9)?.expiry == 1)
        #expect(self.message("event", "a").arriving(after: 1000)?.expiry == nil)
    }

    @Test("what would arrive after its expiry is not sent, unless it takes the place of something older")
    func late() {
        var message = message("gx", "a", expiry: 10)
        #expect(message.arriving(after: 9.1) == nil)
        message.retain = true
        #expect(message.arriving(after: 9.1)?.expiry == 1)
    }

    @Test("what has expired while it waited is not sent")
    func expired() {
        var held = HeldMessages()
        held.hold(message("limits", "a", expiry: 28), at: 100)
        held.hold(message("gx", "b"), at: 100)
        #expect(released(&held, at: 127.5).map(\.topic) == ["gx"])
        #expect(held.isEmpty && held.bytes == 0)
    }

    @Test("what finds no room keeps waiting, with its bytes")
    func room() {
        var held = HeldMessages()
        for topic in ["a", "b", "c"] { held.hold(message(topic, "1234"), at: 0) }
        #expect(released(&held, at: 0, room: 2).map(\.topic) == ["a", "b"])
        #expect(held.bytes == 5)
        #expect(held.growth(by: message("c", "12")) == -2)
        #expect(released(&held, at: 0).map(\.topic) == ["c"])
    }
}

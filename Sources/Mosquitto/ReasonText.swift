/// Sentences and pauses for the reasons that a broker gives: every reason of MQTT 5 in an answer to CONNECT or in DISCONNECT, and those of
/// MQTT 3.1.1. Pure.
enum ReasonText {
    /// Stands for the key that names the brokers.
    static let key = "{key}"

    /// Answers to CONNECT, by reason; those about user and client identifier name them, and are made elsewhere.
    static let connack: [Int32: String] = [
        1: "does not speak this version of MQTT: set mqtt.protocol",
        3: "says that it is unavailable: it is tried again; if this persists, its log tells why",
        128: "refused the connection and says no more: its log tells why",
        129: "could not read CONNECT: look for a proxy between that changes it, or try mqtt.protocol: 3.1.1",
        130: "says that CONNECT breaks the protocol: try mqtt.protocol: 3.1.1",
        131: "refused the connection by a rule of its own: its log tells why",
        132: "does not speak this version of MQTT: set mqtt.protocol",
        136: "says that it is unavailable: it is tried again; if this persists, its log tells why",
        137: "is busy: it is tried again; if this persists, its log tells why",
        138: "has banned this client: lift the ban in the broker",
        140: "wants a way of logging in that this bridge does not know: let it take a user name and a password",
        144:
            "does not take the topic of the will: check mqtt.base, and its access rules ('bms-mqtt acl' prints what is needed)",
        149: "says that CONNECT is too large: raise its limit (mosquitto: max_packet_size)",
        151: "has no room for another connection now: raise its limit (mosquitto: max_connections)",
        153: "does not take the form of the will's text: its log tells why",
        154:
            "refuses the will although it is not retained, and names retention as the cause: allow retained messages (mosquitto: "
            + "retain_available true)",
        155:
            "refuses the will even with quality 0, and names its quality as the cause: allow quality 1 (mosquitto: max_qos 1)",
        156: "says that another broker is to be used for now: name that in {key}",
        157: "has moved: name its new address in {key}",
        159: "takes no more connections at this pace: raise its limit on new connections",
    ]

    /// Causes for which a broker ends an accepted connection, by reason.
    static let disconnect: [Int32: String] = [
        128: "ended the connection and says no more: its log tells why",
        129:
            "could not read a packet: look for something between that changes bytes, or report it with the broker's log",
        130: "says that a packet breaks the protocol: report it with the broker's log, and try mqtt.protocol: 3.1.1",
        131: "ended the connection by a rule of its own: its log tells why",
        135: "no longer allows this client: check its access rules and mqtt.username",
        137: "is busy, and ended the connection: if this persists, its log tells why",
        139: "shuts down",
        140: "wants a way of logging in that this bridge does not know: let it take a user name and a password",
        141: "heard nothing for longer than mqtt.keepalive allows: the network, or this machine, held it up",
        143: "takes no filter of this form: check mqtt.base, gx.prefix and homeAssistant.prefix",
        144: "takes no topic of this form: check mqtt.base, gx.prefix and homeAssistant.prefix",
        147: "got more messages at once than it takes: raise its limit (mosquitto: max_inflight_messages)",
        148: "names a topic alias as the cause, though this bridge uses none: report it with the broker's log",
        149: "got a packet that is larger than it takes: raise its limit (mosquitto: max_packet_size)",
        150: "got messages faster than it takes them: raise its limit, or set publish.economy: low",
        151: "says that a quota of this client is used up: raise it there",
        152: "was told by somebody who administers it to end this connection",
        153: "does not take the form of a message: report it with the broker's log",
        154: "takes no retained messages: allow them (mosquitto: retain_available true)",
        155: "does not take the quality of a message: allow quality 1 (mosquitto: max_qos 1)",
        156: "says that another broker is to be used for now: name that in {key}",
        157: "has moved: name its new address in {key}",
        158: "offers no shared subscriptions, though this bridge uses none: report it with the broker's log",
        159: "takes no more connections at this pace: raise its limit on new connections",
        160: "ends each connection after a time, by its own rule",
        161: "offers no subscription identifiers, though this bridge uses none: report it with the broker's log",
        162: "offers no subscriptions with wildcards: use a broker that does",
    ]

    /// The cause may pass without anybody doing something.
    static func isPassing(_ connack: Int32) -> Bool { [3, 136, 137, 151, 156, 159].contains(connack) }

    /// Seconds of pause where only a person can help, or where each attempt counts against this client: the longest pause of ``Backoff``.
    private static let longPause = 8.0

    /// The shortest pause after a refused connection, seconds. A busy broker is tried as soon as one that does not listen. Where another
    /// version or a smaller will is left to ask for, that is asked for at once, so these refusals come here only when nothing is left.
    static func pause(connack reason: Int32) -> Double { [3, 128, 136, 137, 151].contains(reason) ? 0 : longPause }

    /// The shortest pause after an ended connection, seconds.
    static func pause(disconnect reason: Int32) -> Double {
        [140, 150, 156, 157, 159].contains(reason) ? longPause : 0
    }
}

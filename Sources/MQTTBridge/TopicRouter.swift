import BatteryEngine

/// Meaning of a topic on which a message came.
enum InboundTopic: Hashable {
    /// A command for a setting of a battery, by its id.
    case command(battery: String, setting: String)
    /// Commands for several settings of a battery, by its id.
    case commands(battery: String)
    /// A request to the GX tree, or a word of somebody else about it.
    case tree(GXTopics.Request)
    /// The status of this bridge.
    case bridgeStatus
    /// The status of a battery, by its id.
    case status(battery: String)
    /// A document of a battery, by its id.
    case document(DocumentKind, battery: String)
    /// An announcement for Home Assistant, by its node.
    case announcement(node: String)
    /// The status of Home Assistant.
    case birth
    /// None of these: the topic of a relay, perhaps.
    case other
}

/// Finds the meaning of topics.
struct TopicRouter: Sendable {
    private let topics: Topics
    private let birth: String
    private let tree: GXTopics?

    init(_ options: BridgeOptions) {
        topics = options.topics
        birth = options.birthTopic
        tree = options.gxTree?.topics
    }

    /// The meaning of a topic.
    func route(_ topic: String) -> InboundTopic {
        if let (battery, setting) = topics.command(topic) { return .command(battery: battery, setting: setting) }
        if let battery = topics.commands(topic) { return .commands(battery: battery) }
        if let request = tree?.parse(topic) { return .tree(request) }
        if topic == topics.bridgeStatus { return .bridgeStatus }
        if let id = topics.pack(ofStatus: topic) { return .status(battery: id) }
        if let (id, word) = topics.word(topic) { return .document(word, battery: id) }
        if let node = topics.announcement(topic) { return .announcement(node: node) }
        return topic == birth ? .birth : .other
    }
}

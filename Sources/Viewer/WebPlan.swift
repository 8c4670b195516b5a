import JSON

/// What `bms-mqtt web` tells the program that serves the page: it checks options and files, and the other reads no configuration. The
/// plan goes through the environment, which other users cannot read, because it holds the broker's password.
package struct WebPlan: Hashable, Sendable {
    /// Variable of the environment.
    package static let variable = "BMS_MQTT_WEB"

    /// Name or address of the broker.
    package var host = "localhost"
    package var port = 1883
    /// Brokers to read while that one does not serve.
    package var others: [Broker] = []
    package var username: String?
    package var password: String?
    /// "auto", "5" or "3.1.1".
    package var mqttVersion = "auto"
    package var usesTLS = false
    package var caFile: String?
    package var certificateFile: String?
    package var keyFile: String?
    /// First level of the topics.
    package var base = "bms"
    /// Address and port of the page.
    package var address = "127.0.0.1"
    package var pagePort = 8099
    /// No other machine reaches the page, but for those that a reverse proxy lets in.
    package var isLocal: Bool { address.hasPrefix("127.") || address == "::1" }
    /// Further names under which browsers may ask for the page.
    package var names: [String] = []
    /// Folder of the history; `nil`: none is kept.
    package var folder: String?
    /// Largest size of the history, MB.
    package var megabytes = 1024
    /// Password of the page, which opens commands, and reading where that is not free; `nil`: there are no commands.
    package var pagePassword: String?
    /// Everybody who reaches the page may look.
    package var readsFreely = true
    /// Wall time from which on the history is filled with the demo's simulated pack, milliseconds since 1970; 0: it is not.
    package var demoBegin = 0
    /// What is to be printed of the history instead of serving the page; `nil`: nothing.
    package var export: Export?

    /// A further broker.
    package struct Broker: Hashable, Sendable {
        package var host: String
        package var port: Int

        package init(host: String, port: Int) { (self.host, self.port) = (host, port) }
    }

    /// A part of the history.
    package struct Export: Hashable, Sendable {
        /// Id of the battery; `nil`: the only one.
        package var battery: String?
        /// Seconds since 1970; the end is excluded.
        package var from, to: Double
        /// Length of a row in seconds.
        package var level: Int

        package init(battery: String?, from: Double, to: Double, level: Int) {
            (self.battery, self.from, self.to, self.level) = (battery, from, to, level)
        }
    }

    /// Language of a page whose browser asks for none that there is.
    package var language = "en"

    /// The defaults above.
    package init() {}

    private typealias Text = WritableKeyPath<WebPlan, String>
    private typealias MaybeText = WritableKeyPath<WebPlan, String?>
    private typealias Number = WritableKeyPath<WebPlan, Int>
    private typealias Flag = WritableKeyPath<WebPlan, Bool>

    private static var texts: [(String, Text)] {
        [
            ("host", \.host), ("mqttVersion", \.mqttVersion), ("base", \.base), ("address", \.address),
            ("language", \.language),
        ]
    }
    private static var maybeTexts: [(String, MaybeText)] {
        [
            ("username", \.username), ("password", \.password), ("caFile", \.caFile),
            ("certificateFile", \.certificateFile), ("keyFile", \.keyFile), ("folder", \.folder),
            ("pagePassword", \.pagePassword),
        ]
    }
    private static var numbers: [(String, Number)] {
        [("port", \.port), ("pagePort", \.pagePort), ("megabytes", \.megabytes), ("demoBegin", \.demoBegin)]
    }
    private static var flags: [(String, Flag)] { [("usesTLS", \.usesTLS), ("readsFreely", \.readsFreely)] }

    /// The plan as the variable holds it.
    package var text: String {
        var writer = JSONWriter()
        writer.beginObject()
        for (name, path) in Self.texts { writer.member(name, self[keyPath: path]) }
        for (name, path) in Self.maybeTexts { writer.member(name, optional: self[keyPath: path]) }
        for (name, path) in Self.numbers { writer.member(name, Double(self[keyPath: path])) }
        for (name, path) in Self.flags { writer.member(name, self[keyPath: path]) }
        writer.member("names", names)
        writer.member("otherHosts", others.map(\.host))
        writer.member("otherPorts", others.map { "\($0.port)" })
        if let export {
            writer.key("export")
            writer.beginObject()
            writer.member("battery", optional: export.battery)
            writer.member("from", export.from)
            writer.member("to", export.to)
            writer.member("level", Double(export.level))
            writer.endObject()
        }
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// Reads the variable; `nil` where it holds no plan.
    package init?(text: String) {
        guard let value = JSONValue(parsing: Array(text.utf8)) else { return nil }
        for (name, path) in Self.texts {
            guard let text = value[name]?.text else { return nil }
            self[keyPath: path] = text
        }
        for (name, path) in Self.maybeTexts { self[keyPath: path] = value[name]?.text }
        for (name, path) in Self.numbers {
            guard let number = value[name]?.number, let whole = Int(exactly: number) else { return nil }
            self[keyPath: path] = whole
        }
        for (name, path) in Self.flags { self[keyPath: path] = value[name]?.flag ?? false }
        names = value["names"]?.array?.compactMap(\.text) ?? []
        let hosts = value["otherHosts"]?.array?.compactMap(\.text) ?? []
        let ports = value["otherPorts"]?.array?.compactMap { $0.text.flatMap { Int($0) } } ?? []
        others = zip(hosts, ports).map { Broker(host: $0, port: $1) }
        if let from = value["export.from"]?.number, let to = value["export.to"]?.number,
            let level = (value["export.level"]?.number).flatMap({ Int(exactly: $0) })
        {
            export = Export(battery: value["export.battery"]?.text, from: from, to: to, level: level)
        }
    }
}

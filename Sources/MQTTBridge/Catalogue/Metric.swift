import BatteryEngine
import BMSCore

/// Place of a metric in the document for dbus-mqtt-battery, see ``GXDocument``.
enum GXUse: Hashable, Sendable {
    /// The value of the row.
    case value
    /// The last voltage, current, power or state of charge that is known: these are never null.
    case voltage, current, power, soc
    /// CCL and DCL in whole amperes.
    case chargeLimit, dischargeLimit
    /// The alarm of the cable, which says before the silence that the link is lost.
    case cable
    /// The value of the row; the cells' voltages stand before it.
    case voltageSum
}

/// Values that a metric can have, besides unknown.
enum ValueShape: Hashable, Sendable {
    /// A number with decimals.
    case number
    /// A whole number.
    case whole
    /// One of some whole numbers; flags are 0 and 1.
    case oneOf([Int])
    case text
    /// One of some words.
    case word([String])

    static let flag = ValueShape.oneOf([0, 1])
    static let alarm = ValueShape.oneOf(AlarmLevel.allCases.map(\.rawValue))
}

/// One row of the catalogue: a value's name on the GX bus, the places where it goes, its entity in Home Assistant, and its source. Every
/// layout follows from it.
struct Metric: Sendable {
    /// GX D-Bus path, or one in its style.
    let path: String
    /// Names of the nested objects and of the value: "/Dc/0/Voltage" -> Dc, Voltage (dbus-mqtt-battery wants it flat).
    let keys: [String]
    /// Unit for people; empty for none.
    let unit: String
    /// Place in the document for dbus-mqtt-battery, which warns about keys that it does not know; `nil`: none.
    let gx: GXUse?
    /// Smallest change that is worth a message.
    let deadband: Deadband
    /// Entity in Home Assistant; `nil`: none.
    let entity: EntityRow?
    /// Values that it can have.
    let shape: ValueShape
    /// The value only grows, for a lifetime of the pack or of the program; it may begin anew.
    let isCounter: Bool
    /// Batteries whose entity it is.
    let isFor: @Sendable (BatteryIdentity) -> Bool
    /// The value now.
    let value: @Sendable (BatteryReport) -> MetricValue

    init(
        _ path: String, _ unit: String = "", gx: GXUse? = nil, deadband: Deadband = .none, entity: EntityRow? = nil,
        shape: ValueShape? = nil, isCounter: Bool = false,
        isFor: @escaping @Sendable (BatteryIdentity) -> Bool = { _ in true },
        value: @escaping @Sendable (BatteryReport) -> MetricValue
    ) {
        self.path = path
        keys = path.split(separator: "/").filter { $0 != "0" }.map(String.init)
        self.unit = unit
        self.gx = gx
        self.deadband = deadband
        self.entity = entity
        self.shape = shape ?? (unit.isEmpty ? entity?.shape ?? .whole : .number)
        self.isCounter = isCounter
        self.isFor = isFor
        self.value = value
    }
}

/// The entity of a metric in Home Assistant (facts of its MQTT integration; impossible pairs are refused there).
struct EntityRow: Hashable, Sendable {
    /// Kind of entity.
    enum Platform: String, Sendable {
        case sensor
        case binarySensor = "binary_sensor"
    }

    /// Document that has the value of an entity.
    enum Source: Hashable, Sendable {
        /// The `state` document, which the row's own path leads through.
        case state
        /// The `limits` document, which goes on while the pack is silent.
        case limits([String])
    }

    /// A state of an enum.
    struct EnumState: Hashable, Sendable {
        /// The value in the document.
        var value: String
        /// The word that people see, in English.
        var word: String

        /// States whose words are their values.
        static func named(_ values: [String]) -> [Self] { values.map { Self(value: $0, word: $0) } }
    }

    /// An attribute of an entity.
    struct Attribute: Hashable, Sendable {
        var name: String
        /// Place in the document.
        var keys: [String]
    }

    /// Stable key: part of the unique_id, for ever.
    var key: String
    /// Sentence case, without the device's name; {n} stands for a cell's number or a relay's name.
    var name: String
    var platform = Platform.sensor
    var deviceClass: String?
    var stateClass: String?
    /// Home Assistant's spelling of the unit.
    var unit: String?
    var precision: Int?
    /// The value is divided by it.
    var divisor = 1
    var isDiagnostic = false
    var isEnabled = true
    var icon: String?
    /// States of an enum.
    var options: [EnumState]?
    /// Document that has its value, and place of the value there.
    var source = Source.state
    /// Members of the same document that are attributes of the entity, by name.
    var attributes: [Attribute] = []
    /// Becomes unavailable when it is not repeated: for live values, not for counters and texts that stay true.
    var expires = true
    /// The entity has a value only while frames come.
    var needsPack = true
    /// Announced only when it has had a value: not every BMS, and not every pack, ever has one.
    var isOptional = false

    /// Values that its state can have, where no unit says so.
    fileprivate var shape: ValueShape {
        if let options { return .word(options.map(\.value)) }
        if platform == .binarySensor { return .flag }
        return stateClass == nil ? .text : .whole
    }

    /// The same, readable while the pack is offline, too.
    var always: EntityRow {
        var row = self
        row.needsPack = false
        return row
    }

    /// The same, from the `limits` document.
    func fromLimits(_ keys: [String], _ attributes: [Attribute] = []) -> EntityRow {
        var row = always.withAttributes(attributes)
        row.source = .limits(keys)
        return row
    }

    /// The same, for people in a unit that is `divisor` times that of the document.
    func divided(by divisor: Int) -> EntityRow {
        var row = self
        row.divisor = divisor
        return row
    }

    /// The same with attributes.
    func withAttributes(_ attributes: [Attribute]) -> EntityRow {
        var row = self
        row.attributes = attributes
        return row
    }

    /// The same, disabled at first.
    var disabled: EntityRow {
        var row = self
        row.isEnabled = false
        return row
    }

    /// The same, announced only when it has had a value.
    var optional: EntityRow {
        var row = self
        row.isOptional = true
        return row
    }

    /// A measured number.
    static func measurement(
        _ key: String, _ name: String, _ deviceClass: String?, _ unit: String?, precision: Int,
        diagnostic: Bool = false, enabled: Bool = true, icon: String? = nil
    ) -> EntityRow {
        EntityRow(
            key: key, name: name, deviceClass: deviceClass, stateClass: "measurement", unit: unit,
            precision: precision, isDiagnostic: diagnostic, isEnabled: enabled, icon: icon)
    }

    /// A total that only grows.
    static func total(
        _ key: String, _ name: String, _ deviceClass: String?, _ unit: String?, precision: Int,
        diagnostic: Bool = false, icon: String? = nil
    ) -> EntityRow {
        EntityRow(
            key: key, name: name, deviceClass: deviceClass, stateClass: "total_increasing", unit: unit,
            precision: precision, isDiagnostic: diagnostic, icon: icon, expires: false)
    }

    /// A text or a number without statistics.
    static func plain(
        _ key: String, _ name: String, diagnostic: Bool = true, icon: String? = nil, options: [EnumState]? = nil
    ) -> EntityRow {
        EntityRow(
            key: key, name: name, deviceClass: options == nil ? nil : "enum", isDiagnostic: diagnostic, icon: icon,
            options: options)
    }

    /// On or off.
    static func binary(
        _ key: String, _ name: String, _ deviceClass: String?, diagnostic: Bool = false, icon: String? = nil
    ) -> EntityRow {
        EntityRow(
            key: key, name: name, platform: .binarySensor, deviceClass: deviceClass, isDiagnostic: diagnostic,
            icon: icon)
    }
}

// swift-tools-version: 6.2
import PackageDescription

// Settings of every Swift target. The upcoming features make the compiler ask for what the house rules ask for anyway.
let common: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
    .enableUpcomingFeature("InferIsolatedConformances"),  // SE-0470
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // SE-0461
    .enableUpcomingFeature("ImmutableWeakCaptures"),  // SE-0481
    .treatAllWarnings(as: .error),
]

// Pure modules touch no pointer: the compiler refuses one there.
let pure = common + [.strictMemorySafety()]

let package = Package(
    name: "bms-mqtt",
    products: [
        .executable(name: "bms-mqtt", targets: ["bms-mqtt"]),
        .executable(name: "bms-mqtt-web", targets: ["bms-mqtt-web"]),
    ],
    targets: [
        // C libraries of Debian 12, and the system headers that Glibc's module hides.
        .systemLibrary(name: "CMosquitto", pkgConfig: "libmosquitto", providers: [.apt(["libmosquitto-dev"])]),
        .systemLibrary(name: "CYaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CMicrohttpd", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
        .systemLibrary(name: "CLinux"),

        // Pure: no clock, no I/O, no Foundation.
        .target(name: "MQTT", swiftSettings: pure),
        .target(name: "BMSCore", swiftSettings: pure),
        .target(name: "JSON", dependencies: ["BMSCore"], swiftSettings: pure),
        .target(name: "SmartBMS", dependencies: ["BMSCore"], swiftSettings: pure),
        .target(name: "ChargeLimits", dependencies: ["BMSCore"], swiftSettings: pure),
        .target(name: "PackSimulator", dependencies: ["BMSCore", "SmartBMS"], swiftSettings: pure),
        .target(
            name: "BatteryEngine", dependencies: ["BMSCore", "SmartBMS", "ChargeLimits"], swiftSettings: pure),
        .target(
            name: "CANFrames", dependencies: ["BMSCore", "ChargeLimits", "BatteryEngine"], swiftSettings: pure),
        .target(
            name: "MQTTBridge",
            dependencies: ["BMSCore", "SmartBMS", "ChargeLimits", "BatteryEngine", "JSON", "MQTT"],
            swiftSettings: pure),
        .target(name: "HistoryData", swiftSettings: pure),
        // Simulated days of the demo and of benchmarks.
        .target(
            name: "Rehearsal",
            dependencies: ["BMSCore", "SmartBMS", "ChargeLimits", "BatteryEngine", "MQTTBridge", "PackSimulator"],
            swiftSettings: pure),

        .target(
            name: "Viewer", dependencies: ["BMSCore", "BatteryEngine", "JSON", "MQTTBridge"], swiftSettings: pure),

        // I/O.
        .target(name: "LinuxIO", dependencies: ["CLinux"], swiftSettings: common),
        .target(
            name: "ServiceIO", dependencies: ["BMSCore", "BatteryEngine", "CLinux", "LinuxIO"], swiftSettings: common),
        .target(name: "Mosquitto", dependencies: ["CMosquitto", "LinuxIO", "MQTT"], swiftSettings: common),
        .target(
            name: "HTTPServer", dependencies: ["CLinux", "CMicrohttpd", "JSON", "LinuxIO"], swiftSettings: common),
        .target(name: "SerialLink", dependencies: ["CLinux", "LinuxIO"], swiftSettings: common),
        .target(
            name: "CANBus",
            dependencies: ["BMSCore", "BatteryEngine", "CANFrames", "CLinux", "LinuxIO", "SerialLink"],
            swiftSettings: common),
        .target(
            name: "History", dependencies: ["CLinux", "CSQLite", "HistoryData", "LinuxIO"], swiftSettings: common),
        .executableTarget(
            name: "bms-mqtt",
            dependencies: [
                "BatteryEngine",
                "BMSCore", "SmartBMS", "CANBus", "CANFrames", "ChargeLimits", "PackSimulator", "JSON", "MQTT",
                "MQTTBridge", "Mosquitto", "Rehearsal", "SerialLink", "ServiceIO", "LinuxIO", "CYaml", "CLinux",
                "Viewer",
            ],
            swiftSettings: common),
        // The page is a program of its own: nothing of HTTP or SQLite is in the one that makes the limits.
        .executableTarget(
            name: "bms-mqtt-web",
            dependencies: [
                "BMSCore", "BatteryEngine", "CLinux", "HTTPServer", "History", "HistoryData", "JSON", "LinuxIO", "MQTT",
                "MQTTBridge", "Mosquitto", "Rehearsal", "ServiceIO", "Viewer",
            ],
            resources: [
                .embedInCode("Page/index.html"), .embedInCode("Page/app.js"), .embedInCode("Page/style.css"),
                .embedInCode("Page/icon.svg"), .embedInCode("Page/words.json"),
            ],
            swiftSettings: common),
        .executableTarget(
            name: "bms-mqtt-bench",
            dependencies: [
                "BatteryEngine",
                "BMSCore", "SmartBMS", "CLinux", "ChargeLimits", "CMosquitto", "GoldenSupport", "History",
                "HistoryData",
                "LinuxIO", "MQTT",
                "MQTTBridge", "PackSimulator", "Rehearsal", "TestSupport",
            ],
            path: "Benchmarks",
            exclude: [
                "README.md", "allocations", "arm64-memory", "bare", "fleet-load", "home-assistant-cost", "mobile-link",
                "packs-cost", "parallel", "python", "recorder-cost", "run", "running-cost",
            ],
            swiftSettings: common),

        // Tests, one target per module.
        .target(
            name: "TestSupport", dependencies: ["BMSCore", "SmartBMS", "CLinux", "HistoryData", "LinuxIO"],
            path: "Tests/TestSupport", swiftSettings: common),
        // Apart from TestSupport, which benchmarks use: a program with the Swift library linked in has no Testing.
        .target(name: "TestThreads", dependencies: ["LinuxIO"], path: "Tests/TestThreads", swiftSettings: common),
        .target(
            name: "GoldenSupport",
            dependencies: ["BatteryEngine", "BMSCore", "SmartBMS", "MQTT", "MQTTBridge", "TestSupport"],
            path: "Tests/GoldenSupport",
            swiftSettings: common),
        .testTarget(
            name: "BMSCoreTests", dependencies: ["BMSCore", "SmartBMS", "TestSupport", "TestThreads"],
            swiftSettings: common),
        .testTarget(
            name: "SmartBMSTests", dependencies: ["SmartBMS", "BMSCore", "TestSupport", "TestThreads"],
            swiftSettings: common),
        .testTarget(
            name: "ChargeLimitsTests",
            dependencies: ["ChargeLimits", "BMSCore", "SmartBMS", "PackSimulator", "TestSupport", "TestThreads"],
            swiftSettings: common),
        .testTarget(
            name: "PackSimulatorTests",
            dependencies: ["PackSimulator", "BMSCore", "SmartBMS", "TestSupport", "TestThreads"],
            swiftSettings: common),
        .testTarget(
            name: "BatteryEngineTests",
            dependencies: ["BatteryEngine", "BMSCore", "SmartBMS", "ChargeLimits", "TestSupport", "TestThreads"],
            swiftSettings: common),
        .testTarget(
            name: "BridgeTests",
            dependencies: [
                "BatteryEngine",
                "MQTTBridge", "CANFrames", "JSON", "ChargeLimits", "BMSCore", "SmartBMS", "PackSimulator",
                "GoldenSupport", "LinuxIO", "MQTT", "TestSupport", "TestThreads",
            ],
            swiftSettings: common),
        .testTarget(
            name: "CANTests",
            dependencies: [
                "CANBus", "CANFrames", "BatteryEngine", "BMSCore", "ChargeLimits", "LinuxIO", "PackSimulator",
                "SmartBMS", "TestSupport", "TestThreads",
            ],
            swiftSettings: common),
        .testTarget(
            name: "WebTests",
            dependencies: [
                "bms-mqtt-web", "BMSCore", "BatteryEngine", "HTTPServer", "History", "HistoryData", "JSON", "LinuxIO",
                "MQTT", "MQTTBridge", "Mosquitto", "PackSimulator", "Rehearsal", "ServiceIO", "TestSupport",
                "TestThreads", "Viewer",
            ],
            swiftSettings: common),
        .testTarget(
            name: "ViewerTests", dependencies: ["JSON", "Viewer", "TestThreads"], swiftSettings: common),
        .testTarget(
            name: "MosquittoTests", dependencies: ["Mosquitto", "MQTT", "LinuxIO", "TestSupport", "TestThreads"],
            swiftSettings: common
        ),
        .testTarget(
            name: "HTTPServerTests",
            dependencies: ["HTTPServer", "CLinux", "JSON", "LinuxIO", "TestSupport", "TestThreads"],
            swiftSettings: common),
        .testTarget(
            name: "SerialLinkTests", dependencies: ["SerialLink", "LinuxIO", "CLinux", "TestSupport", "TestThreads"],
            swiftSettings: common),
        .testTarget(
            name: "HistoryTests",
            dependencies: ["CLinux", "CSQLite", "History", "HistoryData", "LinuxIO", "TestSupport", "TestThreads"],
            swiftSettings: common),
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "BatteryEngine",
                "bms-mqtt", "BMSCore", "SmartBMS", "CANBus", "CANFrames", "LinuxIO", "ChargeLimits", "JSON",
                "PackSimulator", "MQTTBridge", "Mosquitto", "SerialLink", "ServiceIO", "TestSupport", "TestThreads",
                "Viewer",
            ],
            swiftSettings: common),
    ]
)

// What has no thread has no race: with BMS_MQTT_TESTS=threads the tests of such modules, and the benchmarks, are left out (scripts/test).
if Context.environment["BMS_MQTT_TESTS"] == "threads" {
    let withoutThreads: Set<String> = [
        "BMSCoreTests", "SmartBMSTests", "ChargeLimitsTests", "PackSimulatorTests", "BatteryEngineTests", "BridgeTests",
        "GoldenSupport", "bms-mqtt-bench",
    ]
    package.targets.removeAll { withoutThreads.contains($0.name) }
}

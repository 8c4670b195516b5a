package import BMSCore
package import ChargeLimits

/// The basis of the settings' bounds.
package struct SettingContext {
    /// The pack by configuration.
    package var pack: Shared<PackOptions>
    /// The pack by configuration, itself.
    package var options: PackOptions { pack.value }
    /// Knowledge of the pack.
    package var snapshot: PackSnapshot
    /// Latches of its limits.
    package var latches: Set<LimitMemory.Latch> = []

    /// A context.
    package init(pack: Shared<PackOptions>, snapshot: PackSnapshot, latches: Set<LimitMemory.Latch> = []) {
        self.pack = pack
        self.snapshot = snapshot
        self.latches = latches
    }

    /// The part of the snapshot on which bounds depend: while it is equal, so are they.
    package struct Basis: Hashable, Sendable {
        private let settings: PackSettings?
        private let chemistry: Chemistry?
        private let nominal: Millivolts

        /// The basis of now.
        package init(_ snapshot: PackSnapshot) {
            settings = snapshot.settings
            chemistry = snapshot.chemistry
            nominal = snapshot.nominalVoltage
        }
    }
}

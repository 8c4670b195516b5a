/// Words for on and off, as people and programs write them.
package enum SwitchWord {
    /// Returns `true` for on, true, yes and 1, and `false` for off, false, no and 0, in any case; `nil` for other words.
    package static func isOn(_ word: String) -> Bool? {
        switch word.lowercased() {
        case "on", "true", "yes", "1": true
        case "off", "false", "no", "0": false
        default: nil
        }
    }
}

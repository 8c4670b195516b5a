/// Characters that look like others, as texts from web pages have them.
enum PastedCharacter {
    /// Words like ": it holds a no-break space ..."; `nil`: the text has no such character.
    static func hint(_ text: some StringProtocol) -> String? {
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0xA0, 0x2007, 0x202F:
                return ": it holds a no-break space, as texts from web pages do; type the spaces of this line anew"
            case 0x2000...0x200A, 0x205F, 0x3000:
                return ": it holds an unusual space; type the spaces of this line anew"
            case 0x200B...0x200D, 0x2060, 0xFEFF: return ": it holds an invisible character; type this line anew"
            case 0x2018...0x201F: return ": it holds typographic quotes; type \" or '"
            case 0x2010...0x2015, 0x2212: return ": it holds a typographic dash; type -"
            default: break
            }
        }
        return nil
    }
}

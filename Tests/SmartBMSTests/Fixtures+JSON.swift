import FoundationEssentials
import TestSupport

extension Fixtures {
    /// The lines of a fixture, each decoded from JSON.
    static func objects<Line: Decodable>(of name: String, as type: Line.Type = Line.self) throws -> [Line] {
        let decoder = JSONDecoder()
        return try lines(of: name).map { try decoder.decode(type, from: Data($0.utf8)) }
    }
}

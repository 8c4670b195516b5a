/// The program's version, semantic. The topic layout is part of the interface that it covers.
enum Version {
    static let number = "0.1.0"
}

/// The version of this program, semantic: the topic layout is part of what it promises.
enum Version {
    static let number = "0.1.0"
}

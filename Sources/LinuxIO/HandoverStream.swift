import Synchronization

/// A stream from one thread to one reader. An atomic of our own makes everything that the thread wrote before a handover visible to the
/// reader: the thread sanitizer does not see how the concurrency runtime orders the two ends of a stream.
public struct HandoverStream<Element: Sendable>: AsyncSequence, Sendable {
    fileprivate final class Order: Sendable {
        private let count = Atomic<Int>(0)

        func give() { count.wrappingAdd(1, ordering: .releasing) }
        func take() { _ = count.load(ordering: .acquiring) }
    }

    private let base: AsyncStream<Element>
    private let order: Order

    /// The end into which elements go.
    public struct Continuation: Sendable {
        fileprivate let base: AsyncStream<Element>.Continuation
        fileprivate let order: Order

        /// Hands an element over.
        @discardableResult
        public func yield(_ element: Element) -> AsyncStream<Element>.Continuation.YieldResult {
            order.give()
            return base.yield(element)
        }

        /// Ends the stream.
        public func finish() { base.finish() }
    }

    /// Reads the elements.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate var base: AsyncStream<Element>.Iterator
        fileprivate let order: Order

        /// The next element; `nil` after the last.
        public mutating func next(isolation actor: isolated (any Actor)?) async -> Element? {
            let element = await base.next(isolation: actor)
            order.take()
            return element
        }

        /// The next element; `nil` after the last.
        public mutating func next() async -> Element? { await next(isolation: #isolation) }
    }

    /// A stream with the end into which elements go.
    public static func make(
        _ policy: AsyncStream<Element>.Continuation.BufferingPolicy
    ) -> (stream: HandoverStream, continuation: Continuation) {
        let (base, continuation) = AsyncStream.makeStream(of: Element.self, bufferingPolicy: policy)
        let order = Order()
        return (HandoverStream(base: base, order: order), Continuation(base: continuation, order: order))
    }

    /// An iterator; there is one reader.
    public func makeAsyncIterator() -> Iterator { Iterator(base: base.makeAsyncIterator(), order: order) }
}

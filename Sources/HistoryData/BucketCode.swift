/// Buckets as bytes: about 70 for 16 cells, because a mean is two bytes and the way to lowest and highest one each.
package enum BucketCode {
    /// Bits of the mask after those of the values.
    private static let energyBit = 1 << 20
    private static let cellsBit = 1 << 21
    private static let temperaturesBit = 1 << 22
    /// More samples than a bucket can have.
    private static let largestCount = 1_000_000

    package static func bytes(_ bucket: Bucket) -> [UInt8] {
        var writer = ByteWriter()
        writer.unsigned(min(bucket.count, largestCount))
        var mask = bucket.knowsEnergy ? energyBit : 0
        for (index, tally) in bucket.values.enumerated() where tally.count > 0 { mask |= 1 << index }
        if !bucket.cells.isEmpty { mask |= cellsBit }
        if !bucket.temperatures.isEmpty { mask |= temperaturesBit }
        writer.unsigned(mask)
        for tally in bucket.values {
            guard let mean = tally.mean else { continue }
            writer.signed(mean)
            writer.unsigned(mean - tally.low)
            writer.unsigned(tally.high - mean)
        }
        if mask & energyBit != 0 {
            writer.unsigned(bucket.energyIn)
            writer.unsigned(bucket.energyOut)
        }
        if mask & cellsBit != 0 { writer.list(bucket.cells.map(\.mean)) }
        if mask & temperaturesBit != 0 { writer.list(bucket.temperatures.map(\.mean)) }
        return writer.bytes
    }

    /// The number of samples in a row, without reading the rest.
    package static func count(_ bytes: [UInt8]) -> Int {
        var reader = ByteReader(bytes)
        return reader.unsigned() ?? 0
    }

    /// Adds a row to a bucket; a damaged row as far as it can be read.
    ///
    /// - Parameters:
    ///   - weight: how much the row counts in means; `nil`: the number of its samples.
    ///   - withCells: false leaves the cells out, which saves half of the time.
    package static func add(_ bytes: [UInt8], to bucket: inout Bucket, weight: Int? = nil, withCells: Bool = true) {
        var reader = ByteReader(bytes)
        guard let count = reader.unsigned(), count <= largestCount, let mask = reader.unsigned() else { return }
        let weight = max(1, weight ?? count)
        bucket.count += weight
        for index in bucket.values.indices where mask & 1 << index != 0 {
            guard let mean = reader.signed(), let below = reader.unsigned(), let above = reader.unsigned() else {
                return
            }
            bucket.values[index].merge(
                Tally(count: weight, sum: mean * weight, low: mean - below, high: mean + above))
        }
        if mask & energyBit != 0 {
            guard let energyIn = reader.unsigned(), let energyOut = reader.unsigned() else { return }
            bucket.energyIn += energyIn
            bucket.energyOut += energyOut
            bucket.knowsEnergy = true
        }
        guard withCells else { return }
        if mask & cellsBit != 0, !merge(&reader, weight, into: &bucket.cells) { return }
        if mask & temperaturesBit != 0 { _ = merge(&reader, weight, into: &bucket.temperatures) }
    }

    private static func merge(_ reader: inout ByteReader, _ weight: Int, into list: inout [Tally]) -> Bool {
        reader.list { index, whole in
            let tally = whole.map { Tally(count: weight, sum: $0 * weight, low: $0, high: $0) } ?? Tally()
            Bucket.merge(tally, index, into: &list)
        }
    }
}

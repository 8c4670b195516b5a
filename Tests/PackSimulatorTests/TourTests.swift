import BMSCore
import SmartBMS
import TestThreads
import Testing

@testable import PackSimulator

@Suite("The tour of the demo", .calculates)
struct TourTests {
    /// Steps through one round, and notes for each scene what its frames say.
    private func round() -> [String: (frames: Int, silent: Int, cut: Int, leads: Bool, lowest: Int)] {
        var simulator = Simulator(scenario: .tour)
        var scenes: [String: (frames: Int, silent: Int, cut: Int, leads: Bool, lowest: Int)] = [:]
        let length = Tour.scenes.reduce(0) { $0 + $1.scene.length }
        for _ in 0..<length {
            let frame = simulator.step()
            let title = simulator.scene?.title ?? ""
            var scene = scenes[title] ?? (0, 0, 0, false, Int.max)
            if let bytes = frame {
                var stream = FrameStream()
                stream.push(bytes, at: Timestamp(milliseconds: 0))
                if case .success(let frame)? = stream.next() {
                    scene.frames += 1
                    if frame.status.contains(.noCellCommunication) { scene.cut += 1 }
                    if frame.highestVoltage >= frame.balanceVoltage { scene.leads = true }
                    scene.lowest = min(scene.lowest, frame.lowestVoltage.rawValue)
                }
            } else {
                scene.silent += 1
            }
            scenes[title] = scene
        }
        return scenes
    }

    @Test("Each scene shows what its caption says")
    func scenes() throws {
        let scenes = round()
        #expect(Set(scenes.keys) == Set(Tour.scenes.map(\.scene.title)))
        #expect(try #require(scenes["One cell leads"]).leads && scenes["Sun"]?.leads == false)
        #expect(try #require(scenes["A cell board is lost"]).cut > 60)
        #expect(try #require(scenes["The cable is pulled"]).silent == 96)
        #expect(try #require(scenes["Empty"]).lowest < 3_100)
        for (title, scene) in scenes where title != "The cable is pulled" { #expect(scene.silent == 0, "\(title)") }
        for (title, scene) in scenes where title != "A cell board is lost" { #expect(scene.cut == 0, "\(title)") }
    }

    @Test("The tour begins anew after its last scene, with a clock that fits each scene")
    func again() {
        var simulator = Simulator(scenario: .tour)
        let length = Tour.scenes.reduce(0) { $0 + $1.scene.length }
        for _ in 0..<length + 1 { _ = simulator.step() }
        #expect(simulator.scene?.title == "Sun" && simulator.secondOfDay / 60 == 10 * 60 + 40)
        #expect(simulator.caption?.contains("Cell 9") == true)
        #expect(Simulator(scenario: .day).scene == nil && Simulator(scenario: .day).caption == nil)
    }

    @Test("Every caption is a sentence, and every scene takes between five seconds and a minute to watch")
    func captions() {
        for (scene, _) in Tour.scenes {
            #expect(scene.caption.hasSuffix(".") && !scene.title.isEmpty)
            #expect((5...60).contains(Double(scene.length) / scene.speed), "\(scene.title)")
        }
    }
}

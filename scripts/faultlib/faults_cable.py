"""What can happen between the BMS and the bridge."""
import random

from .table import fault


# Six seconds as after any silence, and up to 6.25 between two attempts to open the port.
@fault("cable", "cable pulled, back under another name", safe=11.5, back=13)
async def cable(scene):
    await scene.start()
    scene.fault()
    scene.cable.pull()
    await scene.until_safe()
    await scene.hold(60 if scene.is_long else 5)
    scene.cable.plug()
    scene.repair()
    await scene.until_back()


@fault("silent", "BMS silent", safe=11.5, back=8)
async def silent(scene):
    await scene.start()
    scene.fault()
    scene.bms.filter = lambda data: []
    await scene.until_safe()
    if scene.is_long:
        await scene.until(lambda: scene.consumer.limits["dcl"] == 0, 60, "discharge limit of 0 A")
        await scene.hold(5)
        count = scene.consumer.gx_received
        await scene.hold(5)
        scene.expect(scene.consumer.gx_received == count, "the GX feed went on above 60 s of silence")
    scene.bms.filter = lambda data: [data]
    scene.repair()
    await scene.until_back()


@fault("noise", "line noise in place of frames", safe=11.5, back=8)
async def noise(scene):
    source = random.Random(2)
    await scene.start()
    scene.fault()
    scene.bms.filter = lambda data: [source.randbytes(source.randrange(10, 200))]
    await scene.until_safe()
    await scene.hold(30 if scene.is_long else 8)
    scene.bms.filter = lambda data: [data]
    scene.repair()
    await scene.until_back()


@fault("flips", "one byte in fifty wrong, for ever")
async def flips(scene):
    source = random.Random(3)

    def spoil(data):
        return [bytes(b ^ (1 << source.randrange(8)) if source.random() < 0.02 else b for b in data)]
    await scene.start()
    scene.fault()
    scene.bms.filter = spoil
    await scene.hold(120 if scene.is_long else 40)
    scene.bms.filter = lambda data: [data]
    scene.repair()
    await scene.until_back()
    link = scene.consumer.state["Link"]
    scene.lost = f"{link['FramesRejected']} frames refused"


@fault("stuck", "stuck frame, repeated for ever", safe=24, back=8)
async def stuck(scene):
    await scene.start()
    scene.fault()
    frozen = []
    scene.bms.filter = lambda data: frozen or (frozen.append(data) or frozen)
    await scene.until_safe()
    await scene.hold(120 if scene.is_long else 10)
    scene.expect(not scene.consumer.live, "a stuck frame became valid again")
    scene.bms.filter = lambda data: [data]
    scene.repair()
    await scene.until_back()


@fault("bursts", "frames late, seven at a time: nobody knows how old they are", safe=11.5, back=8)
async def bursts(scene):
    held = []

    def collect(data):
        held.append(data)
        if len(held) < 7:
            return []
        burst, held[:] = list(held), []
        return burst
    await scene.start()
    scene.fault()
    scene.bms.filter = collect
    await scene.hold(120 if scene.is_long else 30)
    scene.bms.filter = lambda data: [data]
    scene.repair()
    await scene.until_back()


@fault("halves", "each frame torn in two, half a second apart")
async def halves(scene):
    rest = []

    def tear(data):
        pieces = [*rest, data[:20]]
        rest[:] = [data[20:]]
        return pieces
    await scene.start()
    scene.fault()
    scene.bms.filter = tear
    await scene.hold(15)
    scene.repair()
    scene.bms.filter = lambda data: [data]
    await scene.until_back()

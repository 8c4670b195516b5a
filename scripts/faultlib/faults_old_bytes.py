"""Old bytes that come as if they were new: the program, the machine or the line stood still, and the BMS died meanwhile."""
import asyncio
import contextlib
import os
import pathlib
import signal

from . import frames
from .processes import free_port
from .scene import Skipped
from .table import fault

RELAY = ", relays: [{ name: charger, commandTopic: cmnd/charger/POWER, dwell: 0 }]"
# Seconds that the oldest data behind anything live may have, from the wake on.
OLDEST = 10.0
# By the will, at a keepalive of 6 s; the suite's own look comes on top.
WILL = 15.5


async def asleep(scene, stop, go, seconds):
    """The bridge stops, its BMS goes on for 6 s and dies, the bridge wakes: nothing becomes live by what lay there."""
    scene.pack = RELAY
    await scene.start()
    await scene.until(lambda: scene.consumer.relay == b"ON", 20, "closed relay")
    scene.fault()
    stop()
    await scene.hold(6)
    scene.bms.filter = lambda data: []
    await scene.until_safe()
    await scene.hold(seconds - 6)
    await wakes(scene, go)


async def wakes(scene, go):
    scene.consumer.wake()
    go()
    await scene.hold(15)
    oldest = scene.consumer.oldest_woken
    scene.expect(oldest <= OLDEST + scene.consumer.stall, f"after the wake something was live by data {oldest:.1f} s old")
    scene.bms.filter = lambda data: [data]
    scene.repair()
    await scene.until_back()
    scene.lost = f"oldest data behind limits, GX or relay after the wake: {scene.consumer.oldest_woken:.1f} s"


def stopped(scene):
    return lambda: scene.bridge.signal(signal.SIGSTOP), lambda: scene.bridge.signal(signal.SIGCONT)


@fault("frozen-bms-dies", "bridge frozen (SIGSTOP), the BMS dies 6 s later, the bridge wakes after 60 s", safe=WILL, back=12)
async def frozen(scene):
    await asleep(scene, *stopped(scene), 120 if scene.is_long else 60)


@fault("frozen-tcp", "the same for 45 s with a serial server, whose bytes wait in the socket", safe=WILL, back=12)
async def frozen_tcp(scene):
    server = await SerialServer.open(scene)
    try:
        # After a minute of silence the bridge dials anew, and nothing would wait in its socket.
        await asleep(scene, *stopped(scene), 45)
    finally:
        server.close()


@fault("freezer", "the same by the control group freezer, as `docker pause` does it", safe=WILL, back=12)
async def freezer(scene):
    with group(scene) as freeze:
        await asleep(scene, lambda: freeze(True), lambda: freeze(False), 40)


@contextlib.contextmanager
def group(scene):
    """A control group of the bridge, of either version, that can be frozen."""
    for root, name, words in (("/sys/fs/cgroup/freezer", "freezer.state", ("THAWED", "FROZEN")),
                              ("/sys/fs/cgroup", "cgroup.freeze", ("0", "1"))):
        folder = pathlib.Path(root) / f"bms-freezer-{os.getpid()}"
        try:
            folder.mkdir()
        except OSError:
            continue
        if (folder / name).exists():
            break
        folder.rmdir()
    else:
        raise Skipped("needs root, for a control group that freezes")
    scene.wrapper = ["sh", "-c", f'echo $$ >{folder}/cgroup.procs && exec "$@"', "sh"]
    try:
        yield lambda is_frozen: (folder / name).write_text(words[is_frozen])
    finally:
        (folder / name).write_text(words[0])
        if scene.bridge:
            scene.bridge.kill()
        with contextlib.suppress(OSError):
            folder.rmdir()


@fault("suspend-bms-dies", "machine suspended for an hour while bytes of a dead BMS wait in the adapter", back=12)
async def suspended(scene):
    # The broker and the suite go on: only the clocks of the bridge tell the hour, as after a true suspend.
    scene.use_clock()
    scene.pack = RELAY
    await scene.start()
    await scene.until(lambda: scene.consumer.relay == b"ON", 20, "closed relay")
    scene.fault()
    scene.bridge.signal(signal.SIGSTOP)
    await scene.hold(2)
    scene.bms.filter = lambda data: []
    scene.newcomer.is_away = True
    scene.clock.move(wall=3600, boot=3600)
    # What was measured before is an hour old.
    scene.bms.sleep(3600)
    # A driver that was awake meanwhile has dropped the battery long ago.
    scene.consumer.gx_received -= 3600
    scene.bridge.signal(signal.SIGCONT)
    consumer = scene.consumer
    await scene.until(lambda: not consumer.live and consumer.relay != b"ON", 4, "safe limits after the wake")
    scene.newcomer.is_away = False
    await wakes(scene, lambda: None)


async def held(scene, seconds, pieces=()):
    """A serial server holds back all bytes; after 20 s the BMS dies; `pieces` are handed over first, each with the pause after it."""
    server = await SerialServer.open(scene)
    try:
        scene.pack = RELAY
        await scene.start()
        await scene.until(lambda: scene.consumer.relay == b"ON", 20, "closed relay")
        scene.fault()
        server.is_holding = True
        await scene.hold(20)
        scene.bms.filter = lambda data: []
        await scene.until_safe()
        await scene.hold(seconds - 20)
        scene.consumer.wake()
        for count, pause in pieces:
            server.hand_over(count * frames.LENGTH)
            await scene.hold(pause)
        await wakes(scene, server.hand_over)
    finally:
        server.close()


@fault("held-back", "a serial server holds back all bytes for 45 s and hands them over at once; the BMS died meanwhile", safe=11.5, back=12)
async def held_back(scene):
    await held(scene, 45)


@fault("held-back-pauses", "the same for 20 s, handed over in pieces with pauses, single frames among them", safe=11.5, back=12)
async def held_back_with_pauses(scene):
    # Pauses in which a single frame looks as if the BMS had just sent it.
    await held(scene, 20, ((3, 0.6), (1, 1.0), (4, 1.0), (1, 2.6), (1, 0.7), (1, 4.2), (1, 1.0)))


@fault("slow-frame", "a frame that takes 37 s to arrive, a byte each 0.65 s", safe=11.5, back=8)
async def slow_frame(scene):
    await scene.start()
    scene.fault()
    data = frames.frame(1)
    scene.bms.filter = lambda data: []
    await scene.until_safe()
    online = len(scene.consumer.seen)
    for byte in data:
        scene.cable.write(bytes([byte]))
        await scene.hold(0.65)
    await scene.hold(3)
    words = [payload for _, name, payload in scene.consumer.seen[online:] if name == "pack/status"]
    scene.expect(b"online" not in words, "a frame of 37 s made the pack online")
    scene.expect(not scene.consumer.live, "a frame of 37 s made limits live")
    scene.bms.filter = lambda data: [data]
    scene.repair()
    await scene.until_back()


@fault("bridge-starved", "bridge stopped for 4 s of each 5 s, for a minute: a consumer that is too slow for its BMS", back=12)
async def starved(scene):
    scene.pack = RELAY
    await scene.start()
    scene.fault()
    scene.consumer.wake()
    for _ in range(12):
        scene.bridge.signal(signal.SIGSTOP)
        await scene.hold(4)
        scene.bridge.signal(signal.SIGCONT)
        await scene.hold(1)
    oldest = scene.consumer.oldest_woken
    # Until it is late enough to be offline, what was measured last stays valid.
    scene.expect(oldest <= WILL + scene.consumer.stall, f"something was live by data {oldest:.1f} s old")
    scene.repair()
    await scene.until_back()


class SerialServer:
    """Bytes of the BMS on a TCP port, as ser2net serves them; it can hold them back."""

    def __init__(self):
        self.writers, self.held, self.is_holding = set(), b"", False
        self.server = None

    @classmethod
    async def open(cls, scene):
        self, port = cls(), free_port()
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", port)
        scene.source = f"tcp:127.0.0.1:{port}"
        scene.bms.outputs = (self,)
        return self

    async def accept(self, reader, writer):
        self.writers.add(writer)
        with contextlib.suppress(OSError):
            await reader.read()
        self.writers.discard(writer)
        writer.close()

    def write(self, data):
        if self.is_holding:
            self.held += data
            return
        for writer in self.writers:
            writer.write(data)

    def hand_over(self, count=None):
        """All that was held back, and what comes from now on; or the first `count` bytes of it."""
        for writer in self.writers:
            writer.write(self.held[:count])
        if count is None:
            self.is_holding = False
        self.held = self.held[count:] if count else b""

    def close(self):
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()

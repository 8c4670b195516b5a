"""What can happen where the bridge knows several brokers."""
import signal
import time

from . import consumer, processes
from .table import fault


class Pair:
    """A second broker with a consumer of its own. The way to the first one goes through the relay."""

    def __init__(self, scene, is_cluster=False):
        folder = scene.folder / "second"
        folder.mkdir()
        self.scene, self.broker = scene, processes.Broker(folder)
        if is_cluster:
            # Each word at one is said at the other, retained words, too.
            self.broker.configure([
                "connection cluster", f"address 127.0.0.1:{scene.broker.port}", "topic # both 1", "bridge_protocol_version mqttv50",
                "restart_timeout 1"])
        scene.others = [self.broker]
        self.consumer = consumer.Consumer(scene, self.broker.port)

    async def start(self):
        await self.scene.broker.start().ready()
        await self.broker.start().ready()
        self.scene.spawn(self.consumer.run())
        self.scene.spawn(self.consumer.watch())
        await self.scene.start(newcomer=False)
        await self.scene.hold(5)

    async def serves(self, reader, since, seconds):
        """Limits came to a consumer after a moment, by data of a frame just before it or later; the seconds until then."""
        await self.scene.until(
            lambda: reader.live and reader.received > since and reader.measured > since - 1.5, seconds, "new limits at the other broker")
        return time.monotonic() - since

    def cut(self):
        """The network to the first broker is gone: nothing comes through, and nobody answers there."""
        self.scene.relay.refuse()
        self.scene.relay.freeze()

    async def mend(self):
        self.scene.relay.thaw()
        self.scene.relay.cut()
        await self.scene.relay.open()

    async def comes_back(self, since):
        """Back at the first broker; a consumer of the second one knows that nothing comes there any more."""
        took = await self.serves(self.scene.consumer, since, 60)
        await self.scene.until(lambda: self.consumer.bridge == b"offline", 3, "offline at the second broker")
        return took

    @property
    def longest_offline(self):
        """Longest time for which the second broker said `offline`, once the bridge was online there."""
        words = [(at, data) for at, name, data in self.consumer.seen if name == "bridge/status"]
        start = next((n for n, (_, data) in enumerate(words) if data == b"online"), len(words))
        times, since = [0.0], None
        for at, data in words[start:]:
            if data == b"offline":
                since = since or at
            elif since:
                times.append(at - since)
                since = None
        return max(times) if since is None else time.monotonic() - since


@fault("brokers-killed", "first of two brokers killed, back 20 s later", back=60)
async def killed(scene):
    pair = Pair(scene)
    await pair.start()
    begin = time.monotonic()
    scene.broker.kill()
    took = await pair.serves(pair.consumer, begin, 5)
    await scene.hold(20)
    await scene.broker.start().ready()
    back = await pair.comes_back(time.monotonic())
    scene.lost = f"limits at the second after {took:.1f} s, at the first again after {back:.1f} s"


@fault("brokers-cut", "network to the first of two brokers cut for 40 s", back=60)
async def cut(scene):
    pair = Pair(scene)
    await pair.start()
    begin = time.monotonic()
    pair.cut()
    took = await pair.serves(pair.consumer, begin, 20)
    await scene.until(lambda: scene.consumer.bridge == b"offline", 20, "will at the first broker")
    will = time.monotonic() - begin
    await scene.hold(40 - will)
    await pair.mend()
    back = await pair.comes_back(time.monotonic())
    scene.lost = f"limits at the second after {took:.1f} s, will after {will:.1f} s, at the first again after {back:.1f} s"


@fault("brokers-frozen", "first of two brokers frozen for 75 s, listening", back=60)
async def frozen(scene):
    pair = Pair(scene)
    await pair.start()
    begin = time.monotonic()
    scene.broker.signal(signal.SIGSTOP)
    took = await pair.serves(pair.consumer, begin, 20)
    # Meanwhile it is tried, in vain, because it takes connections.
    gap = 0.0
    while time.monotonic() - begin < 75:
        await scene.hold(0.2)
        gap = max(gap, time.monotonic() - pair.consumer.received)
    scene.broker.signal(signal.SIGCONT)
    scene.expect(gap < 15, f"{gap:.1f} s between two documents at the second broker")
    scene.lost = f"limits at the second after {took:.1f} s, then never later than {gap:.1f} s"


@fault("brokers-cluster", "network to the first node of a cluster cut for 40 s", back=60)
async def cluster(scene):
    pair = Pair(scene, is_cluster=True)
    # The bridge notices the cut before the node does, so that the will comes when the bridge is online elsewhere.
    scene.mqtt = ", keepalive: 15"
    await pair.start()
    begin = time.monotonic()
    pair.cut()
    await scene.hold(40)
    offline = pair.longest_offline
    scene.expect(offline < 2, f"offline stood for {offline:.1f} s")
    late = [at for at, name, data in pair.consumer.seen if at > begin and name == "bridge/status" and data == b"offline"]
    scene.expect(late and late[0] > next(
        at for at, name, data in pair.consumer.seen if at > begin and name == "bridge/status" and data == b"online"), "a late will")
    await pair.mend()
    await scene.hold(45)
    scene.expect(pair.consumer.bridge == b"online", "online at the end")
    scene.expect(pair.longest_offline < 2, f"offline stood for {pair.longest_offline:.1f} s")
    count = sum(name == "bridge/status" and data == b"offline" for _, name, data in pair.consumer.seen)
    scene.lost = f"offline {count} times, for {pair.longest_offline:.2f} s at most"

"""What can happen to the broker and on the way to it."""
import os
import signal
import subprocess

from .mqtt import Client, Closed, Refused
from .processes import free_port
from .scene import Failed, Skipped
from .table import fault


@fault("broker-killed", "broker killed (`kill -9`), back 40 s later", safe=30.5, back=15)
async def killed(scene):
    await scene.start()
    scene.fault()
    scene.broker.kill()
    await scene.until_safe()
    await scene.hold(8)
    scene.repair()
    await scene.broker.start().ready()
    await scene.until_back()


@fault("broker-restarted", "broker restarted, empty", back=10)
async def restarted(scene):
    await scene.start()
    scene.fault()
    scene.broker.kill()
    scene.repair()
    await scene.broker.start().ready()
    await scene.until_back()


@fault("broker-frozen", "broker frozen (SIGSTOP) for 40 s", safe=30.5, back=15)
async def frozen(scene):
    await scene.start()
    scene.fault()
    scene.broker.signal(signal.SIGSTOP)
    await scene.until_safe()
    await scene.hold(8)
    scene.broker.signal(signal.SIGCONT)
    scene.repair()
    await scene.until_back()


@fault("broker-full", "broker out of connections for 40 s", safe=30.5, back=15)
async def full(scene):
    # The bridge comes in by a listener of its own, so that consumers always get in.
    second = free_port()
    scene.relay.target = second
    scene.broker.configure([f"listener {second} 127.0.0.1", "max_connections 1"])
    await scene.start()
    intruders = []
    while not intruders or scene.consumer.live:
        # Who takes the place first has it: again, until that is not the bridge.
        scene.fault()
        scene.relay.cut()
        for _ in range(40):
            try:
                intruders.append(await Client.open(second))
            except (Closed, Refused):
                await scene.hold(0.02)
        await scene.hold(3)
    await scene.hold(40)
    for intruder in intruders:
        intruder.close()
    scene.repair()
    await scene.until_back()


@fault("refusing", "broker refuses connections for 40 s", safe=30.5, back=15)
async def refusing(scene):
    await scene.start()
    scene.fault()
    scene.relay.refuse()
    scene.relay.cut()
    await scene.until_safe()
    await scene.hold(35)
    await scene.relay.open()
    scene.repair()
    await scene.until_back()


@fault("network-cut", "connection cut, network well again at once", back=8)
async def cut(scene):
    await scene.start()
    scene.fault()
    scene.relay.cut()
    scene.repair()
    await scene.hold(2)
    await scene.until_back()


@fault("network-frozen", "network to the broker dead for 50 s, connections open", safe=30.5, back=40)
async def network(scene):
    await scene.start()
    scene.fault()
    scene.relay.freeze()
    await scene.until_safe()
    await scene.hold(25)
    scene.relay.thaw()
    scene.repair()
    await scene.until_back()


@fault("network-slow", "three seconds of delay each way")
async def slow(scene):
    await scene.start()
    scene.fault()
    scene.relay.delay = 3
    await scene.hold(40)
    scene.relay.delay = 0
    scene.repair()
    await scene.until_back()


async def thin(scene, rate=300, cut=False):
    await scene.start()
    await scene.hold(8)
    await narrow_for(scene, rate, cut)


async def narrow_for(scene, rate, cut=False):
    scene.fault()
    scene.relay.rate = rate
    if cut:
        scene.relay.cut()
    await scene.hold(240 if scene.is_long else 75)
    scene.relay.rate = None
    scene.repair()
    await scene.until_back()
    if scene.consumer.blind_gx >= 1:
        scene.lost = f"the battery on a GX, for {scene.consumer.blind_gx:.0f} s"


# What is sent in the second in which the line narrows cannot be called back: limits and a document for a GX, 3.3 kB with their topics,
# take 11 s, and the driver counts its 20 s from then.
ON_ITS_WAY = 32


@fault("network-narrow", "300 bytes a second to the broker, a tenth of what is sent", back=60, oldest_gx=ON_ITS_WAY)
async def narrow(scene):
    scene.relay.is_shallow = True
    await thin(scene)


@fault("network-buffered", "the same behind a proxy that takes what it cannot carry", back=60, oldest_gx=ON_ITS_WAY)
async def buffered(scene):
    await thin(scene)


@fault("network-narrowed", "300 bytes a second from the midst of an announcement on", back=60)
async def narrowed(scene):
    scene.relay.is_shallow = True
    scene.relay.rate = 20_000
    await scene.start()
    # What is said first are 6 kB; an announcement has 48.
    await scene.until(lambda: scene.relay.carried > 20_000, 20, "announcement")
    await narrow_for(scene, 300)


@fault("network-anew", "connection cut, the new one with 300 bytes a second", back=60)
async def anew(scene):
    scene.relay.is_shallow = True
    await thin(scene, cut=True)


@fault("network-start", "300 bytes a second from the start of the bridge on", back=60)
async def start(scene):
    scene.relay.is_shallow = True
    scene.relay.rate = 300
    await scene.start()
    await narrow_for(scene, 300)


# A document for a GX, 1.7 kB, that is on its way when the line narrows takes 17 s, and counts for 20 s from then.
@fault("network-trickle", "100 bytes a second to the broker", back=60, is_long_only=True, oldest_gx=38)
async def trickle(scene):
    scene.relay.is_shallow = True
    await thin(scene, rate=100)


@fault("network-garbled", "one byte in a thousand to the broker wrong, without TLS", back=40)
async def garbled(scene):
    # Wrong bytes inside a document or its properties pass the broker unseen: what consumers then believe is no promise of ours.
    # So only documents that arrived as the bridge sent them are judged, and what the broker keeps only once it was sent anew.
    scene.relay.sent = bytearray()
    await scene.start(newcomer=False)
    scene.fault()
    scene.relay.garble = 0.001
    await scene.hold(30)
    scene.relay.garble = 0
    scene.relay.cut()
    scene.repair()
    await scene.until_back()
    scene.spawn(scene.newcomer.run())
    await scene.until(lambda: scene.newcomer.count > 0, 10, "limits for a new subscriber")
    scene.lost = f"{scene.consumer.broken} documents arrived with wrong bytes"


@fault("dns", "name of the broker not resolved for 40 s", safe=30.5, back=15)
async def dns(scene):
    hosts = scene.folder / "hosts"
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        raise Skipped("needs root, for a hosts file of its own")
    hosts.write_text("127.0.0.1 localhost broker.test\n")
    scene.host = "broker.test"
    scene.wrapper = ["unshare", "-m", "sh", "-c", f'mount --bind {hosts} /etc/hosts && exec "$@"', "sh"]
    await scene.start()
    scene.fault()
    hosts.write_text("127.0.0.1 localhost\n")
    scene.relay.cut()
    await scene.until_safe()
    await scene.hold(35)
    hosts.write_text("127.0.0.1 localhost broker.test\n")
    scene.repair()
    await scene.until_back()


@fault("auth", "authentication withdrawn for 40 s", safe=30.5, back=15)
async def withdrawn(scene):
    second = free_port()
    scene.relay.target = second
    scene.broker.configure([
        "per_listener_settings false", f"listener {second} 127.0.0.1", f"password_file {scene.folder}/passwords"])
    text = (scene.folder / "broker.conf").read_text().replace("allow_anonymous true", "allow_anonymous false")
    (scene.folder / "broker.conf").write_text(text)
    scene.login = {"user": "reader", "password": "reader"}
    scene.mqtt = ", username: bridge, password: secret"

    def passwords(secret):
        lines = f"reader:reader\nbridge:{secret}\n"
        (scene.folder / "passwords").write_text(lines)
        if subprocess.run(["mosquitto_passwd", "-U", scene.folder / "passwords"], capture_output=True).returncode:
            raise Failed("mosquitto_passwd failed")
    passwords("secret")
    await scene.start()
    scene.fault()
    passwords("another")
    scene.broker.signal(signal.SIGHUP)
    await scene.hold(0.5)
    scene.relay.cut()
    await scene.until_safe()
    await scene.hold(35)
    passwords("secret")
    scene.broker.signal(signal.SIGHUP)
    scene.repair()
    await scene.until_back()

"""What others can do on purpose or by mistake: a broker, a client, a source, a limit of the system."""
import asyncio
import json
import time

from .faults_machine import command
from .faults_old_bytes import RELAY
from .frames import frame
from .table import fault

MEGABYTE = 1 << 20
# What no broker should send on a connection that it has accepted; the test suite has sixty, and each tool against them.
MALFORMED = {
    "PUBLISH with an unknown property": "30 07 00 01 74 02 7e 01 78",
    "a second CONNACK with an unknown property": "20 05 00 00 02 7e 01",
    "a message of 256 MB": "30 ff ff ff 7f 00 01 74",
    "PUBLISH with a topic beyond its end": "30 04 ff ff 74 78",
    "PUBACK with an unknown property": "40 06 00 01 00 02 7e 01",
    "SUBACK without codes": "90 03 00 01 00",
    "a length of five bytes": "30 ff ff ff ff 7f",
    "packets of type 0": "00 00 00 00 00 00 00 00",
    "DISCONNECT with an unknown reason": "e0 02 ff 00",
    "AUTH": "f0 06 18 04 15 00 01 61",
}


@fault("malformed", f"{len(MALFORMED)} malformed packets from the broker, one after another", back=8)
async def malformed(scene):
    await scene.start()
    scene.fault()
    for name, text in MALFORMED.items():
        scene.relay.inject(bytes.fromhex(text))
        await scene.hold(1)
        scene.expect(scene.bridge.is_alive, f"{name} ended the bridge")
        # The library may bear it; where it does not, the connection is made anew.
        scene.relay.cut()
        await scene.until(lambda: not scene.consumer.live, 5, f"end of the connection after {name}")
        await scene.until(lambda: scene.consumer.live, 12, f"service after {name}")
    scene.repair()
    await scene.until_back()


async def large(scene, protocol):
    scene.mqtt = f", protocol: {protocol}"
    size = (250 if scene.is_long else 40) * MEGABYTE
    await scene.start()
    scene.fault()
    before = scene.bridge.status("VmHWM")
    client = await scene.client()
    client.publish("bms/pack/set/maxChargeCurrent", bytes(size))
    try:
        await asyncio.wait_for(client.writer.drain(), 60)
    except (OSError, asyncio.TimeoutError):
        pass
    await scene.hold(10)
    client.close()
    grown = (scene.bridge.status("VmHWM") - before) / 1024
    scene.expect(scene.bridge.is_alive, "the message ended the bridge")
    scene.expect(grown < 8, f"the message cost {grown:.0f} MB")
    scene.repair()
    await scene.until_back()
    scene.lost = f"{grown:.1f} MB more memory at most"


@fault("large-5", "a client sends a command of 40 MB (250 MB with --long), MQTT 5", back=12)
async def large_5(scene):
    await large(scene, '"5"')


@fault("large-3", "the same by MQTT 3.1.1", back=12)
async def large_3(scene):
    await large(scene, "3.1.1")


@fault("stranger", "a client publishes limits, statuses and settings of its own on the bridge's retained topics", back=8)
async def stranger(scene):
    await scene.start()
    client, came = await scene.client(), []
    client.subscribe("bms/pack/#")

    async def collect():
        async for message in client:
            came.append((message.topic, message.payload))
    scene.spawn(collect())
    limits = {"time": scene.consumer.limits["time"] + 20, "cvl": 60, "ccl": 500, "dcl": 500, "chargeState": "bulk"}
    for topic, payload, is_right in (
            ("limits", json.dumps(limits), lambda: scene.consumer.limits["ccl"] <= 60),
            ("status", "offline", lambda: scene.consumer.status == b"online"),
            ("settings", '{"maxChargeCurrent":{"value":500}}', lambda: scene.consumer.settings["maxChargeCurrent"]["value"] != 500)):
        await scene.until(is_right, 8, f"truth before the stranger's {topic}")
        scene.fault()
        client.publish(f"bms/pack/{topic}", payload, retain=True)
        word = (f"bms/pack/{topic}", payload.encode())
        # The bridge may answer within a millisecond, so it is the messages that tell and not a look at the consumer.
        await scene.until(lambda: word in came, 2, f"{topic} of the stranger at the broker")
        await scene.until(lambda: is_right() and [each for each in came if each[0] == word[0]][-1] != word, 6, f"{topic} that is corrected")
        told = [line for line in scene.bridge.lines if f"bms/pack/{topic}" in line]
        scene.expect(len(told) == 1, f"the stranger's {topic} was told {len(told)} times: {told}")
    # Nobody speaks for a pack that is silent.
    scene.bms.filter = lambda data: []
    await scene.until_safe()
    client.publish("bms/pack/status", "online", retain=True)
    await scene.until(lambda: scene.consumer.status == b"online", 2, "word of the stranger")
    await scene.until(lambda: scene.consumer.status == b"offline", 6, "offline that is said again")
    client.close()
    scene.bms.filter = lambda data: [data]
    scene.repair()
    await scene.until_back()


@fault("flapping", "a BMS that gives and takes the permission to charge with each of 200 frames a second", back=15)
async def flapping(scene):
    scene.pack = RELAY
    await scene.start()
    await scene.until(lambda: scene.consumer.relay == b"ON", 20, "closed relay")
    client, came = await scene.client(), []
    client.subscribe("bms/pack/#", "cmnd/#")

    async def count():
        async for message in client:
            if not message.retained:
                came.append((time.monotonic(), message.topic))
    scene.spawn(count())
    scene.fault()
    filter, scene.bms.filter = scene.bms.filter, lambda data: []
    end, number = time.monotonic() + 20, 0
    while time.monotonic() < end:
        number += 1
        data = frame(number, status=3 - number % 2)
        scene.bms.born[data] = (number, time.monotonic())
        scene.bms.emit(data)
        await scene.hold(0.005)
    # The bridge bounds what it sends in a second. On the way TCP holds a packet back for up to 40 ms (Nagle, delayed acknowledgement),
    # which shifts what was sent at the edge of a second into it.
    most, first = 0, 0
    for last in range(len(came)):
        while came[last][0] - came[first][0] >= 0.9:
            first += 1
        most = max(most, last - first + 1)
    scene.expect(most <= 20, f"{most} messages within 0.9 s")
    scene.expect(any("frames a second" in line for line in scene.bridge.lines), "nothing was said of so many frames")
    scene.bms.filter = filter
    scene.repair()
    await scene.until_back()
    client.close()
    scene.lost = f"{number / 20:.0f} frames a second, {most} messages in any 0.9 s at most"


@fault("file-limit", "no file may grow (`ulimit -f 0`), the log neither, while settings are commanded", back=8)
async def file_limit(scene):
    scene.wrapper = ["sh", "-c", 'ulimit -f 0 && exec "$@"', "sh"]
    await scene.start()
    scene.fault()
    await command(scene, "maxChargeCurrent", "40", b"File too large")
    await scene.hold(3)
    scene.expect(scene.bridge.is_alive, "a limit of the file size ended the bridge")
    scene.repair()
    await scene.until_back()
    scene.lost = "what is set meanwhile holds until a restart; the answer says so"


@fault("pack-left", "bridge killed, a pack leaves the file, bridge started again", back=10)
async def pack_left(scene):
    # The scene closes the brace.
    scene.pack = ' }\n  - { id: guest, source: "tcp:127.0.0.1:9"'
    await scene.start()
    client, kept = await scene.client(), {}
    client.subscribe("bms/guest/#", "homeassistant/device/bms_guest/#", "homeassistant/device/+/config")

    async def listen():
        async for message in client:
            kept[message.topic] = message.payload
    scene.spawn(listen())
    await scene.until(lambda: kept.get("bms/guest/status") == b"offline", 10, "status of the second pack")
    scene.fault()
    scene.bridge.kill()
    # As if it had been live.
    client.publish("bms/guest/status", "online", retain=True)
    scene.pack = ""
    scene.write_configuration()
    scene.restarts += 1
    scene.bridge.start()
    await scene.until(lambda: kept.get("bms/guest/status") == b"offline", 8, "offline of the pack that left")
    await scene.until(lambda: not any(kept[topic] for topic in kept if "guest" in topic and not topic.endswith("/status")), 25,
                      f"end of what the broker kept: {[topic for topic in kept if kept[topic]]}")
    client.close()
    scene.repair()
    await scene.until_back()

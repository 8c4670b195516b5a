"""What can happen to the machine: disk, memory, clocks, suspend, the state file."""
import asyncio
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess

from .scene import Skipped
from .table import fault


async def command(scene, setting, payload, wanted):
    """Commands a setting; what was answered."""
    client = await scene.client()
    before = len(scene.consumer.seen)
    client.publish(f"bms/pack/set/{setting}", payload)
    await scene.until(lambda: any(name == "pack/result" for _, name, _ in scene.consumer.seen[before:]), 5, "answer")
    client.close()
    answer = next(data for _, name, data in scene.consumer.seen[before:] if name == "pack/result")
    scene.expect(wanted in answer, f"{setting} {payload} was answered by {answer.decode()}")


def setting(scene, name):
    return (scene.consumer.settings.get(name) or {}).get("value")


@fault("disk-full", "disk full while settings are commanded")
async def disk(scene):
    scene.state.mkdir()
    if os.geteuid() or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "none", scene.state], capture_output=True).returncode:
        raise Skipped("needs root, to mount a small file system")
    try:
        await scene.start()
        await command(scene, "maxChargeCurrent", "40", b'"accepted":true')
        scene.fault()
        with open(scene.state / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(4096))
            except OSError:
                pass
        await command(scene, "maxChargeCurrent", "30", b"No space left")
        scene.expect(setting(scene, "maxChargeCurrent") == 30, "the setting is not in force")
        await scene.hold(5)
        (scene.state / "ballast").unlink()
        scene.repair()
        await command(scene, "maxChargeCurrent", "25", b'"accepted":true')
        await scene.until_back()
        scene.bridge.kill()
        scene.bridge.start()
        scene.restarts += 1
        await scene.until_back()
        await scene.until(lambda: setting(scene, "maxChargeCurrent") == 25, 5, "setting kept after the disk had room again")
    finally:
        scene.bridge and scene.bridge.kill()
        subprocess.run(["umount", "-l", scene.state], capture_output=True)
    scene.lost = "what is set meanwhile holds until a restart; the answer says so"


async def jump(scene, wall, boot=0.0):
    scene.use_clock()
    await scene.start()
    scene.fault()
    scene.clock.move(wall=wall, boot=boot)
    await scene.hold(8)
    scene.clock.move(wall=-wall)
    scene.repair()
    await scene.hold(8)
    await scene.until_back()


@fault("clock-hour", "wall clock an hour ahead, and back")
async def hour(scene):
    await jump(scene, 3600)


@fault("clock-back", "wall clock an hour behind, and forth")
async def back(scene):
    await jump(scene, -3600)


@fault("clock-year", "wall clock a year ahead, and back")
async def year(scene):
    await jump(scene, 365 * 86400)


@fault("clock-1970", "wall clock at 1970 until it is set, as on a board without a clock")
async def epoch(scene):
    import time
    scene.use_clock()
    scene.clock.move(wall=-time.time() + 60)
    await scene.start()
    scene.fault()
    scene.clock.move(wall=time.time() - 60)
    scene.repair()
    await scene.hold(8)
    await scene.until_back()


@fault("suspend", "machine with bridge and broker suspended for 45 s", safe=30.5, back=25)
async def suspend(scene):
    scene.use_clock()
    await scene.start()
    scene.fault()
    filter, scene.bms.filter = scene.bms.filter, lambda data: []
    for program in (scene.bridge, scene.broker):
        program.signal(signal.SIGSTOP)
    await scene.until_safe()
    await scene.hold(15)
    for program in (scene.broker, scene.bridge):
        program.signal(signal.SIGCONT)
    scene.bms.filter = filter
    scene.repair()
    await scene.until_back()


@fault("suspend-hour", "clocks an hour on at once, as after a suspend that froze the cable, too", back=10)
async def suspended_hour(scene):
    scene.use_clock()
    await scene.start()
    scene.bms.filter = lambda data: []
    await scene.hold(1.5)
    scene.fault()
    scene.clock.move(wall=3600, boot=3600)
    await scene.until_safe(2)
    scene.bms.filter = lambda data: [data]
    scene.repair()
    await scene.until_back()


@fault("bridge-frozen", "bridge frozen (SIGSTOP) for 40 s", safe=15.5, back=12)
async def bridge_frozen(scene):
    await scene.start()
    scene.fault()
    scene.bridge.signal(signal.SIGSTOP)
    await scene.until_safe()
    await scene.hold(22)
    scene.bridge.signal(signal.SIGCONT)
    scene.repair()
    await scene.until_back()


def memory_group(scene):
    """A control group of its own, of either version."""
    for root, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        group = pathlib.Path(root) / f"bms-fault-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        if (group / limit).exists():
            return group, group / limit
        group.rmdir()
    raise Skipped("needs root, for a control group with a memory limit")


@fault("memory", "memory limit of 24 MB, then of 4 MB or less: ended, and started again by a supervisor", back=10)
async def memory(scene):
    group, limit = memory_group(scene)
    try:
        limit.write_text(str(24 << 20))
        scene.wrapper = ["sh", "-c", f'echo $$ >{group}/cgroup.procs && exec "$@"', "sh"]
        scene.is_supervised = True
        await scene.start()
        await scene.hold(5)
        scene.expect(scene.restarts == 0, "24 MB are not enough")
        scene.fault()
        try:
            limit.write_text(str(2 << 20))
        except OSError:
            # The kernel could not take that much back: what starts next must do with little.
            limit.write_text(str(4 << 20))
            scene.bridge.kill()
        await scene.hold(5)
        limit.write_text(str(24 << 20))
        scene.repair()
        await scene.until_back()
        scene.lost = f"{scene.restarts} restarts"
    finally:
        scene.is_supervised = False
        scene.bridge and scene.bridge.kill()
        try:
            group.rmdir()
        except OSError:
            pass


@fault("state-file", "state file damaged: each byte wrong or the file cut there, a pack each (short form: every ninth)")
async def state_file(scene):
    await scene.start()
    await command(scene, "maxChargeCurrent", "40", b'"accepted":true')
    await command(scene, "customName", "Shed", b'"accepted":true')
    scene.fault()
    await scene.until(lambda: (scene.state / "pack.json").exists(), 3, "state file")
    good = (scene.state / "pack.json").read_bytes()
    scene.expect((await scene.bridge.end())[0] == 0, "no clean end")
    step, damages = (1 if scene.is_long else 9), []
    for at in range(0, len(good), step):
        damages += [good[:at] + bytes([good[at] ^ bit]) + good[at + 1:] for bit in ((1, 4, 16, 128) if scene.is_long else (1, 128))]
        damages.append(good[:at])
    served = 0
    for first in range(0, len(damages), 60):
        some = damages[first:first + 60]
        served += await many_packs(scene, some, f"many{first}")
    scene.lost = f"{len(damages)} damaged files: {served} packs served, none above the file's limits"
    (scene.state / "pack.json").write_bytes(good)
    scene.restarts += 1
    scene.bridge.start()
    scene.repair()
    await scene.until_back()
    scene.expect(setting(scene, "maxChargeCurrent") == 40, "the sound file was not read")


async def many_packs(scene, damages, base):
    """A bridge with one pack for each damaged file; how many have settings within bounds."""
    import json
    packs = ""
    for index, damage in enumerate(damages):
        (scene.state / f"p{index}.json").write_bytes(damage)
        packs += f"  - {{ id: p{index}, source: \"tcp:127.0.0.1:{index + 1}\", limits: {{ maxChargeCurrent: 60 }} }}\n"
    path = scene.folder / "many.yaml"
    path.write_text(f"mqtt: {{ host: 127.0.0.1, port: {scene.broker.port}, clientId: many, base: {base} }}\n"
                    f"stateDirectory: {scene.state}\ngx: {{ tree: false }}\npacks:\n{packs}")
    program = scene.make_bridge(path, "many.log").start()
    client = await scene.client()
    client.subscribe(f"{base}/+/settings")
    found = {}
    try:
        async with asyncio.timeout(15):
            while len(found) < len(damages):
                message = await anext(client)
                if message.payload:
                    found[message.topic.split("/")[1]] = json.loads(message.payload)
    except TimeoutError:
        pass
    client.close()
    code = await program.end()
    scene.expect(code and code[0] == 0, f"exit code {code} with damaged state files")
    for document in found.values():
        entry = document["maxChargeCurrent"]
        scene.expect(entry["value"] is None or 0 <= entry["value"] <= 60, f"a damaged file set {entry}")
    scene.expect(len(found) == len(damages), f"{len(damages) - len(found)} of {len(damages)} packs were not served")
    for index in range(len(damages)):
        for name in (f"p{index}.json", f"p{index}.json.bad"):
            (scene.state / name).unlink(missing_ok=True)
    return len(found)


@fault("state-folder", "state directory removed while settings are commanded", back=8)
async def folder(scene):
    await scene.start()
    await command(scene, "maxChargeCurrent", "40", b'"accepted":true')
    scene.fault()
    shutil.rmtree(scene.state)
    await command(scene, "maxChargeCurrent", "30", b'"accepted":true')
    scene.bridge.kill()
    scene.restarts += 1
    scene.consumer.settings = {}
    scene.bridge.start()
    scene.repair()
    await scene.until_back()
    scene.expect(setting(scene, "maxChargeCurrent") == 30, "a setting commanded without a directory was lost")


@fault("log-unread", "standard error a full pipe that nobody reads, while connections break", back=8)
async def log(scene):
    reading, writing = os.pipe()
    try:
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(writing, False)
        try:
            while True:
                os.write(writing, b"x")
        except BlockingIOError:
            pass
        os.set_blocking(writing, True)
        scene.wrapper = ["sh", "-c", f'exec 2>/proc/{os.getpid()}/fd/{writing} && exec "$@"', "sh"]
        await scene.start()
        scene.fault()
        for _ in range(5):
            scene.relay.cut()
            await scene.until(lambda: not scene.consumer.live, 5, "end of the connection")
            await scene.until(lambda: scene.consumer.live, 20, "service")
        scene.repair()
        await scene.until_back()
        code = await scene.bridge.end()
        scene.expect(code and code[0] == 0, f"exit code {code} with a full pipe")
    finally:
        scene.bridge and scene.bridge.kill()
        for end in (reading, writing):
            os.close(end)
    scene.lost = "log lines that found no room"

"""What can happen to the process itself."""
import asyncio
import json
import random

from . import frames, processes
from .faults_machine import command, setting
from .table import fault


@fault("kill", "`kill -9` at random moments, 20 times (500 with --long), started again by a supervisor", back=8)
async def kill(scene):
    source = random.Random(4)
    await scene.start()
    scene.is_supervised = True
    await command(scene, "maxChargeCurrent", "40", b'"accepted":true')
    scene.fault()
    client, wanted, energy = await scene.client(), {40}, 0
    times = 500 if scene.is_long else 20
    for _ in range(times):
        count = scene.restarts
        await scene.hold(source.random() * 1.5)
        if source.random() < 0.5:
            # A command just before the end: kept or not, but never half.
            value = source.randrange(10, 60)
            wanted |= {value}
            client.publish("bms/pack/set/maxChargeCurrent", str(value))
            await scene.hold(source.random() * 0.02)
        scene.bridge.kill()
        for path in scene.state.glob("*.json"):
            json.loads(path.read_bytes())
        scene.expect(not list(scene.state.glob("*.bad")), "a state file was damaged")
        await scene.until(lambda: scene.restarts > count, 5, "restart")
        scene.consumer.settings = {}
        await scene.until(lambda: scene.consumer.settings, 10, "settings after a restart")
        found = setting(scene, "maxChargeCurrent")
        scene.expect(found in wanted, f"maxChargeCurrent is {found}, commanded was {wanted}")
        wanted = {found}
        counters = (scene.consumer.state or {}).get("Link", {})
        scene.expect(all((value or 0) >= 0 for value in counters.values()), f"a negative counter: {counters}")
        total = (scene.consumer.state or {}).get("Energy", {}).get("In") or energy
        scene.expect(total >= energy, f"the energy total fell from {energy} to {total} kWh")
        energy = total
    client.close()
    scene.repair()
    await scene.until_back()
    scene.lost = f"{times} kills, {scene.restarts} restarts, no state file damaged, no setting lost"
    scene.is_supervised = False


@fault("sigterm", "SIGTERM in each phase: start, no cable, broker down, frozen, refusing, in service", back=8)
async def terminate(scene):
    import signal
    await scene.start()
    slowest = 0.0

    async def end(phase, back=True):
        nonlocal slowest
        code, seconds = await scene.bridge.end(6) or (None, 6)
        # Before the first instruction of the program the system ends it.
        scene.expect(code == 0 or (code == -15 and phase.startswith("0.02 s")), f"exit code {code} after SIGTERM {phase}")
        scene.expect(seconds < 3, f"{seconds:.1f} s to end {phase}")
        slowest = max(slowest, seconds)
        if back:
            scene.restarts += 1
            scene.bridge.start()
    scene.fault()
    await end("in service")
    await scene.until_safe(2)
    for delay in (0.02, 0.05, 0.1, 0.2, 0.4):
        await scene.hold(delay)
        await end(f"{delay} s after the start")
    await scene.hold(1)
    scene.cable.pull()
    await scene.hold(1)
    await end("without a cable")
    await scene.hold(1)
    scene.cable.plug()
    scene.broker.signal(signal.SIGSTOP)
    await scene.hold(1)
    await end("with a frozen broker, after the start")
    scene.broker.signal(signal.SIGCONT)
    await scene.until(lambda: scene.consumer.live, 10, "service")
    scene.broker.signal(signal.SIGSTOP)
    await scene.hold(1)
    await end("with a frozen broker, in service", back=False)
    scene.broker.signal(signal.SIGCONT)
    scene.relay.refuse()
    scene.relay.cut()
    scene.restarts += 1
    scene.bridge.start()
    await scene.hold(2)
    await end("while the broker refuses")
    await scene.hold(1)
    await scene.relay.open()
    scene.repair()
    await scene.until_back()
    scene.lost = f"slowest end {slowest:.2f} s, exit code 0"


@fault("two-serial", "a second bridge on the same cable, with another client id", back=8)
async def two_serial(scene):
    await scene.start()
    scene.fault()
    second = scene.make_bridge(scene.write_configuration("second.yaml", "second"), "second.log").start()
    await scene.hold(25)
    refused = any("in use" in line or "temporarily unavailable" in line or "another program" in line.lower() for line in second.lines)
    await second.end()
    scene.expect(refused, f"the second bridge said nothing of the port: {second.lines[-3:]}")
    scene.repair()
    await scene.until_back()


@fault("two-clients", "a second bridge with the same client id and its own cable to the same BMS", back=45)
async def two_clients(scene):
    other = frames.Cable(scene.folder / "other")
    scene.bms.outputs = (scene.cable, other)
    await scene.start()
    scene.source = f"serial:{scene.folder}/other"
    scene.fault()
    second = scene.make_bridge(scene.write_configuration("second.yaml"), "second.log").start()
    await scene.hold(40)
    await second.end()
    scene.repair()
    await scene.until_back()
    other.pull()

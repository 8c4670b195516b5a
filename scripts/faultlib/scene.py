"""One bridge with all that surrounds it: BMS, cable, relay, broker, consumers. Each fault has a scene of its own."""
import asyncio
import contextlib
import pathlib
import shutil
import tempfile
import time

from . import clock, consumer, frames, mqtt, processes, relay


class Failed(Exception):
    """The fault was not survived as promised."""


class Skipped(Exception):
    """This machine does not permit the fault."""


class Scene:
    def __init__(self, binary, is_long):
        self.binary, self.is_long = binary, is_long
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fault-"))
        self.broker = processes.Broker(self.folder)
        self.relay_port = processes.free_port()
        self.relay = relay.Relay(self.broker.port, self.relay_port)
        self.cable = frames.Cable(self.folder / "cable")
        self.bms = frames.BMS(self.cable)
        self.host, self.mqtt, self.more, self.pack = "127.0.0.1", "", "", ""
        self.others = []  # further brokers, which the bridge reaches without a relay
        self.login = {}
        self.source = f"serial:{self.folder}/cable"
        self.state = self.folder / "state"
        self.clock = None
        self.wrapper = []
        self.bridge = None
        self.consumer = consumer.Consumer(self)
        self.newcomer = consumer.Newcomer(self)
        self.tasks = []
        self.begin = self.repaired = None
        self.lost = ""
        self.is_supervised = False
        self.restarts = 0

    # Parts.

    def write_configuration(self, name="config.yaml", client="bridge"):
        path = self.folder / name
        brokers = f"host: {self.host}, port: {self.relay_port}"
        if self.others:
            ports = [self.relay_port] + [broker.port for broker in self.others]
            brokers = f"hosts: [{', '.join(f'{self.host}:{port}' for port in ports)}]"
        path.write_text(
            f"mqtt: {{ {brokers}, clientId: {client}{self.mqtt} }}\n"
            f"stateDirectory: {self.state}\n{self.more}\n"
            f"packs:\n  - {{ id: pack, source: \"{self.source}\", limits: {{ maxChargeCurrent: 60 }}{self.pack} }}\n")
        return path

    def use_clock(self):
        self.clock = clock.Clock(clock.build(self.folder), self.folder / "clock")

    def make_bridge(self, configuration=None, log="bridge.log"):
        configuration = configuration or self.write_configuration()
        return processes.Program(
            [*self.wrapper, self.binary, "run", "--config", configuration], self.folder / log,
            self.clock.environment if self.clock else None)

    async def client(self, port=None, **more):
        return await mqtt.Client.open(port or self.broker.port, **self.login, **more)

    def measured(self, limits, now):
        """When the newest data was measured on which limits can rest: known by their time, unless the clock is a false one."""
        published = limits.get("time", 0) - time.time() + time.monotonic()
        return self.bms.measured(now if self.clock else min(now, published + 0.05))

    def spawn(self, work):
        self.tasks.append(asyncio.create_task(work))

    async def start(self, newcomer=True):
        if not self.broker.is_alive:
            await self.broker.start().ready()
        await self.relay.open()
        self.spawn(self.bms.run())
        self.spawn(self.consumer.run())
        self.spawn(self.consumer.watch())
        if newcomer:
            self.spawn(self.newcomer.run())
        self.spawn(self.supervise())
        self.bridge = self.make_bridge().start()
        await self.until(lambda: self.consumer.live, 30, "limits at the start")

    async def supervise(self):
        """As systemd with Restart=always: a second later it runs again."""
        while True:
            await asyncio.sleep(0.05)
            if self.is_supervised and self.bridge and not self.bridge.is_alive:
                await asyncio.sleep(1)
                if self.is_supervised:
                    self.restarts += 1
                    self.bridge.start()

    async def stop(self):
        self.is_supervised = False
        pending = self.tasks
        while pending:
            # wait_for of Python 3.11 may swallow a cancellation that meets a result: once more, then.
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=0.5)
        self.relay.refuse()
        self.relay.cut()
        for program in (self.bridge, self.broker, *self.others):
            with contextlib.suppress(Exception):
                program.kill()
        self.cable.pull()
        shutil.rmtree(self.folder, ignore_errors=True)

    # What a fault says.

    def fault(self):
        self.begin = time.monotonic()

    def repair(self):
        self.repaired = time.monotonic()

    async def until(self, condition, seconds, what):
        begin = time.monotonic()
        while not condition():
            if time.monotonic() - begin > seconds:
                raise Failed(f"no {what} within {seconds} s")
            await asyncio.sleep(0.02)
        return time.monotonic() - begin

    async def hold(self, seconds):
        await asyncio.sleep(seconds)

    async def until_safe(self, seconds=40):
        return await self.until(lambda: not self.consumer.live, seconds, "safe limits")

    async def until_back(self, seconds=90):
        """Live again, by data that was measured after the repair, and so for three seconds."""
        begin = self.repaired or self.begin
        await self.until(lambda: self.consumer.live and self.consumer.measured > begin, seconds, "service")
        await asyncio.sleep(3)

    def expect(self, condition, what):
        if not condition:
            raise Failed(what)

    def saw(self, name, payload, after=0.0):
        return any(at >= after and topic == name and payload in data for at, topic, data in self.consumer.seen)

"""A month in the life of a bridge: simulated frames, the real program, a real mosquitto. See scripts/soak."""
import asyncio
import collections
import json
import random
import signal
import subprocess
import time

from . import clock, frames, mqtt, processes

KINDS = ("state", "limits", "cells", "gx", "event", "result", "settings", "status", "tree", "other")
# Paths of `state` that never fall.
RISING = ("Energy.In", "Energy.Out", "History.ChargeCycles", "History.ChargedEnergy", "History.DischargedEnergy")
# Counters of the running service: a reload begins anew.
# Frames that may be on their way. The bridge sees its clock by so many seconds early at most, less than staleness.hold.
AHEAD = 3
COUNTERS = ("Link.FramesAccepted", "Link.FramesRejected", "Link.BytesDropped", "Link.Resyncs")


class Soak:
    def __init__(self, binary, folder, days, period, minutes, log_allowance):
        self.folder, self.days, self.period, self.minutes = folder, days, period, minutes
        self.log_allowance = log_allowance
        self.random = random.Random(1)
        self.seconds = 0
        self.sent = self.answered = 0
        self.counts = collections.Counter()
        self.rows, self.faults = [], []
        self.highest, self.resets, self.is_reset = {}, 0, False
        self.online, self.answer = asyncio.Event(), asyncio.Event()
        self.asked = self.results = 0
        self.clock = clock.Clock(clock.build(folder), folder / "clock", held=True)
        self.broker = processes.Broker(folder)
        self.port = processes.free_port()
        (folder / "config.yaml").write_text(
            f"mqtt: {{ host: 127.0.0.1, port: {self.broker.port} }}\nstateDirectory: {folder}/state\n"
            f"gx: {{ portalId: 0123456789ab }}\npacks:\n  - id: month\n    source: tcp:127.0.0.1:{self.port}\n"
            "    limits: { maxChargeCurrent: 60 }\n"
            "    relays: [{ name: charger, commandTopic: cmnd/charger/POWER }]\n")
        self.bridge = processes.Program(
            [binary, "run", "--config", folder / "config.yaml"], folder / "bridge.log", self.clock.environment)
        self.simulator = subprocess.Popen(
            [str(binary), "simulate", "--stdout", "--scenario", "day", "--speed", "10000"], stdout=subprocess.PIPE)
        self.writer = None
        self.client = None

    # What the broker hands out.

    def note(self, message):
        name = message.topic.rsplit("/", 1)[1]
        kind = "tree" if message.topic.startswith("N/") else name if name in KINDS else "other"
        self.counts[kind] += 1
        if message.topic.endswith("month/gx"):
            self.answered = self.sent
            self.answer.set()
        elif message.topic.endswith("month/status"):
            (self.online.set if message.payload == b"online" else self.online.clear)()
        elif kind == "result":
            self.results += 1
        elif message.topic.endswith("month/state"):
            self.check(json.loads(message.payload))

    def check(self, state):
        if self.is_reset and state["Link"]["FramesAccepted"] < self.highest["Link.FramesAccepted"]:
            self.is_reset = False
            for path in COUNTERS:
                del self.highest[path]
        for path in RISING + COUNTERS:
            value = state
            for key in path.split("."):
                value = value.get(key) if value else None
            if value is None:
                continue
            if value < 0 or value < self.highest.get(path, 0):
                self.faults.append(f"{path} fell from {self.highest[path]} to {value} at {self.seconds} s")
            self.highest[path] = value

    async def listen(self):
        while True:
            try:
                self.client = await mqtt.Client.open(self.broker.port, client_id="listener")
                self.client.subscribe("bms/#", "N/#")
                async for message in self.client:
                    self.note(message)
            except (mqtt.Closed, mqtt.Refused):
                pass
            self.client = None
            await asyncio.sleep(0.05)

    def publish(self, topic, payload):
        if self.client:
            self.client.publish(topic, payload)
            return True
        return False

    # What the cable brings.

    async def send(self, data):
        """A second passes, and a frame comes; never far ahead of what the bridge has answered."""
        self.seconds += 1
        self.clock.move(1, 1)
        if data and self.writer and not self.writer.is_closing():
            self.sent += 1
            begin = self.sent
            self.writer.write(data)
            if begin - self.answered >= AHEAD:
                self.answer.clear()
                try:
                    await asyncio.wait_for(self.answer.wait(), 0.1)
                except asyncio.TimeoutError:
                    self.answered = self.sent

    def next_frame(self):
        return self.simulator.stdout.read(frames.LENGTH)

    async def silence(self, seconds):
        """Time jumps, and the bridge's own timer, twice a real second, must notice."""
        for _ in range(seconds):
            self.next_frame()
        # A frame still on its way would be read after the jump.
        await asyncio.sleep(0.3)
        self.seconds += seconds
        self.clock.move(seconds, seconds)
        begin = time.monotonic()
        while self.online.is_set():
            if time.monotonic() - begin > 5:
                self.faults.append(f"still online after {seconds} s of silence, at {self.seconds} s")
                return
            await asyncio.sleep(0.01)

    def spoiled(self, data):
        data = bytearray(data)
        for _ in range(6):
            data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
        return bytes(data)

    @staticmethod
    def alarmed(data):
        body = data[:30] + bytes([data[30] | 0x08 << (sum(data[:30]) % 4)]) + data[31:57]
        return body + bytes([sum(body) & 255])

    async def period_of_events(self, number):
        """One period: a day of the month, or an hour of the short form."""
        for second in range(self.period):
            if second == 600:
                await self.silence(90)
            if second in (900, 1500, 2100, 2700):
                self.asked += self.publish("bms/month/set/maxChargeCurrent", str(20 + second // 100))
            if 1200 <= second < 1320 and second % 50 == 0:
                self.publish("R/0123456789ab/keepalive", "")
            data = self.next_frame()
            if 1000 <= second < 1030:
                data = self.spoiled(data)
            elif 1700 <= second < 1760:
                data = self.alarmed(data)
            if second == 2000 and number % 3 == 2:
                self.broker.kill()
                await self.broker.start().ready()
            if second == 2400 and number % 5 == 4:
                self.bridge.signal(signal.SIGHUP)
                self.resets += 1
                self.is_reset = True
            await self.send(data)

    # The whole.

    async def run(self, tell):
        await self.broker.start().ready()
        connected = asyncio.Event()

        def accept(_, writer):
            self.writer = writer
            connected.set()
        server = await asyncio.start_server(accept, "127.0.0.1", self.port)
        tasks = [asyncio.create_task(self.listen())]
        await asyncio.sleep(0.3)
        begin = time.monotonic()
        self.bridge.start()
        try:
            await asyncio.wait_for(connected.wait(), 10)
            for number in range(self.days):
                before, lines = collections.Counter(self.counts), len(self.bridge.lines)
                at = self.seconds
                await self.period_of_events(number)
                if not self.bridge.is_alive:
                    self.faults.append(f"the bridge ended in period {number}: {self.bridge.lines[-3:]}")
                    break
                hours = (self.seconds - at) / 3600
                state = self.folder / "state" / "month.json"
                self.rows.append({
                    "period": number + 1, "real": time.monotonic() - begin, "rss": self.bridge.status("VmRSS"),
                    "data": self.bridge.status("RssAnon"), "fds": self.bridge.descriptors,
                    "threads": self.bridge.status("Threads"), "lines": len(self.bridge.lines) - lines,
                    "state file": state.stat().st_size if state.exists() else 0,
                    **{kind: (self.counts[kind] - before[kind]) / hours for kind in KINDS},
                })
                tell(self.rows[-1])
                if time.monotonic() - begin > 60 * self.minutes:
                    break
            code, seconds = await self.bridge.end() or (None, 0)
            if code != 0:
                self.faults.append(f"the end took {seconds:.1f} s, exit code {code}")
        finally:
            for task in tasks:
                task.cancel()
            server.close()
            for program in (self.bridge, self.broker):
                program.kill()
            self.simulator.kill()
        self.judge()

    def judge(self):
        if len(self.rows) < 3:
            return
        # The first period fills caches; each is judged against the second.
        first, last = self.rows[1], self.rows[-1]
        late = self.rows[len(self.rows) // 2:]
        grown = min(row["rss"] for row in late) - first["rss"]
        if grown > 0.1 * first["rss"] + 512:
            self.faults.append(f"memory grew by {grown} kB")
        if last["fds"] > first["fds"]:
            self.faults.append(f"descriptors grew from {first['fds']} to {last['fds']}")
        if last["threads"] > first["threads"] + 2:
            self.faults.append(f"threads grew from {first['threads']} to {last['threads']}")
        for row in self.rows:
            if row["lines"] > self.log_allowance:
                self.faults.append(f"{row['lines']} log lines in period {row['period']}")
        if self.results < self.asked:
            self.faults.append(f"{self.asked} commands, {self.results} answers")

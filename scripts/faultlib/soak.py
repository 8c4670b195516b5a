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
# Frames that may be between the simulator and the listener, at least the 5 s between two documents with a time. More would
# fill the connection, and the bridge then holds the newest document of each topic only.
AHEAD = 40
# Counters of the running service: a reload begins anew.
COUNTERS = ("Link.FramesAccepted", "Link.FramesRejected", "Link.BytesDropped", "Link.Resyncs")


class Soak:
    def __init__(self, binary, folder, days, period, minutes, log_allowance):
        self.folder, self.days, self.period, self.minutes = folder, days, period, minutes
        self.log_allowance = log_allowance
        self.random = random.Random(1)
        self.seconds = 0
        self.sent = 0
        self.limits = None
        self.heard = 0.0  # the newest time in a document, by the clock of the bridge
        self.waits = 0  # for a document that did not come in time
        self.counts = collections.Counter()
        self.rows, self.faults = [], []
        self.highest, self.resets, self.is_reset = {}, 0, False
        self.online, self.answer, self.connected = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.asked = self.results = 0
        self.broker = processes.Broker(folder)
        self.port = processes.free_port()
        self.clock = clock.Clock(clock.build(folder), folder / "clock", held=True, frame_port=self.port)
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
        if kind == "limits":
            limits = json.loads(message.payload)
            self.heard = limits["time"]
            values = limits["cvl"], limits["ccl"], limits["dcl"], limits["chargeState"]
            self.counts["change"] += values != self.limits
            self.limits = values
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
        """A frame comes, and a second passes when the bridge reads it; never far ahead of what the listener has heard."""
        self.seconds += 1
        self.sent += 1
        self.writer.write(data)
        while self.sent - self.clock.frames_read + self.clock.wall - self.heard > AHEAD:
            self.answer.clear()
            try:
                await asyncio.wait_for(self.answer.wait(), 0.5)
            except asyncio.TimeoutError:
                if self.sent == self.clock.frames_read:
                    # What the bridge said is lost: a restart of the broker.
                    self.heard = self.clock.wall
                    self.waits += 1

    async def drained(self):
        """The bridge has read all frames; what it made of the last may still be on its way."""
        begin = time.monotonic()
        while self.clock.frames_read < self.sent and time.monotonic() - begin < 5:
            await asyncio.sleep(0.002)
        if self.clock.frames_read < self.sent:
            self.faults.append(f"{self.sent - self.clock.frames_read} frames not read at {self.seconds} s")

    def next_frame(self):
        return self.simulator.stdout.read(frames.LENGTH)

    async def silence(self, seconds):
        """Time jumps, and the bridge's own timer, twice a real second, must notice."""
        for _ in range(seconds):
            self.next_frame()
        # A frame still on its way would be read after the jump, and one that was just read would be stamped after it.
        await self.drained()
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
                await self.restart_broker()
            if second == 2400 and number % 5 == 4:
                await self.reload()
            await self.send(data)

    async def restart_broker(self):
        """Time stands still until all are connected again: scripts/faults measures how long that takes."""
        await self.drained()
        self.online.clear()
        self.broker.kill()
        await self.broker.start().ready()
        await asyncio.wait_for(self.online.wait(), 40)

    async def reload(self):
        """The bridge reads its file again, and opens its source again."""
        await self.drained()
        self.connected.clear()
        self.bridge.signal(signal.SIGHUP)
        self.resets += 1
        self.is_reset = True
        self.online.clear()
        await asyncio.wait_for(self.connected.wait(), 10)
        # The first frames bring the status.
        await self.begin()

    async def begin(self):
        """Frames until the bridge is connected and has limits."""
        for _ in range(2000):
            await self.send(self.next_frame())
            await self.drained()
            if self.online.is_set():
                return
            await asyncio.sleep(0.02)
        self.faults.append(f"not online at {self.seconds} s")

    # The whole.

    async def run(self, tell):
        await self.broker.start().ready()
        def accept(_, writer):
            self.writer = writer
            self.connected.set()
        server = await asyncio.start_server(accept, "127.0.0.1", self.port)
        tasks = [asyncio.create_task(self.listen())]
        await asyncio.sleep(0.3)
        begin = time.monotonic()
        self.bridge.start()
        try:
            await asyncio.wait_for(self.connected.wait(), 10)
            await self.begin()
            for number in range(self.days):
                before, lines = collections.Counter(self.counts), len(self.bridge.lines)
                at, sent = self.seconds, self.sent
                await self.period_of_events(number)
                if not self.bridge.is_alive:
                    self.faults.append(f"the bridge ended in period {number}: {self.bridge.lines[-3:]}")
                    break
                hours = (self.seconds - at) / 3600
                state = self.folder / "state" / "month.json"
                await self.drained()
                await asyncio.sleep(0.1)
                self.judge_rates(number + 1, self.seconds - at, self.sent - sent, self.counts - before)
                self.rows.append({
                    "period": number + 1, "real": time.monotonic() - begin, "rss": self.bridge.status("VmRSS"),
                    "data": self.bridge.status("RssAnon"), "fds": self.bridge.descriptors,
                    "threads": self.bridge.status("Threads"), "lines": len(self.bridge.lines) - lines,
                    "state file": state.stat().st_size if state.exists() else 0,
                    "heap": self.clock.heap[0] / 1024, "heap free": self.clock.heap[1] / 1024,
                    **{kind: (self.counts[kind] - before[kind]) / hours for kind in (*KINDS, "change")},
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

    def judge_rates(self, period, seconds, frames_sent, counts):
        """As docs/mqtt-topics.md designs them: heartbeats, and what changes of limits and events add."""
        news = counts["change"] + counts["event"]
        for kind, least, most in (
                # 29 spoiled frames and a stretch of silence bring none; each second of the clock has one at most. Half a
                # millisecond of the broker is a second of this clock, so the line looks slow at times: the next document then
                # replaces one that waits, of gx rarely, of state and cells, which go last, often.
                ("gx", frames_sent * 0.7, frames_sent + 60), ("limits", seconds / 5 * 0.9 - 20, seconds / 5 + news),
                ("state", seconds / 10 * 0.3, seconds / 5 + news), ("cells", seconds / 30 * 0.3, seconds / 30 + news)):
            if not least <= counts[kind] <= most + 10:
                self.faults.append(f"{counts[kind]} {kind} in period {period}, designed are {least:.0f} to {most:.0f}")

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
        if last["threads"] > first["threads"]:
            self.faults.append(f"threads grew from {first['threads']} to {last['threads']}")
        for row in self.rows:
            if row["lines"] > self.log_allowance:
                self.faults.append(f"{row['lines']} log lines in period {row['period']}")
        if self.results < self.asked:
            self.faults.append(f"{self.asked} commands, {self.results} answers")

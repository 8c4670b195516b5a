"""Who reads limits, by the rules of docs/safety.md, and how old the data is behind what it believes."""
import asyncio
import json
import time

from . import mqtt

LONGEST = 30.0  # seconds
GX_TIMEOUT = 20.0  # of the driver on a GX, as gx-setup writes it


def is_live(limits):
    """Limits that let a current flow beyond what silence permits."""
    return limits.get("chargeState") != "stale"


class Consumer:
    """A limit counts while both statuses are online and its document is neither expired nor 30 s old, by receipt and by `time`.

    It stays connected to the broker itself, and believes what it has until it expires, connected or not.
    """

    def __init__(self, scene, port=None):
        self.scene, self.port = scene, port
        self.bridge = self.status = b""
        self.limits, self.received, self.lasts, self.measured = None, 0.0, 0.0, 0.0
        self.gx, self.gx_received = None, 0.0
        self.oldest = self.oldest_gx = self.blind_gx = 0.0
        self.oldest_woken, self.is_woken = 0.0, False
        self.relay = b""  # the command of the relay, where the scene has one
        self.stall = 0.0  # longest time for which the harness itself did not come to look
        self.live = False
        self.changes = []  # (moment, live)
        self.blind = 0.0
        self.state = self.settings = {}
        self.seen = []  # topics and payloads of statuses, results and events
        self.documents = self.broken = 0
        self.at = time.monotonic()

    async def run(self):
        while True:
            try:
                client = await self.scene.client(self.port)
                client.subscribe("bms/bridge/status", *(f"bms/pack/{name}" for name in (
                    "status", "limits", "state", "settings", "result", "event", "gx")), "cmnd/charger/POWER")
                async for message in client:
                    self.note(message)
                client.close()
            except (mqtt.Closed, mqtt.Refused):
                pass
            await asyncio.sleep(0.3)

    def wake(self):
        """From now on the oldest data behind limits, GX or a closed relay is told apart."""
        self.is_woken = True

    async def watch(self):
        while True:
            self.judge()
            await asyncio.sleep(0.05)

    def note(self, message):
        now = time.monotonic()
        if message.topic == "cmnd/charger/POWER":
            self.relay = message.payload
            return self.judge()
        name = message.topic.split("/", 1)[1]
        if name == "bridge/status":
            self.bridge = message.payload
        elif name == "pack/status":
            self.status = message.payload
        if name in ("bridge/status", "pack/status", "pack/result", "pack/event"):
            self.seen.append((now, name, message.payload))
        elif self.scene.relay.sent is not None and message.payload not in self.scene.relay.sent:
            # It is not what the bridge sent, though it may look like it: nothing in it tells an age.
            self.broken += 1
        else:
            try:
                self.take(name, json.loads(message.payload), message.expiry, now)
            except (ValueError, KeyError, TypeError, AttributeError):
                # Wrong bytes may leave JSON that is no document.
                self.broken += 1
        self.judge()

    def take(self, name, document, expiry, now):
        if name == "pack/limits":
            measured = self.scene.measured(document, now)
            is_live(document)
            self.limits, self.received, self.measured = document, now, measured
            self.lasts = min(LONGEST, expiry if expiry is not None else LONGEST)
            self.documents += 1
        elif name == "pack/gx":
            # What cannot be judged is not believed.
            self.scene.bms.measured_by(document["Dc"]["Current"])
            float(document["Info"]["MaxChargeCurrent"])
            self.gx, self.gx_received = document, now
        elif name == "pack/state":
            self.state = {**document}
        elif name == "pack/settings":
            self.settings = {**document}

    def judge(self):
        now = time.monotonic()
        is_believed = (self.bridge == self.status == b"online" and self.limits is not None
                       and now - self.received < self.lasts
                       and (self.scene.clock or time.time() - self.limits.get("time", 0) < LONGEST))
        live = bool(is_believed and is_live(self.limits))
        ages = [now - self.measured] if live else []
        self.oldest = max(self.oldest, *ages, 0.0)
        if not self.live:
            self.blind += now - self.at
        if live != self.live:
            self.live = live
            self.changes.append((now, live))
        pause, self.at = now - self.at, now
        self.stall = max(self.stall, pause - 0.1)
        # The driver on a GX knows one rule alone: a time-out.
        gx = self.gx
        if gx and now - self.gx_received >= GX_TIMEOUT:
            self.blind_gx += pause
        elif gx and gx["Info"]["MaxChargeCurrent"] > 0:
            ages.append(now - self.scene.bms.measured_by(gx["Dc"]["Current"]))
            self.oldest_gx = max(self.oldest_gx, ages[-1])
        if self.relay == b"ON":
            ages.append(now - self.scene.bms.measured(now))
        if self.is_woken:
            self.oldest_woken = max(self.oldest_woken, *ages, 0.0)

    def since(self, moment, live):
        """When it became live, or ceased to be, after a moment; at once where it was so."""
        state = ([False] + [value for at, value in self.changes if at <= moment])[-1]
        if state == live:
            return moment
        return next((at for at, value in self.changes if at > moment and value == live), None)


class Newcomer:
    """Subscribes anew each second or two: what the broker has kept for it must not rest on old data, status or not."""

    def __init__(self, scene):
        self.scene = scene
        self.oldest = 0.0
        self.count = 0
        # While an hour passes in an instant: a true broker has forgotten by then what it kept, and this one's clock goes on as before.
        self.is_away = False

    async def run(self):
        while True:
            try:
                client = await self.scene.client()
                # A document that was on its way before the return does not count either.
                was_away = self.is_away
                client.subscribe("bms/pack/limits")
                try:
                    message = await asyncio.wait_for(anext(client), 0.3)
                    limits = json.loads(message.payload)
                    if message.retained and is_live(limits) and not was_away and not self.is_away:
                        age = time.monotonic() - self.scene.measured(limits, time.monotonic())
                        self.oldest = max(self.oldest, age)
                        self.count += 1
                except (asyncio.TimeoutError, StopAsyncIteration, ValueError, TypeError, AttributeError):
                    pass
                client.close()
            except (mqtt.Closed, mqtt.Refused):
                pass
            await asyncio.sleep(1.3)

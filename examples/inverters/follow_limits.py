#!/usr/bin/env python3
"""Gives the limits of a pack to gear that has its own MQTT, Modbus or command line, and 0 A whenever they cannot be trusted.

Each change, and each --repeat seconds, is a line of JSON on standard output:

    {"cvl": 54.88, "ccl": 50.0, "dcl": 100.0, "trusted": true, "why": "..."}

With a command after "--" that command is run instead, with cvl, ccl and dcl as its last three arguments.

Needs paho-mqtt, 1.6 or later (Debian: apt install python3-paho-mqtt). The rule is explained in README.md.
"""

import argparse
import json
import math
import queue
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Optional

import paho.mqtt.client as mqtt

OLDEST = 30.0
"""Seconds after which a document is no longer believed."""
FUTURE = 5.0
"""Seconds by which the two clocks may differ."""


@dataclass(frozen=True)
class Allowed:
    """What the gear may do: V, A, A."""

    cvl: float
    ccl: float
    dcl: float
    trusted: bool
    why: str


class Follower:
    """Knows what was heard, and what of it still counts. No clock, no network: both are parameters."""

    def __init__(self, base: str, pack: str, rest_voltage: float) -> None:
        self.bridge_topic = f"{base}/bridge/status"
        self.pack_topic = f"{base}/{pack}/status"
        self.limits_topic = f"{base}/{pack}/limits"
        self.rest_voltage = rest_voltage
        self.bridge: Optional[str] = None
        self.pack: Optional[str] = None
        self.limits: Optional[dict] = None
        self.heard_at = 0.0

    @property
    def topics(self) -> list:
        return [self.bridge_topic, self.pack_topic, self.limits_topic]

    def take(self, topic: str, payload: bytes, monotonic: float) -> None:
        """A message came. One that makes no sense changes nothing: what was heard before grows old instead."""
        if topic == self.bridge_topic:
            self.bridge = payload.decode("utf-8", "replace")
        elif topic == self.pack_topic:
            self.pack = payload.decode("utf-8", "replace")
        elif topic == self.limits_topic:
            limits = read_limits(payload)
            if limits is not None:
                self.limits, self.heard_at = limits, monotonic

    def allowed(self, now: float, monotonic: float) -> Allowed:
        """What the gear may do now (now: seconds since 1970)."""
        doubt = self.doubt(now, monotonic)
        if doubt is None and self.limits is not None:
            limits = self.limits
            return Allowed(limits["cvl"], limits["ccl"], limits["dcl"], True, "limits of the pack")
        # Not above what was last allowed, even at rest.
        cvl = min(self.rest_voltage, self.limits["cvl"] if self.limits else self.rest_voltage)
        return Allowed(cvl, 0.0, 0.0, False, doubt or "nothing heard")

    def doubt(self, now: float, monotonic: float) -> Optional[str]:
        """Why the limits cannot be trusted; None: they can."""
        if self.bridge != "online":
            return f"the bridge is {self.bridge or 'unknown'}"
        if self.pack != "online":
            return f"the pack is {self.pack or 'unknown'}"
        if self.limits is None:
            return "no limits yet"
        age = now - self.limits["time"]
        if age < -FUTURE:
            return f"the limits are {-age:.0f} s ahead of this clock"
        # By its time, and by when it came: one of the clocks may stand still or jump.
        if max(age, monotonic - self.heard_at) > OLDEST:
            return f"the limits are more than {OLDEST:.0f} s old"
        return None


def read_limits(payload: bytes) -> Optional[dict]:
    """cvl, ccl, dcl and time of a document; None where one of them is no usable number."""
    try:
        document = json.loads(payload)
        limits = {key: document[key] for key in ("cvl", "ccl", "dcl", "time")}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    for value in limits.values():
        # JSON's true is a number to Python, and NaN is JSON to it. An integer may be too large for a float.
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e12:
            return None
    return limits if limits["cvl"] > 0 else None


class Gear:
    """Prints, or runs a command."""

    def __init__(self, command: list) -> None:
        self.command = command

    def apply(self, allowed: Allowed) -> bool:
        """False: it did not work, and is tried again."""
        if not self.command:
            print(json.dumps(vars(allowed)), flush=True)
            return True
        numbers = [f"{value:.2f}" for value in (allowed.cvl, allowed.ccl, allowed.dcl)]
        try:
            subprocess.run([*self.command, *numbers], check=True, timeout=10)
        except (OSError, subprocess.SubprocessError) as error:
            say(f"the command failed and is repeated: {error}")
            return False
        return True


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def connect(options: argparse.Namespace, topics: list, inbox: queue.Queue) -> mqtt.Client:
    """A client that connects and subscribes for ever, and puts what it hears into the inbox."""
    # paho-mqtt 2 wants to know which form its callbacks have; 1.6 knows one.
    versions = getattr(mqtt, "CallbackAPIVersion", None)
    client = mqtt.Client(versions.VERSION2) if versions else mqtt.Client()

    def connected(client, _userdata, _flags, code, _properties=None):
        if code == 0:
            client.subscribe([(topic, 1) for topic in topics])
        else:
            say(f"the broker refuses: {code if versions else mqtt.connack_string(code)}")

    def heard(_client, _userdata, message):
        try:
            inbox.put_nowait((message.topic, message.payload))
        except queue.Full:
            # The next one comes within 5 s; without it the limits grow old.
            pass

    client.on_connect, client.on_message = connected, heard
    if options.username:
        client.username_pw_set(options.username, read_password(options.password_file))
    if options.ca:
        client.tls_set(options.ca)
    client.reconnect_delay_set(1, 15)
    client.connect_async(options.host, options.port, keepalive=15)
    client.loop_start()
    return client


def read_password(path: Optional[str]) -> Optional[str]:
    if path is None:
        return None
    with open(path, encoding="utf-8") as file:
        return file.readline().rstrip("\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="localhost", help="broker (localhost)")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--username")
    parser.add_argument("--password-file", help="file whose first line is the password")
    parser.add_argument("--ca", help="certificates to trust (PEM): switches TLS on")
    parser.add_argument("--base", default="bms", help="mqtt.base of the bridge (bms)")
    parser.add_argument("--pack", required=True, help="id of the pack")
    parser.add_argument("--rest-voltage", type=float, required=True, metavar="V", help="CVL while nothing can be trusted")
    parser.add_argument("--repeat", type=float, default=5.0, metavar="S", help="repeat an unchanged answer (5 s)")
    parser.add_argument("command", nargs="*", help="run with cvl, ccl and dcl as last arguments")
    options = parser.parse_args()
    if not (math.isfinite(options.rest_voltage) and options.rest_voltage > 0):
        parser.error("--rest-voltage must be above 0")
    return options


def main() -> int:
    options = arguments()
    follower = Follower(options.base, options.pack, options.rest_voltage)
    gear = Gear(options.command)
    inbox: queue.Queue = queue.Queue(maxsize=100)
    stopping = False

    def stop(_signal, _frame):
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    client = connect(options, follower.topics, inbox)
    last: Optional[Allowed] = None
    sent_at = retry_at = 0.0
    while not stopping:
        try:
            follower.take(*inbox.get(timeout=0.5), time.monotonic())
            # What waits is taken together; a flood does not keep the gear waiting.
            for _ in range(inbox.qsize()):
                follower.take(*inbox.get_nowait(), time.monotonic())
        except queue.Empty:
            pass
        now = time.monotonic()
        allowed = follower.allowed(time.time(), now)
        if (allowed != last and now >= retry_at) or now - sent_at >= options.repeat:
            sent_at = now
            if gear.apply(allowed):
                last = allowed
            else:
                retry_at = now + 1
    client.loop_stop()
    # The gear must not go on with limits that nobody watches.
    gear.apply(Allowed(follower.allowed(0, 0).cvl, 0.0, 0.0, False, "this program ends"))
    return 0


if __name__ == "__main__":
    sys.exit(main())

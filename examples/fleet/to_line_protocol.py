#!/usr/bin/env python3
"""Fleet topics to InfluxDB line protocol on standard output.

Start it as often as the load needs: the workers share one subscription ($share), and the broker gives each message to one of them.

    to_line_protocol.py --host central.example --cafile fleet-ca.crt --user timeseries --password-file password | influx write ...

With --write URL the lines go to a database by themselves, a few at a time: http://host:8428/write for VictoriaMetrics,
http://host:8086/write?db=NAME for InfluxDB 1.
Times are those of the measurement: `time` of limits, arrival less /Link/Age for state. What is null is left out.
"""
import argparse
import json
import math
import re
import sys
import time
import urllib.error
import urllib.request

STATE = {
    "voltage": ("Dc", "Voltage"), "current": ("Dc", "Current"), "power": ("Dc", "Power"), "soc": ("Soc",),
    "cell_min": ("System", "MinCellVoltage"), "cell_max": ("System", "MaxCellVoltage"),
    "temperature_min": ("System", "MinCellTemperature"), "temperature_max": ("System", "MaxCellTemperature"),
    "energy_in": ("Energy", "In"), "energy_out": ("Energy", "Out"), "energy_stored": ("Energy", "Stored"), "alarm": ("Alarms", "Alarm"), "connected": ("Connected",),
}  # fmt: skip
LONGEST = 65_536


def tag(text):
    text = text.replace("\n", " ")
    for character in "\\, =":
        text = text.replace(character, "\\" + character)
    return text


def number(value):
    """A finite number, or None: the payload is somebody else's."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        value = float(value)
    except OverflowError:  # a whole number of 400 digits
        return None
    return value if math.isfinite(value) else None


def member(document, path):
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def cell(name):
    """Number of a cell by its name, "C12"; None for one of a bank, which names the pack, too."""
    return float(name[1:]) if isinstance(name, str) and re.fullmatch("C[0-9]{1,3}", name) else None


class Writer:
    """Lines to standard output, or in pieces to a database. While that does not answer, the newest lines wait."""

    MOST, PIECE, PAUSE = 100_000, 500, 1.0
    # Seconds that an answer, and a whole attempt, may take: messages wait meanwhile.
    ANSWER, ATTEMPT = 3.0, 5.0
    # What an answer says of the access, the address or the moment, and not of the lines: they wait.
    WAITS = (401, 403, 404, 408, 429)

    def __init__(self, url=None):
        self.url, self.lines, self.at, self.pause, self.is_down = url, [], 0.0, self.PAUSE, False
        self.refused, self.told = 0, None

    def write(self, text):
        if self.url is None:
            print(text, flush=True)
            return
        self.lines.append(text)
        del self.lines[:-self.MOST]
        self.flush()

    def flush(self):
        """Sends what waits, once a second, and not with each line."""
        if not self.lines or self.url is None or time.monotonic() - self.at < self.pause:
            return
        begin = time.monotonic()
        try:
            while self.lines and time.monotonic() - begin < self.ATTEMPT:
                self.post(self.lines[:self.PIECE])
                del self.lines[:self.PIECE]
            if self.is_down:
                print(f"{self.url} takes lines again", file=sys.stderr, flush=True)
            self.is_down = False
        except OSError as error:
            if not self.is_down:
                print(f"{self.url} takes no lines: {error}; the newest {self.MOST} wait", file=sys.stderr, flush=True)
            self.is_down = True
        self.at = time.monotonic()
        # A database that is slow, or does not answer, is asked more rarely, so that four fifths of the time remain for the messages.
        self.pause = max(self.PAUSE, 4 * (self.at - begin))

    def post(self, lines):
        """Sends a piece. One that the database refuses for what is in it would be refused for ever: it counts as sent."""
        data = "\n".join(lines) + "\n"
        try:
            urllib.request.urlopen(urllib.request.Request(self.url, data.encode()), timeout=self.ANSWER).close()
        except urllib.error.HTTPError as error:
            error.close()
            if not 400 <= error.code < 500 or error.code in self.WAITS:
                raise
            self.refused += len(lines)
            if self.told is None or time.monotonic() - self.told > 60:
                self.told = time.monotonic()
                print(f"{self.url} refuses lines: {error}; {self.refused} are lost so far", file=sys.stderr, flush=True)


def line(topic, payload, now):
    """One line for one message, or None for what is no document of a pack."""
    levels = topic.split("/")
    if len(levels) != 5 or levels[2] != "bms" or "" in levels or len(payload) > LONGEST:
        return None
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    kind = ""
    if levels[4] == "state":
        # A bank is written like a pack: without this, its packs would count twice.
        name = member(document, ("ProductName",))
        kind = ",kind=bank" if isinstance(name, str) and name.endswith(" bank") else ",kind=pack"
        fields = {name: number(member(document, path)) for name, path in STATE.items()}
        fields["cell_lowest"] = cell(member(document, ("System", "MinVoltageCellId")))
        at = now - (number(member(document, ("Link", "Age"))) or 0)
    elif levels[4] == "limits":
        fields = {name: number(document.get(name)) for name in ("cvl", "ccl", "dcl")}
        at = number(document.get("time"))
        # How long ago the limits were worked out: what a dashboard should show as old.
        fields["age"] = None if at is None else round(now - at, 3)
    else:
        return None
    values = ",".join(f"{name}={value!r}" for name, value in fields.items() if value is not None)
    if not values or at is None or not 0 < at < 4e9:
        return None
    return f"bms_{levels[4]},site={tag(levels[1])},pack={tag(levels[3])}{kind} {values} {round(at * 1000) * 1_000_000}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=8883)
    parser.add_argument("--cafile", help="without it no TLS")
    parser.add_argument("--user")
    parser.add_argument("--password-file")
    parser.add_argument("--group", default="tsdb", help="workers with the same word share the messages; empty: this one hears all")
    parser.add_argument("--protocol", choices=["5", "3.1.1"], default="5", help="3.1.1 for brokers without MQTT 5; they have no groups")
    parser.add_argument("--write", help="URL that takes line protocol; without it lines go to standard output")
    options = parser.parse_args()
    # Line protocol alone needs no MQTT: read_nats.py takes it from here.
    import paho.mqtt.client as mqtt

    writer = Writer(options.write)
    share = f"$share/{options.group}/" if options.group and options.protocol == "5" else ""

    def subscribe(client, _data, _flags, reason, *_):
        if reason.is_failure if hasattr(reason, "is_failure") else reason != 0:
            print(f"refused by the broker: {reason}", file=sys.stderr)
            return
        client.subscribe([(f"{share}fleet/+/bms/+/{name}", 0) for name in ("state", "limits")])

    def write(_client, _data, message):
        # mosquitto gives what is retained to each worker of a group, and it was live for one of them before.
        text = None if message.retain else line(message.topic, message.payload, time.time())
        if text is not None:
            writer.write(text)

    version = mqtt.MQTTv5 if options.protocol == "5" else mqtt.MQTTv311
    if hasattr(mqtt, "CallbackAPIVersion"):
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=version)
    else:
        client = mqtt.Client(protocol=version)
    client.on_connect, client.on_message = subscribe, write
    if options.user:
        password = open(options.password_file, encoding="utf-8").readline().rstrip("\n") if options.password_file else None
        client.username_pw_set(options.user, password)
    if options.cafile:
        client.tls_set(options.cafile)
    client.connect(options.host, options.port, keepalive=30)
    try:
        client.loop_forever(retry_first_connection=True)
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()

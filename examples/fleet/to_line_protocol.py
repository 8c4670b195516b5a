#!/usr/bin/env python3
"""Fleet topics to InfluxDB line protocol on standard output.

Start it as often as the load needs: the workers share one subscription ($share), and the broker gives each message to one of them.

    to_line_protocol.py --host central.example --cafile fleet-ca.crt --user timeseries --password-file password | influx write ...

Times are those of the measurement: `time` of limits, arrival less /Link/Age for state. What is null is left out.
"""
import argparse
import json
import math
import sys
import time

import paho.mqtt.client as mqtt

STATE = {
    "voltage": ("Dc", "Voltage"), "current": ("Dc", "Current"), "power": ("Dc", "Power"), "soc": ("Soc",),
    "cell_min": ("System", "MinCellVoltage"), "cell_max": ("System", "MaxCellVoltage"),
    "temperature_min": ("System", "MinCellTemperature"), "temperature_max": ("System", "MaxCellTemperature"),
    "energy_in": ("Energy", "In"), "energy_out": ("Energy", "Out"), "alarm": ("Alarms", "Alarm"), "connected": ("Connected",),
}  # fmt: skip
LONGEST = 65_536


def tag(text):
    text = text.replace("\n", " ")
    for character in "\\, =":
        text = text.replace(character, "\\" + character)
    return text


def number(value):
    """A finite number, or None: the payload is somebody else's."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def member(document, path):
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def line(topic, payload, now):
    """One line for one message, or None for what is no document of a pack."""
    levels = topic.split("/")
    if len(levels) != 5 or levels[2] != "bms" or len(payload) > LONGEST:
        return None
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    if levels[4] == "state":
        fields = {name: number(member(document, path)) for name, path in STATE.items()}
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
    return f"bms_{levels[4]},site={tag(levels[1])},pack={tag(levels[3])} {values} {round(at * 1000) * 1_000_000}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=8883)
    parser.add_argument("--cafile", help="without it no TLS")
    parser.add_argument("--user")
    parser.add_argument("--password-file")
    parser.add_argument("--group", default="tsdb", help="workers with the same word share the messages")
    options = parser.parse_args()

    def subscribe(client, _data, _flags, reason, _properties):
        if reason.is_failure if hasattr(reason, "is_failure") else reason != 0:
            print(f"refused by the broker: {reason}", file=sys.stderr)
            return
        client.subscribe([(f"$share/{options.group}/fleet/+/bms/+/{name}", 0) for name in ("state", "limits")])

    def write(_client, _data, message):
        # mosquitto gives what is retained to each worker of a group, and it was live for one of them before.
        text = None if message.retain else line(message.topic, message.payload, time.time())
        if text is not None:
            print(text, flush=True)

    if hasattr(mqtt, "CallbackAPIVersion"):
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    else:
        client = mqtt.Client(protocol=mqtt.MQTTv5)
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

#!/usr/bin/env python3
"""Runs the example on this machine: three NATS nodes with TLS, bridges with simulated packs, two readers, VictoriaMetrics.

    check.py PROGRAM [--sites N] [--packs N] [--seconds N] [--economy off|normal|low]

PROGRAM is the bms-mqtt to try. It measures the load, kills a node, starts it again, and asks the questions of queries.txt; 15 minutes.
Needs nats-server, victoria-metrics, openssl, python3-paho-mqtt.
"""
import argparse
import json
import pathlib
import re
import shutil
import signal
import statistics
import sys
import time
import types
import urllib.parse
import urllib.request

import paho.mqtt.client as mqtt

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from checks import expect, said, wait  # noqa: E402
from read_nats import Connection  # noqa: E402
from world import World  # noqa: E402


class Database:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.queries = {}
        for row in (HERE / "queries.txt").read_text(encoding="utf-8").splitlines():
            if row and not row.startswith("#"):
                name, _, query = row.partition(": ")
                # A word behind a bar stands for an expression, as WITH does.
                query, _, words = query.partition(" | ")
                self.queries[name] = f"WITH ({words}) {query}" if words else query

    def get(self, path, **words):
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(words)}", timeout=30) as answer:
            return answer.read().decode()

    def ask(self, query):
        """Labels and numbers of the answer."""
        # nocache: what has just come counts.
        rows = json.loads(self.get("/api/v1/query", query=self.queries.get(query, query), nocache=1))["data"]["result"]
        return [(row["metric"], float(row["value"][1])) for row in rows]

    def times(self, since):
        """Times of the limits of each pack and bank."""
        rows = self.get("/api/v1/export", **{"match[]": "bms_limits_ccl", "start": str(int(since))}).splitlines()
        return {(row["metric"]["site"], row["metric"]["pack"]): [at / 1000 for at in row["timestamps"]] for row in map(json.loads, rows)}

    def write(self, lines):
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/write", "\n".join(lines).encode()), timeout=30).close()


def load(world, seconds):
    """Processor time and memory of each kind of process, and messages."""
    def ticks(child):
        words = pathlib.Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / 100

    def resident(child):
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{child.pid}/status").read_text()).group(1)) / 1000
    groups = {"NATS, each node": world.nodes, "bridge, each": world.bridges, "reader, each": world.readers, "VictoriaMetrics": [world.database]}
    begin = time.time()
    before = {name: [ticks(one) for one in group] for name, group in groups.items()}
    messages = [world.figures(node)["in_msgs"] for node in range(3)]
    witness = Connection(world.native(0), types.SimpleNamespace(
        cafile=str(world.work / "ca.crt"), user="timeseries", password_file=str(world.password("timeseries")), group=""))
    shared, heard = world.delivered("tsdb"), 0
    while time.time() - begin < seconds:
        message = witness.message()
        heard += bool(message and message[0])
    passed = time.time() - begin
    written = world.delivered("tsdb")
    witness.socket.close()
    total = sum(written.values()) - sum(shared.values())
    came = sum(world.figures(node)["in_msgs"] for node in range(3)) - sum(messages)
    expect(abs(total - heard) <= 2 + heard * 0.02, f"each message went to one reader: {heard} heard, {total} shared by {len(written)}")
    expect(all(written[one] - shared.get(one, 0) > 0.1 * total for one in written), "both readers had work")
    said(f"     {heard / passed:.1f} documents/s for the database, {came / passed:.1f} messages/s into the nodes with their own")
    for name, group in groups.items():
        shares = [100 * (ticks(one) - old) / passed for one, old in zip(group, before[name])]
        said(f"     {name}: {max(shares):.1f} % of a core at most, {max(resident(one) for one in group):.0f} MB")


def fresh(database, packs, since, what, bound):
    """Seconds from a moment until the database has limits from after it, pack by pack."""
    def found():
        times = database.times(since - 1)
        return {pack: next((at - since for at in times.get(pack, []) if at > since), None) for pack in packs}
    end = time.monotonic() + bound
    while time.monotonic() < end and None in found().values():
        time.sleep(1)
    time.sleep(3)
    seconds = found()
    late = [pack for pack, value in seconds.items() if value is None]
    expect(not late, f"{what}: fresh limits of every pack")
    values = sorted(seconds.values())
    said(f"     {what}: fresh limits after {statistics.median(values):.1f} s (median), {values[-1]:.1f} s (last of {len(values)} packs)")


def gaps(database, since, what):
    times = database.times(since - 30)
    longest = [max(after - at for at, after in zip(row, row[1:])) for row in times.values() if len(row) > 1]
    ages = [value for _, value in database.ask("max(max_over_time(bms_limits_age[5m]))")]
    said(f"     {what}: longest time between two limits of a pack in the database {max(longest):.1f} s (median {statistics.median(longest):.1f} s); "
         f"oldest when written {max(ages):.1f} s")
    expect(max(ages) < 30, "no limit was 30 s old when it was written")


def questions(world, database):
    def packs(name):
        return sorted(f"{labels['site']}/{labels['pack']}" for labels, _ in database.ask(name))
    wait(lambda: packs("near-empty"), 240, "a pack that is near empty")
    expect(packs("near-empty") == ["site-1/empty"], f"near empty: {packs('near-empty')}")
    # That pack is charged first; its cells part in the end of the charge, ten minutes after its start.
    wait(lambda: packs("unequal"), 600, "a pack with unequal cells")
    expect(packs("unequal") == ["site-1/imbalanced"], f"cells further apart than the fleet's: {packs('unequal')}")
    # The past of two packs is made up: a week is longer than this check.
    now, lines = time.time(), []
    for hours in range(0, 8 * 24 * 12):
        at = now - hours * 300
        old = hours > 7 * 24 * 12 - 288
        # Most often the twelfth cell is the lowest, and the median of the numbers is 5.
        lowest = (12, 3, 5, 12, 5, 3, 12, 5, 12, 3)[hours % 10]
        for pack, spread in (("steady", 0.012), ("drifts", 0.012 if old else 0.031)):
            lines.append(f"bms_state,site=past,pack={pack},kind=pack cell_min={3.3 - spread},cell_max=3.3,cell_lowest={lowest} "
                         f"{round(at) * 10**9}")
    for first in range(0, len(lines), 1000):
        database.write(lines[first:first + 1000])
    wait(lambda: packs("drift") == ["past/drifts"], 60, "the drift of a weakest cell")
    expect(True, "a weakest cell that drifts is found, and not the steady one (their past is made up)")
    expect(dict((labels["pack"], value) for labels, value in database.ask("weakest")).get("drifts") == 12, "its number is told")
    energy = {labels["site"]: value for labels, value in database.ask("energy")}
    expect(len(energy) >= len(world.bridges) and min(energy.values()) > 0, f"energy of each site: {sum(energy.values()):.0f} kWh in all")
    stored = {labels["pack"]: value for labels, value in database.ask('last_over_time(bms_state_energy_stored{site="site-1"}[5m])')}
    bank = stored.pop("both")
    expect(abs(bank - stored["pack-1"] - stored["pack-2"]) < 0.5, f"a bank stores what its two packs store: {bank:.1f} kWh")
    expect(abs(energy["site-1"] - sum(stored.values())) < 0.5, "and does not count a second time")
    late = {labels["site"]: value for labels, value in database.ask("late")}
    expect(len(late) >= len(world.bridges) and max(late.values()) < 30, f"oldest limits of each site: {max(late.values()):.1f} s at most")
    blocked = packs("no-charge")
    expect(len(blocked) < len(world.packs) / 2, f"packs that may not be charged: {', '.join(blocked) or 'none'}")
    world.simulators["empty"].kill()
    wait(lambda: packs("silent") == ["site-1/empty"], 240, "the silence of a pack")
    ages = dict((f"{labels['site']}/{labels['pack']}", value) for labels, value in database.ask("lag(bms_limits_ccl[7d])"))
    expect(ages["site-1/empty"] < 60, "a pack that is silent is named, though its limits go on")
    expect("site-1/empty" not in packs("no-charge"), "and is not among those that may not be charged")
    world.bridges[-1].kill()
    world.bridges[-1].wait()
    site = f"site-{len(world.bridges)}"
    silent = sorted(["site-1/empty"] + [f"{one}/{pack}" for one, pack in world.packs if one == site])
    wait(lambda: packs("silent") == silent, 200, f"silence of {site}")
    expect(True, f"the {len(silent) - 1} packs of a bridge that was killed are named as silent, too")


def operator(world):
    """Logs in as the operator: the whole fleet by one filter, commands with one setting and with several, and nothing else."""
    site, pack = world.packs[-1]
    base = f"fleet/{site}/bms/{pack}"
    heard, granted = [], []
    client = mqtt.Client(client_id="operator", protocol=mqtt.MQTTv311)
    client.on_message = lambda _c, _d, message: heard.append((message.topic, message.payload))
    client.on_subscribe = lambda _c, _d, _m, codes: granted.extend(codes)
    client.username_pw_set("operator", "operator-secret")
    client.tls_set(str(world.work / "ca.crt"))
    client.connect("localhost", world.mqtt[1])
    client.loop_start()
    client.subscribe("fleet/#", 0)
    wait(lambda: granted, 20, "an answer to the operator's subscription")
    expect(granted[0] < 128, "the operator sees the fleet with one filter")
    for command, payload in ((f"{base}/set/maxChargeCurrent", "21"), (f"{base}/set", '{"maxChargeCurrent":22}')):
        before = len(heard)
        client.publish(command, payload, qos=1)
        wait(lambda: any(topic == f"{base}/result" for topic, _ in heard[before:]), 20, f"an answer to {command}")
        answers = [json.loads(payload) for topic, payload in heard[before:] if topic == f"{base}/result"]
        expect(answers[-1]["accepted"], f"the operator commands by {command}")
    client.publish(f"{base}/state", "forged", qos=1)
    client.publish("fleet/operator/bms/pack-1/state", "forged", qos=1)
    time.sleep(3)
    expect(all(payload != b"forged" for _, payload in heard), "and cannot pretend to be a site")
    client.loop_stop()
    client.disconnect()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--sites", type=int, default=5)
    parser.add_argument("--packs", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=60, help="of the measurement of the load")
    parser.add_argument("--economy", default="low")
    options = parser.parse_args()
    program = shutil.which(options.program)
    if not program:
        raise SystemExit(f"'{options.program}' is no program: name the bms-mqtt to run, such as .build/release/bms-mqtt")
    # However it is told to end, nothing that it started stays.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    world = World(str(pathlib.Path(program).resolve()), options)
    try:
        run(world, options)
    finally:
        world.end()
    said("all of it held")


def leave(number, _):
    # A second signal must not end the clearing up.
    signal.signal(number, signal.SIG_IGN)
    sys.exit(1)


def run(world, options):
    world.start()
    database = Database(world.database_port)
    begin = time.time()
    wait(lambda: len(database.times(begin - 60)) == options.packs + 1, 180, f"limits of {options.packs} packs and a bank")
    expect(True, f"limits of {options.packs} packs from {options.sites} bridges are in the database after {time.time() - begin:.0f} s")
    time.sleep(20)
    operator(world)
    load(world, options.seconds)

    world.nodes[0].kill()
    world.nodes[0].wait()
    killed = time.time()
    said("     a node is killed")
    fresh(database, world.packs, killed, "node killed", 120)
    time.sleep(15)
    gaps(database, killed, "node killed")
    world.start_node(0)
    back = time.time()
    said("     the node is back")
    time.sleep(75)
    fresh(database, world.packs, back + 70, "node back", 60)
    gaps(database, back, "node back")
    expect(world.clients(0) > 0, f"the first node serves {world.clients(0)} MQTT clients again")
    questions(world, database)


if __name__ == "__main__":
    main()

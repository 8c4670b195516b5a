#!/usr/bin/env python3
"""Packs in parallel under the limits of a bank: does any trip, does any carry more than its limit?

  python3 Benchmarks/parallel/run.py --program .build/release/bms-mqtt [--scenario NAME] [--markdown FILE]

Charger and inverter obey the answers of `bms-mqtt limits --bank`. Needs python3 and numpy.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

from bank import CELLS, Bus, Pack, Power

WARM = 20            # seconds in which everything starts; no current flows
ALLOWED = 10         # seconds; a current is compared with the highest own limit of this time, because the inverter is 2 s late


@dataclass
class Scenario:
    name: str
    packs: list
    wanted: object = lambda t: 0.0           # demand of the house, A
    available: object = lambda t: 0.0        # current of the charger, A
    seconds: int = 3600
    silent: object = lambda t: set()         # packs with an unplugged data cable
    happen: object = lambda t, packs: None   # events of the packs
    disconnected: list = field(default_factory=list)
    exempt: set = field(default_factory=set)   # packs that no limit reaches while they are silent
    power: dict = field(default_factory=dict)  # options of charger and inverter
    restart: int = 0                           # seconds between two kills of the program; 0: none
    most_in: float = 1e9                       # charge that is allowed, Ah
    late: int = 0                              # additional seconds in which a fallen limit is not obeyed


def four(**last):
    return [dict(seed=n + 1) | (last if n == 3 else {}) for n in range(4)]


def cycle(t):
    """The largest load of the inverter for ten minutes, then a rest."""
    return 1e4 if t < 600 else 0.0


def after(t):
    """The largest current of the charger."""
    return 1e4 if t >= 900 else 0.0


def cut(at, index, **what):
    def happen(t, packs):
        if t == at:
            for name, value in what.items():
                setattr(packs[index], name, value)
    return happen


def fault(start, end, index, which="fault"):
    def happen(t, packs):
        setattr(packs[index], which, start <= t < end)
    return happen


SCENARIOS = [
    Scenario("four equal packs, all that is allowed out and in", four(soc=.5), cycle, after, 2700),
    Scenario("one with twice the resistance", four(resistance=2.0), cycle, after, 2700),
    Scenario("one with half the resistance", four(resistance=.5), cycle, after, 2700),
    Scenario("100, 100, 200 and 300 Ah", [dict(seed=n + 1, ah=a) for n, a in enumerate((100, 100, 200, 300))], cycle,
             after, 2700),
    Scenario("two packs, 30 % of charge apart", [dict(soc=.8, seed=1), dict(soc=.5, seed=2)], cycle, after, 2700),
    Scenario("one full much earlier, modes normal",
             [dict(soc=.93, seed=1, mode="normal"), dict(soc=.6, seed=2, mode="normal"),
              dict(soc=.6, seed=3, mode="normal")], lambda t: 1e4 if t >= 4800 else 0.0,
             lambda t: 1e4 if t < 4800 else 0.0, 5700),
    Scenario("one emptier, until empty", [dict(soc=.20, seed=1), dict(soc=.35, seed=2), dict(soc=.35, seed=3)],
             lambda t: 1e4, seconds=3600),
    Scenario("one at 4 degC: charging", four(temperature=4.0, soc=.3), lambda t: 1e4 if t > 1800 else 0.0,
             lambda t: 1e4 if t <= 1800 else 0.0, 2400),
    Scenario("load of 285 A, one of four falls silent and stays on the bus", four(soc=.9), lambda t: 285.0, seconds=1500,
             silent=lambda t: {3} if t >= 600 else set(), exempt={3}),
    Scenario("load of 285 A, one of four dies: silent and off", four(soc=.9), lambda t: 285.0, seconds=1500,
             silent=lambda t: {3} if t >= 600 else set(), happen=cut(600, 3, connected=False)),
    Scenario("load of 285 A, a silent one comes back after ten minutes", four(soc=.95), lambda t: 285.0, seconds=1800,
             silent=lambda t: {3} if 300 <= t < 900 else set(), exempt={3}),
    Scenario("load of 285 A, one BMS opens its relays for five minutes", four(soc=.9), lambda t: 285.0, seconds=1500,
             happen=fault(600, 900, 3)),
    Scenario("the same without contact positions on the wire",
             [dict(seed=n + 1, soc=.9, key16=False) for n in range(4)], lambda t: 285.0, seconds=1500,
             happen=fault(600, 900, 3)),
    Scenario("load of 285 A, one BMS forbids discharging alone, contacts not wired",
             [dict(seed=n + 1, soc=.9, key16="unwired") for n in range(4)], lambda t: 285.0, seconds=1500,
             happen=fault(600, 900, 3, "load_fault")),
    Scenario("load of 285 A, one of four off by the file", four(soc=.9, connected=False), lambda t: 285.0, seconds=1200,
             silent=lambda t: {3}, disconnected=["d"]),
    Scenario("charging with one silent on the bus", four(soc=.5), available=lambda t: 1e4, seconds=1800,
             silent=lambda t: {3} if t >= 600 else set(), exempt={3}),
    Scenario("frozen, chargers 0.4 V above CVL that ignore CCL", four(temperature=-5.0, tmin=-20.0), lambda t: 4.0, after,
             5400, power=dict(offset=.4, obeys=("cvl", "dcl")), most_in=8.0),
    Scenario("the same, killed each minute", four(temperature=-5.0, tmin=-20.0), lambda t: 4.0, after, 5400,
             power=dict(offset=.4, obeys=("cvl", "dcl")), most_in=8.0, restart=60),
    Scenario("an inverter that knows DCL 0 alone, to empty", four(soc=.2), lambda t: 120.0, seconds=3600,
             power=dict(obeys=("cvl", "ccl", "zero"))),
    Scenario("the same, killed each minute", four(soc=.2), lambda t: 120.0, seconds=3600,
             power=dict(obeys=("cvl", "ccl", "zero")), restart=60),
    Scenario("chargers that obey CCL alone, to full", four(soc=.9), available=after, seconds=5400,
             power=dict(obeys=("ccl", "dcl"))),
    Scenario("chargers that obey CCL 45 s late, to full", four(soc=.9), available=after, seconds=5400,
             power=dict(ccl_late=45), late=45),
    Scenario("load that jumps each 7 s between 20 and 380 A", four(resistance=1.5, soc=.9),
             lambda t: 380.0 if t // 7 % 2 else 20.0, seconds=1800),
]


def configuration(packs, disconnected):
    names = "abcdefgh"[:len(packs)]
    text = "packs:\n"
    for name, pack in zip(names, packs):
        text += (f"  - id: {name}\n    source: replay:{name}\n    chemistry: lfp\n    mode: {pack.mode}\n    limits:\n"
                 f"      maxChargeCurrent: {pack.ah / 2}\n      maxDischargeCurrent: {pack.ah}\n")
    text += f"banks:\n  - id: bank\n    packs: [{', '.join(names)}]\n"
    return text + (f"    disconnected: [{', '.join(disconnected)}]\n" if disconnected else ""), names


class Filter:
    """`bms-mqtt limits --bank` as a child: a line in, a line out. With `keeps` its state survives `restart`."""

    def __init__(self, program, text, keeps=False):
        self.file = tempfile.NamedTemporaryFile("w", suffix=".yaml")
        self.file.write(text)
        self.file.flush()
        self.command = [program, "limits", "--config", self.file.name, "--bank", "bank"]
        self.folder = tempfile.TemporaryDirectory() if keeps else None
        if keeps:
            self.command += ["--state", self.folder.name + "/state.json"]
        self.start()

    def start(self):
        self.child = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def restart(self):
        self.child.kill()
        self.child.wait()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait()
        self.file.close()
        if self.folder:
            self.folder.cleanup()

    def ask(self, t, frames):
        """The answer to the packs' frames, each in hex or None."""
        self.child.stdin.write(json.dumps({"t": t, "frames": frames}) + "\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())


def run(program, scenario, trace=None):
    packs = []
    for options in scenario.packs:
        pack = Pack(**{key: value for key, value in options.items() if key != "connected"})
        pack.connected = options.get("connected", True)
        packs.append(pack)
    text, names = configuration(packs, scenario.disconnected)
    bus = Bus(packs)
    power = Power(bus, sum(p.ah for p in packs) * 2, sum(p.ah for p in packs) * 2, **scenario.power)
    with Filter(program, text, keeps=scenario.restart > 0) as bank:
        return follow(scenario, packs, names, power, bank, trace)


def follow(scenario, packs, names, power, bank, trace):
    bad = {"seconds": 0, "most": 0.0, "unserved": 0.0, "cell": 0.0, "black": 0, "out": 0.0, "in": 0.0, "turns": [0, 0]}
    recent = {n: [] for n in names}
    zero = {n: [-1e9, -1e9] for n in names}
    turning = [[None, 0], [None, 0]]
    for t in range(-WARM, scenario.seconds):
        if t >= 0:
            scenario.happen(t, packs)
        wanted = scenario.wanted(t) if t >= 0 else 0.0
        total, sums, unserved = power.step(scenario.available(t) if t >= 0 else 0.0, wanted)
        for p in packs:
            p.step(sums.get(id(p), 0.0))
            p.sample(t)
        silent = scenario.silent(t)
        frames = {n: None if i in silent else p.frame().hex() for i, (n, p) in enumerate(zip(names, packs))}
        if scenario.restart and t > 0 and t % scenario.restart == 0:
            bank.restart()
        answer = bank.ask(t + WARM, frames)
        if answer["cvl"] is None and t > 0:
            answer = before    # a bridge that starts sends nothing yet, so the last document is valid
        before = answer
        limits = [answer[k] or 0.0 for k in ("cvl", "ccl", "dcl")]
        power.command(tuple(limits))
        if t < 0:
            continue
        bad["out" if total < 0 else "in"] += abs(total) / 3600
        # In the first minute the bank measures the shares.
        if unserved > 1 and wanted < 1e4 and t >= 60:
            bad["unserved"] += unserved / 3600
        if limits[2] == 0 and wanted:
            bad["black"] += 1
        for k in (0, 1):
            base, direction = turning[k]
            value = limits[k + 1]
            if base is None or abs(value - base) >= 2:
                new = 0 if base is None else 1 if value > base else -1
                bad["turns"][k] += int(direction and new and new != direction)
                turning[k] = [value, new or direction]
        worst = 0.0
        for i, (n, p) in enumerate(zip(names, packs)):
            bad["cell"] = max(bad["cell"], float(p.cells.max()))
            own = answer["packs"][n]
            recent[n] = (recent[n] + [(own["ccl"] or 0.0, own["dcl"] or 0.0)])[-ALLOWED - scenario.late:]
            if i in scenario.exempt and (i in silent or i in scenario.silent(t - 120)):
                continue
            for k, key in enumerate(("ccl", "dcl")):
                zero[n][k] = zero[n][k] if own[key] else t
            current = p.current
            allowed = max(x[0] if current > 0 else x[1] for x in recent[n])
            side = 0 if current > 0 else 1
            # A pack that was away rises from 0 by its own slew; the bank uses the value that its constraints allow.
            if 0 < t - zero[n][side] < 60:
                allowed = max(allowed, p.ah / 2 if side == 0 else p.ah)
            # Packs at different charge exchange current without charger or inverter; no limit can stop that.
            external = total > 0 if current > 0 else total < 0
            if abs(current) < 2 or abs(total) < 5 or not external:
                continue
            # If the charger does not know CCL, its total charge counts, and not each second.
            if current > 0 and scenario.most_in < 1e9:
                continue
            worst = max(worst, abs(current) / max(allowed, .5))
            bad["most"] = max(bad["most"], abs(current) / max(allowed, .5))
        bad["seconds"] += worst > 1.05
        if trace and t % trace == 0:
            shares = " ".join(
                f"{n}:{p.current:.0f}/{answer['packs'][n]['ccl' if p.current > 0 else 'dcl']}" for n, p in zip(names, packs))
            print(t, limits, f"{total:.0f}", shares, answer["reasons"]["dcl" if wanted else "ccl"], file=sys.stderr)
    bad["trips"] = sum(p.trips for p in packs)
    bad["seconds"] += int(max(0.0, bad["in"] - scenario.most_in) * 3600)
    return bad


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--scenario", default="")
    parser.add_argument("--markdown")
    parser.add_argument("--trace", type=int)
    options = parser.parse_args()
    lines = ["| situation | trips | most of a pack's own limit | s above it | Ah out, in | turns of CCL, DCL | house in the dark |",
             "|---|---|---|---|---|---|---|"]
    failed = 0
    for scenario in SCENARIOS:
        if not any(part in scenario.name for part in options.scenario.split("|")):
            continue
        r = run(options.program, scenario, options.trace)
        dark = f"{r['black']} s, {r['unserved']:.1f} Ah" if r["black"] or r["unserved"] > .05 else "no"
        lines.append(f"| {scenario.name} | {r['trips']} | {r['most'] * 100:.0f} % | {r['seconds']} | {r['out']:.0f}, {r['in']:.0f}"
                     f" | {r['turns'][0]}, {r['turns'][1]} | {dark} |")
        print(lines[-1], f"<!-- highest cell {r['cell']:.3f} V -->", flush=True)
        failed += r["trips"] + r["seconds"]
    if options.markdown:
        with open(options.markdown, "w") as file:
            file.write("\n".join(lines) + "\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

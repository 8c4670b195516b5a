#!/usr/bin/env python3
"""Random banks under the limits of `bms-mqtt limits --bank`: is any pack above its own limit, does any limit oscillate?

  python3 Benchmarks/parallel/fuzz.py --program .build/release/bms-mqtt --seeds 1-100 [--markdown FILE] [--trace FROM-TO]

A seed makes two to four packs of 50 to 300 Ah with different capacity, charge, resistance and temperature, a load or a charger, and in
every third bank events. Charger and inverter are two seconds late. The exit code is 1 if a bank fails. README.md describes the counts.
"""
import argparse
import sys
from dataclasses import dataclass, field

import numpy as np

from bank import Bus, Pack, Power
from run import WARM, Filter, configuration

OVER, GRACE = 1.2, 5     # a pack may be above 120 % of its own limit for five seconds
LEAST = .05              # of C; a smaller limit counts as this one
FELL = 5                 # seconds; the highest limit of this time counts, because the inverter is two seconds late
SETTLING = 30            # seconds after an event in which the packs balance by exchange
TURN = 2.0               # A; a smaller move does not count as a turn
LATE = 3                 # seconds after a relay has opened in which no limit reaches the inverter
MOST_TURNS = 4           # an hour, at constant power


@dataclass
class Plan:
    """A random bank with its events."""
    packs: list
    kind: str
    wanted: object
    available: object
    seconds: int
    events: list = field(default_factory=list)       # (first second, last, pack, what)


def steps(rng, most, seconds):
    """A load in steps that last 20 s to 10 min each."""
    at, levels = 0, []
    while at < seconds:
        length = int(rng.integers(20, 600))
        levels += [float(rng.uniform(0, most)) if rng.random() < .85 else 0.0] * length
        at += length
    return lambda t: levels[t]


def pulses(rng, most):
    """A load that comes and goes."""
    period, low, high = int(rng.integers(6, 60)), float(rng.uniform(0, .2) * most), float(rng.uniform(.3, 1) * most)
    return lambda t: high if t // period % 2 else low


def befall(rng, count, seconds):
    """Silence, a BMS that forbids, or a data cable that flaps."""
    events = []
    for _ in range(int(rng.integers(1, 4))):
        pack, at = int(rng.integers(count)), int(rng.integers(300, seconds - 600))
        what = ("silent", "forbids", "no discharge", "flaps")[int(rng.integers(4))]
        if what == "flaps":
            for k in range(int(rng.integers(3, 12))):
                events.append((at + 40 * k, at + 40 * k + int(rng.integers(2, 25)), pack, "silent"))
        else:
            events.append((at, at + int(rng.integers(20, 500)), pack, what))
    return events


def plan(seed):
    """The bank of a seed."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 5))
    kind = ("constant", "steps", "pulses", "empty", "empty", "full")[int(rng.integers(6))]
    base = {"empty": rng.uniform(.08, .3), "full": rng.uniform(.8, .95)}.get(kind, rng.uniform(.3, .9))
    apart = rng.choice([.01, .05, .15])
    key16 = [True, True, False, "unwired"][int(rng.integers(4))]
    mode = "normal" if rng.random() < .3 else "critical"
    blind = int(rng.integers(count)) if rng.random() < .15 else None
    packs = [dict(ah=float(rng.choice([50, 75, 100, 150, 200, 280, 300])),
                  soc=float(np.clip(base + rng.uniform(-apart, apart), .04, .985)),
                  resistance=float(np.exp(rng.uniform(np.log(.5), np.log(2)))), temperature=float(rng.uniform(8, 35)),
                  seed=1000 * seed + k, key16=key16, mode=mode, sensor=k != blind) for k in range(count)]
    total = sum(p["ah"] for p in packs)
    seconds = 3600
    most = total * rng.uniform(.1, 1.1)
    load = {"steps": steps(rng, most, seconds), "pulses": pulses(rng, most)}.get(kind, lambda t: most)
    wanted, available = load, lambda t: 0.0
    if kind == "full" or (kind != "empty" and rng.random() < .3):
        wanted, available = lambda t: 0.0, load
    events = befall(rng, count, seconds) if rng.random() < 1 / 3 else []
    return Plan(packs, kind, wanted, available, seconds, events)


class Watch:
    """Counts the faults of one bank."""

    def __init__(self, plan, packs):
        self.plan, self.packs = plan, packs
        self.over = self.short = self.most = self.unserved = 0
        self.turns, self.turning = [0, 0], [[None, 0], [None, 0]]
        self.own = [[] for _ in packs]
        self.since = [0] * len(packs)
        self.zero = [[-1e9, -1e9] for _ in packs]
        self.trips = self.at_once = 0

    def near_event(self, t, pack=None):
        return any(pack == index and start <= t < end + 90 or 0 <= t - start < SETTLING + 10 or 0 <= t - end < SETTLING + 10
                   for start, end, index, _ in self.plan.events)

    def turn(self, limits):
        for k in (0, 1):
            base, direction = self.turning[k]
            if base is None or abs(limits[k] - base) >= TURN:
                new = 0 if base is None else 1 if limits[k] > base else -1
                self.turns[k] += int(direction and new and new != direction)
                self.turning[k] = [limits[k], new or direction]

    def look(self, t, total, own, limits, asked):
        """Evaluates a second: the packs' own limits, those of the bank, and the demand; charging is positive, both are (in, out)."""
        side = 0 if total > 0 else 1
        sign = 1 if total > 0 else -1
        # No limit can hold the current that the others get in the second in which a BMS opens its relay: the inverter is two seconds late.
        new = sum(pack.trips for pack in self.packs) - self.trips - self.at_once
        if any(e[3] in ("forbids", "no discharge") and 0 <= t - e[0] <= LATE for e in self.plan.events):
            self.at_once += new
        else:
            self.trips += new
        for k, pack in enumerate(self.packs):
            self.own[k] = (self.own[k] + [own[k]])[-FELL:]
            # A BMS that ends its charge, forbids or permits again is an event, after which the count of turns starts again.
            if len(self.own[k]) > 1 and any((a == 0) != (b == 0) for a, b in zip(*self.own[k][-2:])):
                self.turning = [[None, 0], [None, 0]]
            self.zero[k][side] = t if own[k][side] == 0 else self.zero[k][side]
            allowed = max(max(x[side] for x in self.own[k]), LEAST * pack.ah)
            # A pack that was away rises from 0 by its own slew; the bank uses the value that its constraints allow.
            if 0 < t - self.zero[k][side] < 60:
                allowed = max(allowed, pack.ah / 2 if side == 0 else pack.ah)
            ratio = sign * pack.current / allowed
            # Packs exchange current at rest as well, which no limit causes.
            isOver = abs(total) >= 5 and ratio > OVER and not self.near_event(t, k)
            self.since[k] = self.since[k] + 1 if isOver else 0
            if self.since[k] > GRACE:
                self.over += 1
            if abs(total) >= 5 and not self.near_event(t, k):
                self.most = max(self.most, ratio)
        if t >= 60:
            self.turn(limits)
            self.serve(t, total, limits, asked)

    def serve(self, t, total, limits, asked):
        """Seconds in which the bank allows less than the demand, although the packs' true shares of it fit their limits."""
        side = 0 if asked[0] > asked[1] else 1
        sign = 1 if side == 0 else -1
        taking = [k for k, p in enumerate(self.packs) if p.connected and p.charge_ok and p.load_ok]
        if self.near_event(t) or len(taking) < len(self.packs):
            return
        conductance = sum(1 / p.resistance for p in self.packs)
        room = []
        for k, p in enumerate(self.packs):
            share = 1 / p.resistance / conductance
            room.append((min(x[side] for x in self.own[k]) - sign * (p.current - share * total)) / share)
        fits = min(asked[side], .85 * min(room))
        if limits[side] < fits - 2:
            self.short += 1
            self.unserved += (fits - limits[side]) / 3600


def run(program, seed, trace=None):
    """The verdict on a seed."""
    p = plan(seed)
    packs = [Pack(**options) for options in p.packs]
    text, names = configuration(packs, [])
    bus = Bus(packs)
    power = Power(bus, sum(x.ah for x in packs) * 2, sum(x.ah for x in packs) * 2)
    watch = Watch(p, packs)
    with Filter(program, text) as bank:
        for t in range(-WARM, p.seconds):
            now = [e for e in p.events if e[0] <= t < e[1]]
            for k, pack in enumerate(packs):
                pack.fault = any(e[2] == k and e[3] == "forbids" for e in now)
                pack.load_fault = any(e[2] == k and e[3] == "no discharge" for e in now)
            asked = (p.available(t), p.wanted(t)) if t >= 0 else (0.0, 0.0)
            total, sums, _ = power.step(*asked)
            for pack in packs:
                pack.step(sums.get(id(pack), 0.0))
                pack.sample(t)
            silent = {e[2] for e in now if e[3] == "silent"}
            answer = bank.ask(t + WARM, {n: None if k in silent else pack.frame().hex()
                                         for k, (n, pack) in enumerate(zip(names, packs))})
            power.command(tuple(answer[key] or 0.0 for key in ("cvl", "ccl", "dcl")))
            if t < 0:
                continue
            own = [(answer["packs"][n]["ccl"] or 0.0, answer["packs"][n]["dcl"] or 0.0) for n in names]
            watch.look(t, total, own, (answer["ccl"] or 0.0, answer["dcl"] or 0.0), asked)
            if trace and trace[0] <= t < trace[1]:
                side = "dcl" if asked[1] else "ccl"
                print(t, "asked", [round(x) for x in asked], side, answer[side], f"total {total:.1f}", " ".join(
                    f"{n}:{pack.current:.1f}/{answer['packs'][n][side]}@{answer['packs'][n]['dischargeShare']}"
                    for n, pack in zip(names, packs)), answer["reasons"][side], file=sys.stderr)
    return p, watch


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--seeds", default="1-100")
    parser.add_argument("--markdown")
    parser.add_argument("--trace", help="FROM-TO in seconds")
    options = parser.parse_args()
    first, last = [int(x) for x in (options.seeds.split("-") * 2)[:2]]
    trace = [int(x) for x in options.trace.split("-")] if options.trace else None
    lines = ["| seed | packs, Ah | load | events | most of an own limit | s above 120 % beyond 5 s | turns of CCL, DCL | short | trips | |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    bad = 0
    for seed in range(first, last + 1):
        p, watch = run(options.program, seed, trace)
        is_constant = p.kind not in ("steps", "pulses") and not p.events
        turns = max(watch.turns) * 3600 / p.seconds
        failed = watch.over > 0 or watch.trips > 0 or (is_constant and turns > MOST_TURNS)
        bad += failed
        blind = "" if all(x["sensor"] for x in p.packs) else ", one without sensor"
        direction = "charging" if p.available(p.seconds - 1) or not any(p.wanted(t) for t in range(0, p.seconds, 7)) else "discharging"
        lines.append(
            f"| {seed} | {', '.join(str(int(x['ah'])) for x in p.packs)}{blind} | {p.kind}, {direction} | "
            f"{', '.join(sorted({e[3] for e in p.events})) or 'no'} | {watch.most * 100:.0f} % | {watch.over} | "
            f"{watch.turns[0]}, {watch.turns[1]} | {watch.short} s, {watch.unserved:.1f} Ah | {watch.trips}{', at once ' + str(watch.at_once) if watch.at_once else ''} | {'FAILS' if failed else 'holds'} |")
        print(lines[-1], flush=True)
    print(f"{last - first + 1 - bad} of {last - first + 1} banks hold", flush=True)
    if options.markdown:
        with open(options.markdown, "w") as file:
            file.write("\n".join(lines) + "\n")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()

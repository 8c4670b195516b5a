"""A simulated day: the frames of each second, read by python-can and decoded by an independent decoder, against 'bms-mqtt limits'."""
import collections
import json
import math
import os
import subprocess
import sys
import tempfile

import can

from canlib import decoder

SCENARIOS = ["day", "full", "imbalanced", "cold", "fault", "silence"]


def lines(program, scenario, seconds):
    simulator = subprocess.Popen([program, "simulate", "--stdout", "--scenario", scenario, "--speed", "10000"], stdout=subprocess.PIPE)
    raw = simulator.stdout.read(58 * seconds)
    simulator.kill()
    simulator.wait()
    frames = [raw[at:at + 58].hex() for at in range(0, len(raw), 58)]
    # 'silence' leaves out frames, so its raw bytes have no times: silence is put in here, 15 s and then 90 s of it.
    second = 0
    for number, frame in enumerate(frames):
        gap = {200: 15, 1000: 90}.get(number % 3600, 0) if scenario == "silence" else 0
        for _ in range(gap):
            yield {"t": second, "frame": None}
            second += 1
        yield {"t": second, "frame": frame}
        second += 1


def compare(program, kind, scenario, seconds):
    with tempfile.TemporaryDirectory() as folder:
        source, log = os.path.join(folder, "lines"), os.path.join(folder, "frames.log")
        with open(source, "w") as file:
            for line in lines(program, scenario, seconds):
                file.write(json.dumps(line) + "\n")
        with open(source) as file:
            answers = subprocess.run([program, "limits"], check=True, stdin=file, stdout=subprocess.PIPE).stdout.splitlines()
        with open(log, "w") as file:
            subprocess.run([program, "can", "--print", "--protocol", kind, source], check=True, stdout=file)
        heard = collections.defaultdict(dict)
        for message in can.LogReader(log):
            heard[round(message.timestamp)].setdefault(message.arbitration_id, bytes(message.data))
        faults, told, silent = [], 0, 0
        for answer in map(json.loads, answers):
            frames = heard.get(round(answer["t"]), {})
            if 0x351 not in frames:
                silent += 1
                if answer["cvl"] is not None and answer["dcl"] > 0:
                    faults.append((answer["t"], "silence, and limits permit " + json.dumps(answer)[:120]))
                continue
            told += 1
            got = decoder.numbers(0x351, frames[0x351])
            for name in "cvl", "ccl", "dcl":
                want = math.floor(answer[name] * 10 + 1e-6) / 10
                if answer[name] is None or abs(got[name] - want) > 1e-6:
                    faults.append((answer["t"], f"{name}: {got[name]} on the bus, {answer[name]} by limits"))
            expected = decoder.VICTRON if kind == "victron" else decoder.PYLONTECH
            if list(frames) != expected:
                faults.append((answer["t"], f"frames {[hex(can_id) for can_id in frames]}"))
        print(f"| {kind} | {scenario} | {len(answers)} | {told} | {silent} | {len(faults)} |", flush=True)
        for time, text in faults[:5]:
            print(f"check-can: {kind}, {scenario}, second {time}: {text}", file=sys.stderr)
        return not faults and told > 0


def main(program, seconds):
    print("| protocol | scenario | seconds | with limits on the bus | silent | differences |\n|---|---|---|---|---|---|")
    results = [compare(program, kind, scenario, seconds if scenario == "day" else min(seconds, 7200))
               for kind in ("victron", "pylontech") for scenario in SCENARIOS]
    return all(results)


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1], int(sys.argv[2])) else 1)

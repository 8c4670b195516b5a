#!/usr/bin/env python3
"""Runs the example with two mosquittos and a simulated pack, and checks it: check.py PROGRAM (the bms-mqtt to try); takes 4 minutes."""
import json
import subprocess
import sys
import time

from checks import expect, said, wait
from pair import HERE, PASSWORDS, Pair

BASE = "fleet/site-a/bms"
CUT = 60


def believable(centre, now):
    """As a consumer at the centre should decide: link, bridge and pack are up, and the limits are young. The limits, or None."""

    def last(topic):
        messages = centre.on(topic)
        return messages[-1][3] if messages else b""

    statuses = [last("fleet/site-a/link"), last(f"{BASE}/bridge/status"), last(f"{BASE}/pack-1/status")]
    if statuses != [b"1", b"online", b"online"]:
        return None
    limits = json.loads(last(f"{BASE}/pack-1/limits") or b"{}")
    return limits if -5 < now - limits.get("time", 0) < 30 else None


def newcomer(pair, name="limits", seconds=2.0):
    """What somebody who subscribes now is given as retained: (payload, expiry in s) or None."""
    client = pair.client("timeseries")
    client.subscribe(f"{BASE}/pack-1/{name}")
    time.sleep(seconds)
    client.end()
    retained = [message for message in client.heard if message[2]]
    return (retained[0][3], getattr(retained[0][4], "MessageExpiryInterval", None)) if retained else None


def main():
    pair = Pair(sys.argv[1])
    try:
        check(pair)
    finally:
        pair.end()
    said("all of it held")


def check(pair):
    centre = pair.client("operator")
    centre.subscribe("fleet/#")
    site = pair.client()
    site.subscribe(f"{BASE}/#")
    wait(lambda: believable(centre, time.time()), 30, "a believable limit at the centre")
    expect(True, "status, limits and state of the site are at the centre")
    wait(lambda: site.on(f"{BASE}/pack-1/cells"), 40, "cells at the site")
    expect(not centre.on(f"{BASE}/pack-1/cells"), "cells stay at the site")

    found = newcomer(pair)
    expect(found is not None and found[1] is not None and found[1] <= 28,
           f"a retained limit reaches a newcomer at the centre with its expiry: {found and found[1]} s left")  # fmt: skip

    operator_commands(pair, centre, site)
    strangers(pair, site)
    pretenders(pair)
    workers(pair)
    link_cut(pair, centre)
    bridge_killed(pair, centre)


def operator_commands(pair, centre, site):
    centre.publish(f"{BASE}/pack-1/set/maxChargeCurrent", "12")
    wait(lambda: any(json.loads(m[3]).get("ccl") == 12 for m in centre.on(f"{BASE}/pack-1/limits")), 10, "a commanded limit")
    # The answer follows when the change is on disk.
    wait(lambda: centre.on(f"{BASE}/pack-1/result"), 10, "an answer")
    expect(json.loads(centre.on(f"{BASE}/pack-1/result")[-1][3])["accepted"], "a command that the site lets in is obeyed and answered")
    before = len(site.heard)
    centre.publish(f"{BASE}/pack-1/set/dischargeEnabled", "OFF")
    centre.publish(f"{BASE}/pack-1/set/maxChargeCurrent", "11")
    wait(lambda: any(json.loads(m[3]).get("ccl") == 11 for m in centre.on(f"{BASE}/pack-1/limits")), 10, "a second limit")
    topics = {message[1] for message in site.heard[before:]}
    expect(f"{BASE}/pack-1/set/dischargeEnabled" not in topics, "a setting without a line in the site's file does not get in")
    centre.publish(f"{BASE}/pack-1/set/maxChargeCurrent", "9", retain=True)
    wait(lambda: any(m[3] == b"9" for m in site.on(f"{BASE}/pack-1/set/maxChargeCurrent")), 10, "a command that was retained")
    time.sleep(2)
    answer = json.loads(centre.on(f"{BASE}/pack-1/result")[-1][3])
    expect(answer["accepted"] is False and "retain" in answer["reason"], f"a retained command is refused: {answer['reason']}")
    centre.publish(f"{BASE}/pack-1/set/maxChargeCurrent", "", retain=True)


def pretenders(pair):
    """Nobody but a site may publish anything that a reader would take for a site's, not even below a name of its own."""
    witness = pair.client("timeseries")
    witness.subscribe("fleet/#")
    for user in ("timeseries", "operator", "site-b"):
        client = pair.client(user)
        names = [f"fleet/{site}/{topic}" for site in (user, "site-a", "site-c")
                 for topic in ("bms/pack-1/state", "bms/pack-1/limits", "bms/bridge/status", "link")]  # fmt: skip
        for topic in names:
            client.publish(topic, "forged")
        wait(lambda: len(client.acknowledged) == len(names), 10, "the broker's answers")
        client.end()
    wait(lambda: len([m for m in witness.heard if m[1].startswith("fleet/site-b/")]) == 4, 10, "what a site says of itself")
    forged = {message[1] for message in witness.heard if message[3] == b"forged" and not message[1].startswith("fleet/site-b/")}
    expect(not forged, f"a reader, an operator and another site can pretend nowhere to be a site: {sorted(forged)}")
    witness.end()


def strangers(pair, site):
    before = len(site.heard)
    for user in ("site-b", "timeseries"):
        client = pair.client(user)
        client.publish(f"{BASE}/pack-1/set/maxChargeCurrent", "3")
        client.publish(f"{BASE}/pack-1/limits", '{"ccl":999}')
        client.subscribe("fleet/site-a/#")
        time.sleep(2)
        expect(user == "timeseries" or not client.heard, f"{user} hears nothing of site-a" if user == "site-b" else f"{user} reads")
        client.end()
    payloads = [message[3] for message in site.heard[before:]]
    expect(b"3" not in payloads and b'{"ccl":999}' not in payloads, "another site and a reader can neither command nor pretend")


def workers(pair):
    (pair.work / "password").write_text(PASSWORDS["timeseries"] + "\n")
    command = [sys.executable, "-B", str(HERE / "to_line_protocol.py"), "--port", str(pair.central_port), "--cafile", "fleet-ca.crt",
               "--user", "timeseries", "--password-file", "password"]  # fmt: skip
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=pair.work) for _ in range(2)]
    witness = pair.client("timeseries")
    time.sleep(3)
    witness.subscribe(f"{BASE}/pack-1/limits")
    time.sleep(45)
    witness.end()
    time.sleep(1)
    for child in children:
        child.terminate()
    lines = [[text for text in child.communicate()[0].splitlines() if text.startswith("bms_limits")] for child in children]
    times = [{text.rsplit(" ", 1)[1] for text in part} for part in lines]
    heard = {str(round(json.loads(message[3])["time"] * 1000) * 1_000_000) for message in witness.heard if not message[2]}
    expect(not times[0] & times[1], "no message went to both workers")
    expect(len(heard) > 2 and heard <= times[0] | times[1], f"each of {len(heard)} messages went to one of them")
    expect(all(lines), f"both had work: {len(lines[0])} and {len(lines[1])} lines")


def link_cut(pair, centre):
    pair.proxy.is_cut = True
    cut_at = time.time()
    said(f"     the link is cut for {CUT} s")
    believed = retained = 0.0
    # Without the bridge's refusal it would command again with each new link.
    pair.client("operator").publish(f"{BASE}/pack-1/set/maxChargeCurrent", "9", retain=True)
    at_site = pair.client()
    at_site.publish(f"{BASE}/pack-1/set/maxChargeCurrent", "14")
    at_site.subscribe(f"{BASE}/pack-1/result")
    while time.time() - cut_at < CUT:
        if believable(centre, time.time()):
            believed = time.time() - cut_at
        if newcomer(pair, seconds=0.5):
            retained = time.time() - cut_at
    expect(believed <= 31, f"the last limit was believed for {believed:.0f} s")
    expect(retained <= 31, f"a newcomer was given it for {retained:.0f} s")
    link = [message for message in centre.on("fleet/site-a/link") if message[0] > cut_at]
    said("     link: " + (f"0 after {link[0][0] - cut_at:.0f} s" if link else "no word yet: keepalive 30 s, times 1.5"))
    statuses = centre.on(f"{BASE}/bridge/status")[-1][3].decode()
    said(f"     bridge/status at the centre meanwhile: {statuses}")
    pair.proxy.is_cut = False
    healed_at = time.time()
    wait(lambda: believable(centre, time.time()), 120, "a believable limit after the cut")
    said(f"     believed again {time.time() - healed_at:.0f} s after the link was whole")
    time.sleep(5)
    replayed = [message[3].decode() for message in at_site.heard if message[0] > healed_at]
    expect(all(not json.loads(text)["accepted"] for text in replayed), f"a command retained meanwhile is not obeyed: {replayed}")
    at_site.end()
    late = [message for message in centre.on(f"{BASE}/pack-1/limits") if message[0] > healed_at]
    ages = [message[0] - json.loads(message[3])["time"] for message in late]
    expect(max(ages) < 30, f"no old limit was delivered after the cut: {len(ages)}, the oldest {max(ages):.1f} s")


def bridge_killed(pair, centre):
    pair.bms.kill()
    killed_at = time.time()
    wait(lambda: not believable(centre, time.time()), 40, "disbelief")
    expect(True, f"a killed bridge is disbelieved at the centre after {time.time() - killed_at:.1f} s")
    while newcomer(pair, seconds=0.5) and time.time() - killed_at < 60:
        pass
    expect(time.time() - killed_at < 33, f"its retained limit is gone from the centre after {time.time() - killed_at:.0f} s")


if __name__ == "__main__":
    main()

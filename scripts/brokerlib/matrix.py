"""What works at each broker, with the seconds that it takes: a bridge with one simulated pack, killed in the end."""
import time

from .client import Refused
from .site import Site, document, expect

KEPT = ("bridge/status", "garage/status", "garage/settings", "garage/limits", "garage/state", "garage/cells")


class Row:
    """The figures of one broker."""

    def __init__(self, kind, version):
        self.title, self.version = kind.title, version
        self.mqtt = self.first = self.command = self.will = self.expiry = self.kept = self.wildcard = self.restart = "-"


def check(kind, binary, version, rows):
    """Yields what was measured, and raises where it is not as it must."""
    row = Row(kind, version)
    rows.append(row)
    with Site(kind, binary) as site:
        yield first_limits(site, row)
        yield commands(site, row)
        yield retained(site, row)
        yield restarted(site, row)
        yield killed(site, row)


def is_live(message):
    return message.topic == "bms/garage/limits" and message.payload


def first_limits(site, row):
    reader = site.listener("reader", ["bms/+/status", "bms/+/limits"], qos=0)
    begin = site.start_bridge()
    found = reader.wait_for(is_live, 60)
    expect(found, f"no limits within 60 s: {site.bridge.lines[-3:]}")
    expect(reader.wait_for(lambda m: m.topic == "bms/bridge/status" and m.payload == b"online", 5), "the bridge does not say online")
    line = site.said("connected to")
    expect(line, "the bridge does not say that it is connected")
    is_five = "3.1.1" not in (site.said("3.1.1 only") or "") and site.engine.protocol == 5
    row.mqtt, row.first = "5" if is_five else "3.1.1", f"{found.at - begin:.1f}"
    return f"MQTT {row.mqtt}; first limits {row.first} s after the start of the bridge"


def commands(site, row):
    user = site.listener("ha", ["bms/garage/result", "bms/garage/limits"])
    begin = time.time()
    user.publish("bms/garage/set/maxChargeCurrent", "12")
    obeyed = user.wait_for(lambda m: is_live(m) and document(m).get("ccl") == 12, 20)
    expect(obeyed, "a command is not obeyed")
    answer = user.wait_for(lambda m: m.topic == "bms/garage/result", 10)
    expect(answer and document(answer).get("accepted") is True, "a command is not answered")
    row.command = f"{obeyed.at - begin:.2f}"
    # A command that the broker would repeat at each start.
    before = len(user.heard)
    user.publish("bms/garage/set/maxChargeCurrent", "9", retain=True)
    time.sleep(2)
    obeys = any(document(m).get("ccl") == 9 for m in user.heard[before:] if is_live(m))
    expect(not (obeys and row.mqtt == "5"), "a retained command is obeyed")
    user.publish("bms/garage/set/maxChargeCurrent", "", retain=True)
    row.retained_command = "obeyed once" if obeys else "refused"
    return f"a command is obeyed after {row.command} s and answered; one that is retained is {row.retained_command}"


def newcomer(site, filters, seconds=1.5, node=0):
    """What somebody who subscribes now is given as retained: topic and message."""
    one = site.client("reader", node)
    one.subscribe(filters, qos=0)
    time.sleep(seconds)
    one.close()
    return {message.topic: message for message in one.heard if message.retained}


def retained(site, row):
    # A heartbeat of `cells` is needed.
    time.sleep(1)
    names = [f"bms/{name}" for name in KEPT]
    kept = newcomer(site, names)
    by_wildcard = newcomer(site, ["bms/#"])
    row.kept = ", ".join(name for name in KEPT if f"bms/{name}" in kept) or "nothing"
    row.wildcard = "yes" if set(kept) <= set(by_wildcard) else "no" if not by_wildcard else "in part"
    for name in KEPT[:3]:
        expect(f"bms/{name}" in kept, f"{name} is not kept")
    if row.mqtt == "5":
        limits = kept.get("bms/garage/limits")
        expect(limits and limits.expiry and limits.expiry <= 30, f"retained limits without expiry: {limits}")
    else:
        expect("bms/garage/limits" not in kept, "limits are kept at a broker that expires nothing")
    return f"kept: {row.kept}; by a wildcard: {row.wildcard}"


def restarted(site, row):
    """The broker is killed and started again."""
    site.engine.programs[0].kill()
    time.sleep(2)
    site.engine.programs[0].start()
    begin = time.time()
    site.engine.await_node(0)
    listens = time.time()
    reader, found = None, None
    while not found and time.time() - listens < 60:
        try:
            if reader is None or reader.is_closed.is_set():
                reader = site.listener("reader", ["bms/+/status", "bms/+/limits"], qos=0)
            found = reader.wait_for(lambda m: is_live(m) and not m.retained, 1)
        except Refused:
            time.sleep(0.2)
    expect(found, f"no limits after a restart of the broker: {site.bridge.lines[-3:]}")
    row.restart = f"{max(0.0, found.at - listens):.1f}"
    return f"the broker starts in {listens - begin:.1f} s, limits {row.restart} s later"


def killed(site, row):
    """The bridge is killed: how long do consumers and newcomers believe it?"""
    reader = site.listener("reader", ["bms/bridge/status", "bms/garage/limits"], qos=0)
    # After a new connection expiries are short, until the line has shown that it keeps up.
    expect(reader.wait_for(lambda m: is_live(m) and (row.mqtt != "5" or (m.expiry or 0) > 20), 40), "no limits before the kill")
    begin = time.time()
    site.bridge.kill()
    will = reader.wait_for(lambda m: m.topic == "bms/bridge/status" and m.payload == b"offline" and m.at >= begin, 40)
    expect(will, "no will")
    row.will = f"{will.at - begin:.1f}"
    last, oldest, misses = begin, 0.0, 0
    # On a busy machine a message may come late: two have to miss it.
    while time.time() - begin < 60 and misses < 2:
        limits = newcomer(site, ["bms/garage/limits"], 0.8).get("bms/garage/limits")
        misses += not limits
        if not limits:
            continue
        last, misses = time.time(), 0
        oldest = max(oldest, last - document(limits).get("time", last))
    row.expiry = f"{last - begin:.0f}" if last > begin else "not kept"
    row.oldest = f"{oldest:.1f}" if oldest else "-"
    expect(last - begin < 31 and oldest <= 30.5, f"a newcomer was given limits {oldest:.1f} s old, {last - begin:.0f} s after the kill")
    status = newcomer(site, ["bms/bridge/status"]).get("bms/bridge/status")
    expect(status and status.payload == b"offline", "the will is not kept")
    return f"bridge killed: offline after {row.will} s; retained limits gone after {row.expiry} s, the oldest given {row.oldest} s old"


def markdown(rows):
    yield ("| broker | version | MQTT | first limits, s | command, s | retained command | will, s | limits expire, s | oldest given, s "
           "| broker restarted, s | retained by a wildcard |")
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        yield (f"| {row.title} | {row.version} | {row.mqtt} | {row.first} | {row.command} | {getattr(row, 'retained_command', '-')} | "
               f"{row.will} | {row.expiry} | {getattr(row, 'oldest', '-')} | {row.restart} | {row.wildcard} |")

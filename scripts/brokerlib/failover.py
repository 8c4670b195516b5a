"""What a consumer sees when the bridge's first broker, or node of a cluster, is lost and comes back (`mqtt.hosts`)."""
import threading
import time

from .client import Client, Refused
from .site import Site, document, expect

LONGEST = 30.0  # seconds that a limit holds
# Seconds that docs/brokers.md promises, and what a loaded machine may add.
CUT, BACK, SLACK = 20, 60, 2


class Consumer(threading.Thread):
    """By the rules of docs/safety.md, at one node or at several brokers that know nothing of each other: it believes the one that lives."""

    def __init__(self, site, nodes):
        super().__init__(daemon=True)
        self.site, self.nodes = site, nodes
        self.known = {node: {} for node in nodes}
        self.oldest = self.blind = self.longest_blind = 0.0
        self.newest, self.is_ended, self.connections = 0.0, False, {}
        self.gaps = []
        self.start()

    def note(self, node, message):
        known, name = self.known[node], message.topic.split("/", 1)[1]
        known[name] = message
        if name == "garage/limits" and message.payload:
            self.newest = max(self.newest, document(message).get("time", 0))

    def believes(self, node, now):
        known = self.known[node]
        if any(getattr(known.get(name), "payload", b"") != b"online" for name in ("bridge/status", "garage/status")):
            return None
        limits = known.get("garage/limits")
        if not limits or not limits.payload or now - limits.at >= min(LONGEST, limits.expiry if limits.expiry is not None else LONGEST):
            return None
        age = now - document(limits).get("time", 0)
        return age if age < LONGEST else None

    def connect(self, node):
        one = self.connections.get(node)
        if one and not one.is_closed.is_set():
            return
        try:
            engine = self.site.engine
            one = Client(engine.ports[node], engine.login("reader"), "reader", engine.protocol, seconds=3.0,
                         on_message=lambda message: self.note(node, message))
            one.subscribe(["bms/bridge/status", "bms/garage/status", "bms/garage/limits"], qos=0)
            self.connections[node] = one
        except Refused:
            pass

    def run(self):
        threading.Thread(target=self.stay, daemon=True).start()
        at, since = time.time(), time.time()
        while not self.is_ended:
            time.sleep(0.02)
            now = time.time()
            ages = [age for age in (self.believes(node, now) for node in self.nodes) if age is not None]
            if ages:
                # It takes the youngest that it believes.
                self.oldest, since = max(self.oldest, min(ages)), now
            else:
                self.blind += now - at
                self.longest_blind = max(self.longest_blind, now - since)
            at = now

    def stay(self):
        while not self.is_ended:
            for node in self.nodes:
                self.connect(node)
            time.sleep(0.2)

    def reset(self):
        self.oldest = self.blind = self.longest_blind = 0.0

    def fresh_after(self, moment, seconds):
        """Seconds from a moment until limits by data from after it, or None."""
        while time.time() - moment < seconds:
            if self.newest > moment + 0.05:
                return time.time() - moment
            time.sleep(0.01)
        return None

    def end(self):
        self.is_ended = True
        for one in self.connections.values():
            one.close()


class Row:
    def __init__(self, kind, version, nodes):
        self.title, self.version, self.nodes = kind.title, version, nodes
        self.kind = f"{nodes} nodes" if kind.is_cluster else f"{nodes} brokers"
        self.figures = {}


def check(kind, binary, version, rows):
    nodes = kind.failover_nodes
    row = Row(kind, version, nodes)
    rows.append(row)
    with Site(kind, binary, nodes, has_proxy=True) as site:
        site.start_bridge()
        # A consumer stays at a node that lives on; where brokers are not one, it knows all of them.
        consumer = Consumer(site, [1] if kind.is_cluster else list(range(nodes)))
        site.clients.append(FinalStep(consumer.end))
        begin = time.time()
        while not consumer.newest and time.time() - begin < 90:
            time.sleep(0.05)
        expect(consumer.newest, f"no limits: {site.bridge.lines[-3:]}")
        # Long enough for the bridge to know that the line is quick.
        time.sleep(8)
        yield lost(site, row, consumer, "killed", kind.killed_within, lambda: kill(site))
        yield back(site, row, consumer, "back after kill", lambda: restart(site))
        # A first broker that serves for less than a minute is not trusted at once (docs/brokers.md), and one return may fail.
        await_first(site, "cut")
        time.sleep(62)
        yield lost(site, row, consumer, "cut", CUT, site.proxy.cut)
        yield back(site, row, consumer, "back after cut", site.proxy.mend)


def kill(site):
    # The way to a broker that is not there refuses, too.
    site.proxy.is_closed = True
    site.engine.programs[0].kill()


def restart(site):
    site.engine.programs[0].start()
    site.engine.await_node(0)
    site.proxy.is_closed = False


class FinalStep:
    def __init__(self, work):
        self.close = work


def measured(row, consumer, name, seconds, lost_commands=None):
    oldest = consumer.oldest
    row.figures[name] = (seconds, consumer.longest_blind, oldest, lost_commands)
    expect(oldest <= LONGEST + 0.5, f"{name}: a limit {oldest:.1f} s old was believed")
    what = "at the first again" if name.startswith("back") else "fresh limits"
    return (f"{name}: {what} after {seconds:.1f} s, without a valid limit for {consumer.longest_blind:.1f} s, oldest believed "
            f"{oldest:.1f} s" + ("" if lost_commands is None else f", {lost_commands[0]} of {lost_commands[1]} commands without an answer"))


def await_first(site, name):
    """The bridge is at the first broker: something passes on the way to it each second."""
    end, calm = time.time() + 2 * BACK, 0
    while calm < 4 and time.time() < end:
        before = site.proxy.bytes
        time.sleep(1.5)
        calm = calm + 1 if site.proxy.bytes > before else 0
    expect(calm == 4, f"before '{name}': the bridge does not stay at the first: {site.bridge.lines[-5:]}")


def lost(site, row, consumer, name, bound, fault):
    await_first(site, name)
    consumer.reset()
    answers, asked = site.listener("ha", ["bms/garage/result"], node=1, qos=0), 0
    begin = time.time()
    fault()
    found = None
    # Commands at the place to which the bridge will come: what is lost meanwhile?
    while found is None and time.time() - begin < bound + 40:
        asked += 1
        answers.publish("bms/garage/set/maxChargeCurrent", str(20 + asked % 10), seconds=1.0)
        found = consumer.fresh_after(begin, time.time() - begin + 0.5)
    expect(found is not None, f"{name}: no fresh limits within {bound + 40} s: {site.bridge.lines[-4:]}")
    time.sleep(4)
    expect(found <= bound + SLACK, f"{name}: fresh limits after {found:.1f} s, {bound} are promised")
    return measured(row, consumer, name, found, (asked - len(answers.heard), asked))


def back(site, row, consumer, name, repair):
    consumer.reset()
    repair()
    listens, site.proxy.bytes = time.time(), 0
    # A look whether it listens brings no bytes.
    while time.time() - listens < BACK + SLACK and not site.proxy.bytes:
        time.sleep(0.02)
    returned = time.time()
    expect(site.proxy.bytes, f"{name}: not at the first within {BACK} s: {site.bridge.lines[-4:]}")
    expect(consumer.fresh_after(returned, 15) is not None, f"{name}: no fresh limits at the first: {site.bridge.lines[-4:]}")
    time.sleep(4)
    return measured(row, consumer, name, returned - listens)


def markdown(rows):
    yield ("| broker | version | kind | killed: fresh limits after, s | without valid limits, s | cut: fresh limits after, s | without valid "
           "limits, s | first one back: served after, s | without valid limits, s | oldest limit believed, s | commands unanswered |")
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        if len(row.figures) < 4:
            yield f"| {row.title} | {row.version} | {row.kind} | FAILED | | | | | | | |"
            continue
        killed, cut, returned, again = (row.figures[name] for name in ("killed", "cut", "back after kill", "back after cut"))
        yield (f"| {row.title} | {row.version} | {row.kind} | {killed[0]:.1f} | {killed[1]:.1f} | {cut[0]:.1f} | {cut[1]:.1f} | "
               f"{returned[0]:.1f}, {again[0]:.1f} | {max(returned[1], again[1]):.1f} | {max(one[2] for one in row.figures.values()):.1f} | "
               f"killed {killed[3][0]} of {killed[3][1]}, cut {cut[3][0]} of {cut[3][1]} |")

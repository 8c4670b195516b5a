"""A bridge between a cable and a serial CAN adapter, both pseudo terminals, beside a real broker: gaps, delays, and what it takes until an
inverter that knows nothing but frames is safe."""
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import can
import paho.mqtt.client as mqtt

from canlib import decoder


class Part:
    """A program that is ended with the bench."""

    def __init__(self, *words, **options):
        self.process = subprocess.Popen(words, **options)

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait()


class Bench:
    def __init__(self, program, folder, short):
        self.program, self.folder, self.failures, self.parts = program, folder, [], []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        with open(self.path("broker.conf"), "w") as file:
            file.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        staleness = "staleness: { hold: 1, stale: 3, lost: 10 }\n" if short else ""
        self.times = (3, 10) if short else (10, 60)
        self.configuration = (f"mqtt: {{ host: 127.0.0.1, port: {self.port} }}\nstateDirectory: {self.path('state')}\n"
                              f"publish: {{ limits: 0 }}\n{staleness}packs:\n  - {{ id: garage, source: 'serial:{self.path('bms')}' }}\n")
        os.makedirs(self.path("state"))
        simulator = subprocess.Popen([program, "simulate", "--stdout", "--scenario", "day", "--speed", "10000"], stdout=subprocess.PIPE)
        self.frames = simulator.stdout.read(58 * 20_000)
        simulator.kill()
        simulator.wait()
        self.inverter, self.lock, self.arrivals, self.sent, self.documents = decoder.Inverter(), threading.Lock(), [], [], []
        self.is_cable_in, self.is_over, self.line = True, False, None
        self.broker = self.part("mosquitto", "-c", self.path("broker.conf"), stderr=subprocess.DEVNULL)
        self.join("bms", "bms-sender")
        self.adapter = self.join("adapter", "bus")
        self.bridge = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def part(self, *words, **options):
        self.parts.append(Part(*words, **options))
        return self.parts[-1]

    def join(self, first, second):
        """Two pseudo terminals, joined like the ends of a cable."""
        pair = self.part("socat", *(f"pty,raw,echo=0,link={self.path(name)}" for name in (first, second)))
        wait(5, lambda: os.path.exists(self.path(first)) and os.path.exists(self.path(second)))
        return pair

    def start_bridge(self, has_bus=True):
        text = self.configuration
        if has_bus:
            text += f"can:\n  - {{ interface: 'slcan:{self.path('adapter')}', protocol: victron }}\n"
        with open(self.path("config.yaml"), "w") as file:
            file.write(text)
        self.log = open(self.path("log"), "w")
        self.bridge = self.part(self.program, "run", "--config", self.path("config.yaml"), stderr=self.log)

    def start_threads(self):
        for work in self.feed, self.listen:
            threading.Thread(target=work, daemon=True).start()
        self.client = mqtt.Client()
        self.client.on_connect = lambda client, *_: client.subscribe("bms/garage/limits")
        self.client.on_message = lambda _, __, message: self.documents.append((time.monotonic(), json.loads(message.payload)))
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()

    def feed(self):
        cable = os.open(self.path("bms-sender"), os.O_WRONLY | os.O_NOCTTY)
        at, due = 0, time.monotonic()
        while not self.is_over:
            due += 1
            time.sleep(max(0, due - time.monotonic()))
            if self.is_cable_in:
                os.write(cable, self.frames[at:at + 58])
                self.sent.append(time.monotonic())
                at = (at + 58) % len(self.frames)

    def listen(self):
        while not self.is_over:
            try:
                bus = can.interface.Bus(bustype="slcan", channel=self.path("bus"), bitrate=500000, ttyBaudrate=115200)
                while not self.is_over:
                    message = bus.recv(0.5)
                    if message:
                        now = time.monotonic()
                        with self.lock:
                            self.inverter.hear(message.arbitration_id, bytes(message.data), now)
                            if message.arbitration_id == 0x351:
                                self.arrivals.append((now, dict(self.inverter.limits)))
            except Exception:  # The adapter was pulled.
                time.sleep(0.05)

    def check(self, what, is_good, result):
        print(f"| {what} | {result} |{'' if is_good else ' FAILED'}", flush=True)
        if not is_good:
            self.failures.append(what)

    def end(self):
        self.is_over = True
        for part in reversed(self.parts):
            part.end(signal.SIGKILL)


def wait(seconds, until):
    """Waits until something is so; returns how long it took, or None where it took too long."""
    start = time.monotonic()
    while not until():
        if time.monotonic() - start > seconds:
            return None
        time.sleep(0.01)
    return time.monotonic() - start


def processor(bench):
    with open(f"/proc/{bench.bridge.process.pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def share(bench, seconds):
    """Percent of a core that the bridge takes for some seconds."""
    begin, used = time.monotonic(), processor(bench)
    wait(seconds, never)
    return (processor(bench) - used) / (time.monotonic() - begin) * 100


def never():
    return False


def busy(bench):
    """Others that keep the broker busy: about 2,000 messages a second, and somebody who reads all of them."""
    for number in range(4):
        code = (f"import time\nn = 0\nwhile True:\n    print('x' * 200, n, flush=True)\n    n += 1\n    time.sleep(0.002)")
        source = bench.part(sys.executable, "-c", code, stdout=subprocess.PIPE)
        bench.part("mosquitto_pub", "-p", str(bench.port), "-t", f"noise/{number}", "-l", stdin=source.process.stdout)
    bench.part("mosquitto_sub", "-p", str(bench.port), "-t", "#", stdout=subprocess.DEVNULL)


def compare(bench, since):
    """The newest limits on the broker, rounded down, against the frames: differences and frames compared."""
    different = compared = 0
    documents = list(bench.documents)
    for at, got in list(bench.arrivals):
        near = [document for when, document in documents if abs(when - at) < 0.4]
        if at < since or not near:
            continue
        compared += 1
        if not any(all(abs(int(document[name] * 10 + 1e-6) / 10 - got[name]) < 1e-6 for name in ("cvl", "ccl", "dcl")) for document in near):
            different += 1
    return different, compared


def main(program, seconds, short):
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(program, folder, short)
        try:
            return measure(bench, seconds)
        finally:
            bench.end()


def measure(bench, seconds):
    print("| measured | result |\n|---|---|")
    bench.start_bridge(has_bus=False)
    bench.start_threads()
    wait(20, lambda: bench.documents)
    busy(bench)
    without = share(bench, max(10, seconds / 6))
    bench.bridge.end()
    bench.start_bridge()
    bench.check("first limits on the bus", wait(20, lambda: bench.arrivals) is not None, "yes")
    wait(3, never)
    begin, first, sets = time.monotonic(), len(bench.arrivals), len(bench.inverter.sets)
    used = share(bench, seconds)
    times = [at for at, _ in bench.arrivals[first:]]
    gaps = [after - before for before, after in zip(times, times[1:])]
    whole = [one for one in bench.inverter.sets[sets + 1:] if sorted(one) == sorted(decoder.VICTRON)]
    count = len(bench.inverter.sets[sets + 1:])
    bench.check(f"sets in {seconds:.0f} s beside a busy broker", len(whole) == count and count >= seconds * 0.98 - 2, f"{count}, {len(whole)} whole")
    bench.check("gap between two sets, s", max(gaps) < 1.5, f"{min(gaps):.3f} to {max(gaps):.3f}, median {statistics.median(gaps):.3f}")
    delays = []
    for at in [at for at in bench.sent if at >= begin]:
        after = next((time for time in times if time >= at), None)
        if after is not None:
            delays.append((after - at) * 1000)
    delays.sort()
    bench.check("last byte of the BMS's frame to limits on the bus, ms", statistics.median(delays) < 50,
                f"median {statistics.median(delays):.1f}, 99 % {delays[int(len(delays) * 0.99) - 1]:.1f}, most {delays[-1]:.1f}")
    different, compared = compare(bench, begin)
    bench.check("limits on the bus that differ from `limits` on the broker", different == 0 and compared > 0, f"{different} of {compared}")
    bench.check("processor of the bridge, percent of a core", used < 5, f"{used:.2f}, without a bus {without:.2f}")

    bench.broker.end(signal.SIGKILL)
    start, before = time.monotonic(), len(bench.arrivals)
    wait(10, never)
    times = [start] + [at for at, _ in bench.arrivals[before:]]
    gaps = [after - before for before, after in zip(times, times[1:])]
    bench.check("broker killed: longest gap after it, s", len(gaps) >= 9 and max(gaps) < 1.5, f"{max(gaps):.3f} (nothing changes)")
    bench.broker = bench.part("mosquitto", "-c", bench.path("broker.conf"), stderr=subprocess.DEVNULL)

    bench.adapter.end(signal.SIGKILL)
    start = time.monotonic()
    wait(1, never)
    last = bench.inverter.at
    bench.check("adapter pulled: an inverter stops after, s", last <= start + 0.1, f"{last + decoder.Inverter.patience - start:.1f} at most {decoder.Inverter.patience}")
    wait(3, never)
    bench.adapter = bench.join("adapter", "bus")
    start = time.monotonic()
    took = wait(20, lambda: bench.inverter.at > start)
    bench.check("adapter back: limits again after, s", took is not None and took < 8, "never" if took is None else f"{took:.1f}")

    stale, lost = bench.times
    wait(2, never)
    bench.is_cable_in = False
    wait(1.1, never)
    last = bench.sent[-1]
    wait(stale + 5, lambda: not bench.inverter.may_charge(time.monotonic()))
    charge = time.monotonic() - last
    bench.check("cable pulled: no charge after, s", charge < stale + 2.5, f"{charge:.1f}")
    wait(lost + 5, lambda: not bench.inverter.may_act(time.monotonic()))
    everything = time.monotonic() - last
    bench.check("cable pulled: an inverter stops altogether after, s", everything < lost + 5, f"{everything:.1f} (silence after {bench.inverter.at - last:.1f})")
    bench.is_cable_in = True
    took = wait(40, lambda: bench.inverter.may_charge(time.monotonic()))
    bench.check("cable back: charge is permitted after, s", took is not None, "never" if took is None else f"{took:.1f}")

    wait(2, never)
    bench.bridge.end(signal.SIGKILL)
    start = time.monotonic()
    wait(1, never)
    bench.check("bridge killed: an inverter stops after, s", bench.inverter.at <= start + 0.1, f"{bench.inverter.at + decoder.Inverter.patience - start:.1f}")
    if bench.failures:
        with open(bench.path("log")) as file:
            print(file.read(), file=sys.stderr)
    return not bench.failures


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1], float(sys.argv[2]), sys.argv[3] == "short") else 1)
